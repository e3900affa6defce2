"""The degradation: three faults at once, measured on the log that they were put into."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from timonel.errors import BadInput
from timonel.faults import Healthy, degradation

LOG = Healthy(rows=20_000, days=14, base_rate=0.3).table(np.random.default_rng(7))
ONSET = 0.4


def accuracy(rows: pa.Table) -> float:
    """The share of right predictions among those that were given."""
    return float(
        pc.mean(pc.cast(pc.equal(rows["prediction"], rows["label"]), pa.float64())).as_py()
    )


def test_accuracy_falls_by_its_share_latency_rises_and_predictions_go_missing() -> None:
    """Once the fall is over accuracy has lost 15 % of itself, latency is 40 % up, 4 % are missing."""
    done = degradation(LOG, ONSET).apply(LOG, np.random.default_rng(1)).table
    late = slice(17_000, 20_000)
    before, after = LOG.slice(17_000), done.slice(17_000)
    assert accuracy(after) / accuracy(before) == pytest.approx(0.85, abs=0.03)
    slower = np.asarray(done["latency_ms"])[late] / np.asarray(LOG["latency_ms"])[late]
    assert slower == pytest.approx(1.4)
    missing = done["prediction"].slice(8_000).null_count / 12_000
    assert missing == pytest.approx(0.04, abs=1e-3)


def test_what_came_before_the_onset_stays() -> None:
    """Rows before the onset are the same, and scores and features are everywhere."""
    done = degradation(LOG, ONSET).apply(LOG, np.random.default_rng(1)).table
    assert done.slice(0, 8_000).equals(LOG.slice(0, 8_000))
    assert done["amount"].equals(LOG["amount"])


def test_a_model_no_better_than_chance_is_refused() -> None:
    """Where turning labels around takes no accuracy away there is no such incident."""
    flipped = pa.array(1 - np.asarray(LOG["prediction"].fill_null(0)))
    at = LOG.schema.get_field_index("label")
    with pytest.raises(BadInput, match="15% of the accuracy"):
        degradation(LOG.set_column(at, "label", flipped), ONSET)
