"""What timonel.yaml may ask for, and what is told before anything listens."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from timonel.config.watching import Alibi
from timonel.errors import BadInput, Unavailable
from timonel.reference import Reference
from timonel_serving.detector.alibi.setup import alibi_taps, plan_of


def reference() -> Reference:
    rng = np.random.default_rng(0)
    kinds = rng.choice(["a", "b"], 500).astype(object)
    return Reference.fit({"x": rng.normal(size=500), "y": rng.normal(size=500), "kind": kinds})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "tabular", "storage_uri": "detector"},
        {"kind": "tabular", "allow_pickle": True},
        {"kind": "mmd"},
        {"kind": "tabular", "batch_size": 10},
        {"kind": "tabular", "drift_batch_size": 100},
        {"storage_uri": "detector", "digest": "latest"},
    ],
)
def test_settings_that_are_no_detector_are_refused(given: dict[str, Any]) -> None:
    """One detector, of a known kind, with windows of a size that a test can judge."""
    with pytest.raises(ValidationError):
        Alibi.model_validate(given)


def test_without_the_library_the_message_names_extra_and_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The detector refuses to start, rather than to watch less than it was told."""
    monkeypatch.setattr("timonel_serving.detector.alibi.setup.find_spec", lambda _: None)
    asked = alibi_taps(Alibi(kind="tabular"), None, model="m", base=tmp_path, environment={})
    with (
        pytest.raises(Unavailable, match=r'Business Source License[\s\S]*"timonel\[alibi\]"'),
        asked,
    ):
        raise AssertionError("it started")


def test_none_is_asked_for_by_default(tmp_path: Path) -> None:
    """Without the section there is no tap, and nothing of Alibi Detect is looked for."""
    with alibi_taps(None, None, model="m", base=tmp_path, environment={}) as taps:
        assert taps == ()


def test_the_columns_are_the_references_unless_they_are_named() -> None:
    """In its order; categories are told from numbers by the reference, not by their values."""
    whole = plan_of(Alibi(kind="tabular"), reference(), Path())
    assert (whole.features, whole.categorical) == (("x", "y", "kind"), ("kind",))
    named = plan_of(Alibi(kind="ks", features=("y", "x")), reference(), Path())
    assert (named.features, named.categorical) == (("y", "x"), ())


@pytest.mark.parametrize(
    ("settings", "known", "message"),
    [
        (Alibi(kind="tabular"), False, r"made from a reference[\s\S]*--reference"),
        (Alibi(storage_uri="saved"), False, "features is missing"),
        (Alibi(kind="ks"), True, "kind are categories"),
        (Alibi(kind="ks", features=("z",)), True, "names z, expected features of the reference"),
        (Alibi(storage_uri="nowhere"), True, "no such directory"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(
    settings: Alibi, known: bool, message: str, tmp_path: Path
) -> None:
    """With the setting, and what to do."""
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "config.toml").write_text('name = "KSDrift"\nx_ref = "x_ref.npy"\n')
    with pytest.raises(BadInput, match=message):
        plan_of(settings, reference() if known else None, tmp_path)
