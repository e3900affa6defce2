"""Training: the search, the threshold, and that the same seed gives the same model."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from slices import Settings, slice_of
from timonel.config import Candidate, Config
from timonel.contract import FeatureReader, infer_contract
from timonel.errors import BadInput
from timonel_components.data.splits import Splits
from timonel_components.learning.halving import Rows, _schedule
from timonel_components.learning.scoring import probabilities
from timonel_components.select import select
from timonel_components.split import split
from timonel_components.train import Trained, TrainedInfo, train

HELPERS = Path(__file__).parents[1] / "helpers"


def trained(table: pa.Table, config: Config, candidate: Candidate) -> tuple[Trained, Splits]:
    """The candidate trained on the table, and the table's parts."""
    parts = split(table, config)
    return train(parts, infer_contract(table, config), config, candidate), parts


@pytest.mark.parametrize(
    "candidate", [Candidate.LOGISTIC, Candidate.BOOSTING, Candidate.CALIBRATED_BOOSTING]
)
def test_the_same_seed_gives_the_same_file(
    candidate: Candidate, accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """Two trainings on the same data write the same model, byte for byte."""
    config = settings(train={"trials": 3})
    files = []
    for name in ("one", "two"):
        model, _ = trained(accidents, config, candidate)
        model.save(tmp_path / name)
        files.append((tmp_path / name / "model.skops").read_bytes())
    assert files[0] == files[1]


TRAIN_AND_SAVE = """
import sys
from pathlib import Path
from slices import settings_of, slice_of
from timonel.config import Candidate
from timonel.contract import infer_contract
from timonel_components.split import split
from timonel_components.train import train
table, folder = slice_of("spam", 600), Path(sys.argv[1])
config = settings_of("spam", folder, train={"trials": 1})
model = train(split(table, config), infer_contract(table, config), config, Candidate.TFIDF_SVM)
model.save(folder / "model")
"""


def test_another_process_writes_the_same_file(tmp_path: Path) -> None:
    """A text model, with all its words, does not depend on the process that trained it."""
    files = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(HELPERS)}
        script = [sys.executable, "-c", TRAIN_AND_SAVE, str(folder)]
        subprocess.run(script, env=environment, check=True)
        files.append((folder / "model" / "model.skops").read_bytes())
    assert files[0] == files[1]


def test_a_saved_model_scores_the_same(
    accidents: pa.Table, settings: Settings, tmp_path: Path
) -> None:
    """What is loaded gives the same probabilities and the same description."""
    config = settings(train={"trials": 1})
    model, parts = trained(accidents, config, Candidate.CALIBRATED_BOOSTING)
    model.save(tmp_path / "model")
    back = Trained.load(tmp_path / "model")
    assert back.info == model.info == Trained.info_of(tmp_path / "model")
    contract = infer_contract(accidents, config)
    batch = FeatureReader(contract).from_table(parts.test)
    ours, theirs = (probabilities(m.pipeline, batch, contract) for m in (model, back))
    assert np.array_equal(ours, theirs)


def test_the_test_rows_are_not_looked_at(accidents: pa.Table, settings: Settings) -> None:
    """Spoilt test rows change nothing about the model."""
    config = settings(train={"trials": 2})
    parts = split(accidents, config)
    contract = infer_contract(accidents, config)
    spoilt = Splits(parts.train, parts.validation, parts.train.slice(0, 5), parts.summary)
    one, two = (train(p, contract, config, Candidate.BOOSTING).info for p in (parts, spoilt))
    assert one.model_copy(update={"seconds": 0}) == two.model_copy(update={"seconds": 0})


def test_costly_misses_lower_the_threshold(accidents: pa.Table, settings: Settings) -> None:
    """The threshold follows the costs: dear misses mean more alarms."""
    dear, cheap = (
        trained(accidents, settings(train={"trials": 1}, costs=costs), Candidate.LOGISTIC)[0].info
        for costs in (
            {"false_negative": 20, "false_positive": 1},
            {"false_negative": 1, "false_positive": 20},
        )
    )
    assert dear.threshold is not None
    assert cheap.threshold is not None
    assert dear.threshold < cheap.threshold
    assert dear.score == cheap.score


def test_the_search_beats_or_equals_the_default(accidents: pa.Table, settings: Settings) -> None:
    """Ten settings are not worse than the default alone, which is always among them."""
    one, many = (
        trained(accidents, settings(train={"trials": n}), Candidate.LOGISTIC)[0].info
        for n in (1, 10)
    )
    assert (one.trials, many.trials) == (1, 10)
    assert many.score >= one.score


def test_a_metric_that_should_be_low_is_made_low(accidents: pa.Table, settings: Settings) -> None:
    """With log_loss the search keeps the least, not the greatest."""
    one, many = (
        trained(accidents, settings(train={"trials": n, "metric": "log_loss"}), Candidate.LOGISTIC)
        for n in (1, 10)
    )
    assert many[0].info.score <= one[0].info.score


def test_each_round_takes_three_times_the_rows() -> None:
    """Twelve settings run on a ninth, a third and all of the rows; one setting on all at once."""
    contract_free = Rows(batch=None, y=np.tile([0, 1], 9000))  # type: ignore[arg-type]

    class Sized(Rows):
        def newest(self, n: int) -> Rows:
            return Sized(self.batch, self.y[len(self.y) - n :])

    rows = Sized(contract_free.batch, contract_free.y)
    assert _schedule(12, rows) == [2000, 6000, 18000]
    assert _schedule(1, rows) == [18000]


def test_many_classes_have_no_threshold(accidents: pa.Table, settings: Settings) -> None:
    """A multiclass model is chosen by log_loss and has no threshold."""
    config = settings(
        model={"task": "multiclass"},
        data={"target": "season", "positive": None, "drop": ["severe"]},
        train={"trials": 1},
    )
    model, _ = trained(accidents, config, Candidate.LOGISTIC)
    assert (model.info.metric, model.info.threshold) == ("log_loss", None)


def test_text_is_learnt_from(settings: Settings, tmp_path: Path) -> None:
    """On real messages the text candidates rank spam above the rest, also after a round trip."""
    table = slice_of("spam", 900)
    config = settings("spam", train={"trials": 1})
    for candidate in (Candidate.TFIDF_LOGISTIC, Candidate.TFIDF_SVM):
        model, _ = trained(table, config, candidate)
        model.save(tmp_path / candidate)
        assert Trained.load(tmp_path / candidate).info.score > 0.8


def test_what_does_not_fit_is_said(accidents: pa.Table, settings: Settings) -> None:
    """A text candidate or a ranker does not fit a table of columns."""
    config = settings()
    parts, contract = split(accidents, config), infer_contract(accidents, config)
    for candidate in (Candidate.TFIDF_SVM, Candidate.ITEM_KNN):
        with pytest.raises(BadInput, match=f"{candidate} does not fit task binary"):
            train(parts, contract, config, candidate)


def test_text_without_words_is_explained(settings: Settings) -> None:
    """What scikit-learn cannot learn from is the input's fault, and says which candidate it was."""
    rows = 200
    marks = ["!", "", "?", None]
    table = pa.table(
        {
            "received_at": range(rows),
            "text": [marks[i % 4] for i in range(rows)],
            "is_spam": [i // 2 % 2 for i in range(rows)],
        }
    )
    config = settings("spam", data={"key": None})
    with pytest.raises(BadInput, match="tfidf-logistic cannot learn from 120 rows: empty vocab"):
        trained(table, config, Candidate.TFIDF_LOGISTIC)


def info(score: float, seconds: float = 1.0, metric: str = "pr_auc") -> TrainedInfo:
    """A description of a trained candidate."""
    return TrainedInfo(
        candidate=Candidate.LOGISTIC,
        params={},
        metric=metric,
        score=score,
        threshold=0.5,
        seconds=seconds,
        rows=10,
        trials=1,
    )


def test_the_best_score_wins_and_of_equals_the_faster() -> None:
    """Selection knows which way the metric points, and refuses to compare different ones."""
    assert select([info(0.4), info(0.6), info(0.5)]).score == 0.6
    assert select([info(0.4, metric="brier"), info(0.6, metric="brier")]).score == 0.4
    assert select([info(0.4, 9), info(0.4, 2)]).seconds == 2
    with pytest.raises(BadInput, match="different metrics"):
        select([info(0.4), info(0.1, metric="brier")])
    with pytest.raises(BadInput, match="no candidate was trained"):
        select([])
