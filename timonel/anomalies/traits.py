"""What is known of each metric beforehand: how it is distributed, which way is worse, what matters."""

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from timonel.anomalies.anomaly import Severity


class Kind(StrEnum):
    """How a metric varies from window to window."""

    RATE = "rate"
    """A share of n rows: a binomial count, overdispersed."""
    LEVEL = "level"
    """A number on its own scale, such as an AUC or a mean score."""
    POSITIVE = "positive"
    """A positive quantity that varies by factors, such as a latency: judged on the log scale."""


class Worse(StrEnum):
    """Which way is worse."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Gate:
    """The least departure that matters: by an absolute amount and by a factor, both."""

    absolute: float = 0.0
    ratio: float = 1.0

    def passed(self, observed: float, expected: float, scale: float = 1.0) -> bool:
        """Whether `observed` is that far from `expected`, either way; the gate's size times `scale`."""
        if abs(observed - expected) < self.absolute * scale - 1e-12:
            return False
        low, high = sorted((abs(observed), abs(expected)))
        return self.ratio == 1 or high >= low * (1 + (self.ratio - 1) * scale)


@dataclass(frozen=True, slots=True)
class Trait:
    """How one metric is judged; a severity without a gate is never given."""

    kind: Kind
    worse: Worse
    info: Gate | None = None
    ticket: Gate | None = None
    page: Gate | None = None
    bounds: tuple[float, float] = (-math.inf, math.inf)
    """What the metric can be."""

    def within(self, limits: tuple[float, float]) -> tuple[float, float]:
        """Limits that the metric can reach."""
        low, high = self.bounds
        return max(low, limits[0]), min(high, limits[1])

    def severity(self, observed: float, expected: float, scale: float = 1.0) -> Severity | None:
        """The greatest severity whose gate is passed in a direction that is worse; None: a trifle."""
        if not self.is_worse(observed, expected):
            return None
        gates = ((Severity.PAGE, self.page), (Severity.TICKET, self.ticket))
        for severity, gate in (*gates, (Severity.INFO, self.info)):
            if gate is not None and gate.passed(observed, expected, scale):
                return severity
        return None

    def is_worse(self, observed: float, expected: float) -> bool:
        """Whether a departure of this sign can be an anomaly."""
        if self.worse is Worse.BOTH:
            return observed != expected
        return observed > expected if self.worse is Worse.UP else observed < expected


_FAILURES = Trait(Kind.RATE, Worse.UP, ticket=Gate(0.005, 2), page=Gate(0.02, 4))
_REJECTED = Trait(Kind.RATE, Worse.UP, ticket=Gate(0.02, 2), page=Gate(0.2, 4))
_QUALITY = Trait(Kind.LEVEL, Worse.DOWN, ticket=Gate(0.02), page=Gate(0.05), bounds=(0, 1))
_GOOD = (
    *("accuracy", "precision", "recall", "f1", "fbeta", "macro_f1", "macro_recall"),
    *("specificity", "precision_at_k", "cp_at_k", "hit_rate"),
    *("auc", "roc_auc", "pr_auc", "ndcg", "mrr", "map", "coverage"),
)
_COUNTED = (
    *("accuracy", "precision", "recall", "specificity", "hit_rate"),
    *("precision_at_k", "cp_at_k"),
)
"""Shares of rows of their own, such as those predicted positive: few rows make a wide baseline."""
_HITS = replace(_QUALITY, kind=Kind.RATE)
_LATENCY = Trait(Kind.POSITIVE, Worse.UP, ticket=Gate(0, 1.15), page=Gate(0, 1.75))
_TAIL = Trait(Kind.POSITIVE, Worse.UP, ticket=Gate(0, 1.3), page=Gate(0, 2.5))
_SHARE = Trait(Kind.RATE, Worse.BOTH, info=Gate(0.01, 1.5), ticket=Gate(0.02, 2), page=Gate(0.1, 3))
_LOSS = Trait(Kind.POSITIVE, Worse.UP, ticket=Gate(0, 1.2), page=Gate(0, 1.6))
_DOUBT = Trait(Kind.RATE, Worse.UP, info=Gate(0.02, 1.5), ticket=Gate(0.05, 2))
_SHAPE = Trait(Kind.POSITIVE, Worse.BOTH, info=Gate(0, 1.25), ticket=Gate(0, 1.6))

_SLOW = Trait(Kind.RATE, Worse.UP, ticket=Gate(0.01, 2), page=Gate(0.1, 3))
_NARROW = Trait(Kind.LEVEL, Worse.UP, info=Gate(0.05), ticket=Gate(0.1))
_VARIED = Trait(Kind.POSITIVE, Worse.DOWN, info=Gate(0, 1.15), ticket=Gate(0, 1.4))

TRAITS: dict[str, Trait] = {
    **dict.fromkeys(("slow_rate", "other_rate"), _SLOW),
    "popularity_bias": _NARROW,
    **dict.fromkeys(("novelty", "intra_list_diversity"), _VARIED),
    **dict.fromkeys(_GOOD, _QUALITY),
    **dict.fromkeys(("error_rate", "null_rate", "timeout_rate"), _FAILURES),
    **dict.fromkeys(("rejected_rate", "violation_rate"), _REJECTED),
    **dict.fromkeys(_COUNTED, _HITS),
    **dict.fromkeys(("precision@", "recall@"), _QUALITY),
    **dict.fromkeys(("mean_latency_ms", "p50_latency_ms", "p95_latency_ms"), _LATENCY),
    "p99_latency_ms": _TAIL,
    "throughput_per_s": Trait(
        Kind.POSITIVE, Worse.BOTH, info=Gate(0, 3), ticket=Gate(0, 4), page=Gate(0, 10)
    ),
    **dict.fromkeys(("alert_rate", "base_rate", "class_share", "script_share"), _SHARE),
    **dict.fromkeys(("oov_rate", "low_confidence_share", "unlisted_share"), _DOUBT),
    "cold_start_share": _DOUBT,
    "mean_score": Trait(
        Kind.POSITIVE, Worse.BOTH, info=Gate(0.01, 1.25), ticket=Gate(0.02, 1.5), page=Gate(0.1, 2)
    ),
    **dict.fromkeys(("log_loss", "brier", "cost_per_prediction"), _LOSS),
    "ece": Trait(Kind.LEVEL, Worse.UP, ticket=Gate(0.02, 1.5), page=Gate(0.06, 2)),
    **dict.fromkeys(("mean_entropy", "mean_confidence"), _SHAPE),
    **dict.fromkeys(("mean_tokens", "p50_tokens", "p95_tokens"), _SHAPE),
    **{f"{name}_gap": replace(_QUALITY, bounds=(-1, 1)) for name in _GOOD},
}
"""By metric; a `_gap` is realised less estimated quality, which a change of the population leaves alone.

Keyed without what follows "[", "@" or ":" in the name; with the "@" where lists differ from rows: their
precision is a mean over lists, no count.
"""

UNJUDGED = frozenset({"n", "n_labelled", "label_share", "ctr", "gini"})
"""What the packs tell and nobody judges: traffic is judged by its rate, late labels by their age, clicks by
the hit rate, and concentration by the popularity bias."""

UNKNOWN = Trait(Kind.LEVEL, Worse.BOTH, info=Gate(0, 1.5))
"""A metric that nobody has described is worth a remark, no more."""


def family_of(metric: str) -> str:
    """The metric without its particulars: "recall[spam]" is a recall."""
    return re.split(r"[\[@:]", metric, maxsplit=1)[0]


def trait_of(metric: str, own: dict[str, Trait] | None = None) -> Trait:
    """The trait of a metric: its own, then that of its family."""
    known, family = TRAITS | (own or {}), family_of(metric)
    of_lists = f"{family}@" if f"{family}@" in metric else family
    return known.get(metric) or known.get(of_lists) or known.get(family) or UNKNOWN


def is_judged(metric: str) -> bool:
    """Whether there is anything to hold against it."""
    return family_of(metric) in TRAITS
