"""What the counters of a monitor mean: only monitors that agree on it can add theirs up."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from timonel.errors import BadInput
from timonel.monitor.account import Account
from timonel.monitor.config import MonitorConfig
from timonel.monitor.feature_windows import FeatureWindows
from timonel.monitor.outcomes import BinaryOutcome, ClassOutcome, ListOutcome

Terms = Mapping[str, Any]


def terms_of(account: Account, features: FeatureWindows | None, config: MonitorConfig) -> Terms:
    """By name, as plain JSON values. A reference that was learnt is nobody else's, and no part of them."""
    model, given = account.model, features is not None and not features.reference.learnt
    outcome = model.outcome
    found: dict[str, Any] = {"task": model.task.value}
    if isinstance(outcome, BinaryOutcome | ClassOutcome):
        found["classes"] = list(outcome.classes.names)
    if isinstance(outcome, BinaryOutcome):
        found["threshold"] = outcome.threshold
    if isinstance(outcome, ListOutcome):
        found |= {"items": _digest(outcome.catalogue.to_dict()), "k": outcome.k}
    return found | {
        "slices": list(config.slices),
        "retention": config.retention.total_seconds(),
        "latency_slo_ms": config.latency_slo_ms,
        "suppressed": config.suppressed,
        "reference": features.digest if given and features is not None else None,
        "counters": _digest(account.state.layout.to_dict()),
    }


def require_same(own: Terms, theirs: Terms) -> None:
    """Raises BadInput that names what differs."""
    names = [name for name in {**own, **theirs} if own.get(name) != theirs.get(name)]
    if names:
        told = (f"{n} is {_short(theirs.get(n))}, expected {_short(own.get(n))}" for n in names[:4])
        raise BadInput(
            f"the parcel counts otherwise than this monitor: {'; '.join(told)}",
            fix="give detectors and monitor the same release, reference and settings",
        )


def _digest(value: Any) -> str:
    return sha256(json.dumps(value).encode()).hexdigest()


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
