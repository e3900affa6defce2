"""Logged rows as evidence: each counted once, labelled ones first; what was not kept is refused."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ledgers import ledger_at
from packages import Built, build
from timonel.canary import Arm, Block, CanaryPlan, Metric
from timonel.config import Config, parse_config
from timonel.errors import BadInput
from timonel.ledger import Ledger
from timonel_pipelines.rollout.behaviour.behaviour import Behaviour, Pair, check, replayable
from timonel_pipelines.rollout.behaviour.deciles import deciles, with_edges
from timonel_pipelines.rollout.behaviour.names import settled
from timonel_pipelines.rollout.route.stand import Version

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
EDGES = tuple(x / 10 for x in range(1, 10))
PLAN = CanaryPlan(
    [
        Metric("labelled_errors", kind="paired"),
        Metric("labelled_errors[region:south]", kind="paired", support=10),
        Metric("log_loss", kind="loss"),
        Metric("disagreement"),
        Metric("calibration", kind="value", margin=0.1),
        Metric("scores", kind="scores", edges=EDGES),
    ]
)


@dataclass(frozen=True)
class Log:
    """400 served rows of one model in a ledger."""

    built: Built
    ledger: Ledger
    version: Version
    config: Config
    folder: Path

    def label(self, first: int, last: int, *, minutes: int = 5, of: int | None = None) -> None:
        """Append labels of some rows: the truth, or always `of`."""
        truth = self.built.table["outcome"].slice(first, last - first).to_pylist()
        when = [AT + timedelta(minutes=minutes)] * len(truth)
        self.ledger.append(
            "labels",
            {
                "prediction_id": [f"p{i}" for i in range(first, last)],
                "label": truth if of is None else [of] * len(truth),
                "event_time": when,
                "arrival_time": when,
            },
        )

    def behaviour(self, config: Config | None = None) -> Behaviour:
        """Both versions are the same one."""
        pair = Pair(config or self.config, self.ledger, self.version, self.version)
        found = Behaviour.of(pair, settled(PLAN), self.folder / "rollout")
        assert found is not None
        return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The model."""
    return build(tmp_path_factory.mktemp("replay") / "package")


@pytest.fixture
def log(built: Built, tmp_path: Path) -> Log:
    """Its log."""
    ledger, n = ledger_at(tmp_path / "ledger"), 400
    rows = built.table.slice(0, n)
    score = built.expected(built.rows(n))[:, 1]
    own = {
        "prediction_id": [f"p{i}" for i in range(n)],
        "event_time": [AT + timedelta(milliseconds=100 * i) for i in range(n)],
        "model": ["loans"] * n,
        "version": ["1"] * n,
        "score": score,
        "prediction": (score >= 0.4).astype(int),
    }
    features = {name: rows[name] for name in rows.column_names if name != "outcome"}
    ledger.append("predictions", own | features)
    package = built.package
    version = Version(number="1", digest=package.digest, package=str(package.path), data="none")
    return Log(built, ledger, version, parse_config(built.settings), tmp_path)


def test_each_row_counts_once_without_and_once_with_its_label(log: Log) -> None:
    """Labels that come later count then; a corrected label does not count again."""
    log.label(0, 150)
    first, known = log.behaviour().since(AT, 0)
    assert (first.rows, first.labelled, known) == (400, 150, 550)
    assert first.canary.of["disagreement"] == 400
    again, same = log.behaviour().since(AT, known)
    assert (again.rows, again.labelled, same) == (0, 0, known)
    log.label(100, 200, minutes=6, of=0)
    later, _ = log.behaviour().since(AT, known)
    assert (later.rows, later.labelled) == (0, 50)
    assert later.paired["labelled_errors"].n == 50


def test_what_a_driver_that_died_had_counted_counts_again(log: Log) -> None:
    """The state says how far the judge has it: numbers behind that in the file are of no block."""
    behaviour = log.behaviour()
    died, _ = behaviour.since(AT, 0)
    resumed, known = behaviour.since(AT, 0)
    assert (resumed, known) == (died, 400)


def test_many_rows_wait_and_labelled_ones_come_first(log: Log) -> None:
    """100 rows a block: all labels within two blocks, the rest after them, none twice."""
    log.label(0, 150)
    release = log.config.release.model_copy(update={"replay_rows": 100})
    behaviour = log.behaviour(log.config.model_copy(update={"release": release}))
    known, rows, labelled = 0, [], []
    for _ in range(6):
        found, known = behaviour.since(AT, known)
        rows.append(found.rows)
        labelled.append(found.labelled)
    assert labelled == [100, 50, 0, 0, 0, 0]
    assert rows == [100, 100, 100, 100, 0, 0]


def test_the_evidence_is_that_of_scikit_learn_row_by_row(log: Log) -> None:
    """Errors, segments, log-loss, residuals and the histogram agree with the pipeline's own answers."""
    log.label(0, 400)
    found, _ = log.behaviour().since(AT, 0)
    p = log.built.expected(log.built.rows(400))[:, 1]
    y = np.array(log.built.table["outcome"].slice(0, 400).to_pylist())
    south = np.array(log.built.table["region"].slice(0, 400).to_pylist()) == "south"
    assert found.paired["labelled_errors[region:south]"].n == south.sum()
    assert found.losses["log_loss"].total == 0  # the same version against itself
    assert found.stable.values["calibration"].total == pytest.approx((y - p).sum(), abs=1e-3)
    assert found.canary.histograms["scores"] == tuple(np.histogram(p, [0, *EDGES, 1])[0])
    joined = found.joined(Block(AT, AT + timedelta(minutes=1), Arm(10, {"errors": 1}), Arm(5)))
    assert joined.stable.counts == {"errors": 1, "disagreement": 0}
    assert joined.paired == found.paired


def test_a_log_that_cannot_be_read_is_no_pass(log: Log) -> None:
    """A package that was changed, or a column that nobody logged, makes metrics that failed, and says why."""
    forged = log.version.model_copy(update={"digest": "0" * 64})
    pair = Pair(log.config, log.ledger, log.version, forged)
    behaviour = Behaviour.of(pair, PLAN, log.folder / "forged")
    assert behaviour is not None
    found, known = behaviour.since(AT, 0)
    assert "digest" in (found.problem or "")
    assert (set(found.failed), known) == ({m.name for m in PLAN.metrics}, 0)
    assert found.joined(Block(AT, AT + timedelta(minutes=1), Arm(1), Arm(1))).failed == found.failed


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        ({"privacy": {"region": "hash"}}, "of the column region the log keeps a hash"),
        ({"privacy": {"income": "drop"}}, "of the column income the log keeps nothing"),
        ({"ledger": False}, "monitoring.detector.ledger is false"),
    ],
)
def test_what_was_not_kept_is_refused_by_name(
    log: Log, detector: dict[str, object], expected: str
) -> None:
    """Before the start, with the column and its privacy setting."""
    own = log.config.monitoring.detector.model_copy(update=detector)
    monitoring = log.config.monitoring.model_copy(update={"detector": own})
    config = log.config.model_copy(update={"monitoring": monitoring})
    with pytest.raises(BadInput, match=expected):
        check(config, PLAN, log.version, log.version)
    assert replayable(log.config, log.version, log.version) is None
    check(log.config, PLAN, log.version, log.version)


def test_a_segment_of_what_is_no_feature_is_refused(log: Log) -> None:
    """It would never have a row."""
    plan = CanaryPlan([Metric("labelled_errors[country:ES]", kind="paired")])
    with pytest.raises(BadInput, match="segments of country"):
        check(log.config, plan, log.version, log.version)


def test_disagreement_and_calibration_alone_do_not_roll_back() -> None:
    """A new version differs: that is shown; a harm_margin makes disagreement a ceiling."""
    plan = settled(PLAN)
    assert {m.name for m in plan.metrics if m.harms} == {
        "labelled_errors",
        "labelled_errors[region:south]",
        "log_loss",
    }
    assert not any(m.required for m in plan.metrics)
    ceiling = [Metric("disagreement", ratio=0, harm_margin=0.05), Metric("errors")]
    assert settled(CanaryPlan(ceiling)).metrics[0].harms


def test_the_deciles_of_scores_are_those_of_the_champions_reference(tmp_path: Path) -> None:
    """A metric of scores without edges gets nine; a reference with few different scores is refused."""
    pq.write_table(pa.table({"score": np.arange(1001) / 1000}), tmp_path / "reference.parquet")
    said = "\nrollout: {metrics: [{name: scores, kind: scores}, {name: errors}]}\n"
    config = parse_config(
        "model: {name: loans, task: binary}\ndata: {source: n.csv, target: y}" + said
    )
    filled = with_edges(config, lambda: tmp_path)
    assert filled.rollout.metrics is not None
    assert filled.rollout.metrics[0].edges == pytest.approx(EDGES)
    assert CanaryPlan.from_config(filled).metrics[0].name == "scores"
    pq.write_table(pa.table({"score": [0.1, 0.9] * 50}), tmp_path / "reference.parquet")
    with pytest.raises(BadInput, match="2 different deciles"):
        deciles(tmp_path)
