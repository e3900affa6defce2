"""The estimators: what they make of gaps, strangers and columns of any mix, and that ONNX can say it."""

from typing import Any

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from threadpoolctl import threadpool_limits

from slices import Settings
from timonel.config import Candidate
from timonel.config.model import TABULAR, TEXTUAL
from timonel.contract import DataContract, FeatureBatch, FeatureReader, infer_contract
from timonel.errors import BadInput
from timonel_components.learning.estimators import SPACES, build, default_params
from timonel_components.learning.scoring import encode_target, model_input, probabilities
from timonel_components.learning.vocabulary import MAX_CATEGORIES, Seen, look_at

NUMERIC = ("start_lat", "start_lng", "temperature_f", "humidity_pct")
CATEGORICAL = ("day_of_week", "twilight", "season")
MIXES = {"mixed": (*NUMERIC, *CATEGORICAL), "numbers": NUMERIC, "categories": CATEGORICAL}


def fitted(candidate: Candidate, table: pa.Table, contract: DataContract) -> object:
    """The candidate fitted on the table, with few trees."""
    batch, y = FeatureReader(contract).from_table(table), encode_target(table, contract)
    params = default_params(candidate)
    if "max_iter" in params:
        params["max_iter"] = 20
    pipeline = build(candidate, contract, params, 0, look_at(batch, y))
    with threadpool_limits(1):
        return pipeline.fit(model_input(batch, contract), y)


def strange(batch: FeatureBatch) -> FeatureBatch:
    """The rows with gaps and categories that nobody has seen."""
    numeric, categorical = batch.numeric.copy(), batch.categorical.copy()
    numeric[::3] = np.nan
    categorical[::4] = "never seen"
    categorical[1::4] = ""
    return FeatureBatch(numeric, categorical, batch.text)


def through_onnx(pipeline: object, batch: FeatureBatch) -> np.ndarray:
    """The probabilities of the converted graph, which takes numbers and categories apart."""
    k, c = batch.numeric.shape[1], batch.categorical.shape[1]
    inputs = [("numeric", FloatTensorType([None, k]))] if k else []
    inputs += [("categorical", StringTensorType([None, c]))] if c else []
    graph = convert_sklearn(pipeline, initial_types=inputs, options={"zipmap": False})
    feed = {"numeric": batch.numeric, "categorical": batch.categorical}
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    return session.run(["probabilities"], {name: feed[name] for name, _ in inputs})[0]


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize("candidate", TABULAR)
def test_onnx_says_the_same_of_strange_rows(
    candidate: Candidate, mix: str, accidents: pa.Table, settings: Settings
) -> None:
    """For each mix of columns the graph's probabilities equal scikit-learn's to 1e-5."""
    categorical = [c for c in ("day_of_week",) if c in MIXES[mix]]
    config = settings(data={"features": MIXES[mix], "categorical": categorical})
    contract = infer_contract(accidents, config)
    pipeline = fitted(candidate, accidents, contract)
    batch = strange(FeatureReader(contract).from_table(accidents.slice(0, 500)))
    ours = probabilities(pipeline, batch, contract)
    assert ours.shape == (500, 2)
    assert np.abs(through_onnx(pipeline, batch) - ours).max() <= 1e-5


@pytest.mark.parametrize("candidate", TABULAR)
def test_many_classes_and_onnx(
    candidate: Candidate, accidents: pa.Table, settings: Settings
) -> None:
    """Four classes: probabilities in the contract's order, the same in the graph."""
    config = settings(
        model={"task": "multiclass"},
        data={"target": "season", "positive": None, "drop": ["severe"]},
    )
    contract = infer_contract(accidents, config)
    pipeline = fitted(candidate, accidents, contract)
    batch = strange(FeatureReader(contract).from_table(accidents.slice(0, 300)))
    ours = probabilities(pipeline, batch, contract)
    assert ours.shape == (300, 4)
    assert np.allclose(ours.sum(axis=1), 1)
    assert np.abs(through_onnx(pipeline, batch) - ours).max() <= 1e-5


@pytest.mark.parametrize("candidate", TABULAR)
def test_a_stranger_counts_as_a_rare_category(
    candidate: Candidate, accidents: pa.Table, settings: Settings
) -> None:
    """A category too rare to be known and one never seen get the same score."""
    rare = pa.array(["Eclipse", *accidents["twilight"].to_pylist()[1:]])
    table = accidents.set_column(accidents.column_names.index("twilight"), "twilight", rare)
    contract = infer_contract(table, settings())
    pipeline = fitted(candidate, table, contract)
    batch = FeatureReader(contract).from_table(table.slice(0, 1))
    other = FeatureBatch(batch.numeric, batch.categorical.copy(), batch.text)
    other.categorical[0, 1] = "Never"
    assert batch.categorical[0, 1] == "Eclipse"
    scores = [probabilities(pipeline, b, contract)[0, 1] for b in (batch, other)]
    assert scores[0] == scores[1]


def test_a_column_of_a_thousand_names_stays_small() -> None:
    """Only the most frequent categories are known, in ascending order of the target."""
    rng = np.random.default_rng(0)
    names = np.array([f"shop {int(v)}" for v in rng.exponential(150, 30_000)], dtype=object)
    y = (rng.random(30_000) < np.where(names == "shop 3", 0.9, 0.1)).astype(np.int64)
    nothing = np.empty((30_000, 0))
    seen = look_at(FeatureBatch(nothing.astype(np.float32), names[:, None], nothing), y)
    (known,) = seen.vocabulary
    assert seen.rows == 30_000
    assert len(known) == MAX_CATEGORIES
    assert known[-1] == "shop 3"


def test_a_column_of_unique_names_knows_one() -> None:
    """A column without any frequent category still makes a pipeline that fits."""
    names = np.array([str(i) for i in range(50)], dtype=object)
    batch = FeatureBatch(np.empty((50, 0), np.float32), names[:, None], names[:, None][:, :0])
    assert [len(v) for v in look_at(batch, np.arange(50) % 2).vocabulary] == [50]


@pytest.mark.parametrize("candidate", TEXTUAL)
def test_text_candidates_take_any_text(
    candidate: Candidate, spam: pa.Table, settings: Settings
) -> None:
    """Real messages are told apart; an empty and a foreign one get probabilities too."""
    contract = infer_contract(spam, settings("spam"))
    pipeline = fitted(candidate, spam, contract)
    batch = FeatureReader(contract).from_table(spam)
    p = probabilities(pipeline, batch, contract)[:, 1]
    y = encode_target(spam, contract)
    assert p[y == 1].mean() > p[y == 0].mean() + 0.3
    odd = np.array([[""], ["почта 邮件 \U0001f4e7"]], dtype=object)
    scores = probabilities(
        pipeline, FeatureBatch(batch.numeric[:2], batch.categorical[:2], odd), contract
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("candidate", list(SPACES))
def test_the_default_is_part_of_the_space(candidate: Candidate) -> None:
    """Every setting's default is one of its values, and no value is listed twice."""
    for name, value in default_params(candidate).items():
        values = SPACES[candidate][name]
        assert values[0] == value
        assert len(set(values)) == len(values)


def folds_for(contract: DataContract, seen: Seen) -> Any:
    """What calibrates a boosting of such rows."""
    kind = Candidate.CALIBRATED_BOOSTING
    return build(kind, contract, default_params(kind), 0, seen)["model"].cv


def test_calibration_is_by_time_where_there_is_one(accidents: pa.Table, settings: Settings) -> None:
    """With a time column a calibrated model is calibrated on later rows, without one on random folds."""
    timed = infer_contract(accidents, settings())
    seen = Seen(600, ((), (), ()), rarest=100, spread=True)
    stretches = list(folds_for(timed, seen).split(np.zeros(600)))
    assert [(len(learnt), len(later)) for learnt, later in stretches] == [(400, 100), (500, 100)]
    for learnt, later in stretches:
        assert learnt.max() < later.min()
    assert folds_for(timed.model_copy(update={"time": None}), seen).shuffle


def test_a_class_that_is_rare_can_still_be_calibrated(
    accidents: pa.Table, settings: Settings
) -> None:
    """A class missing in the newest rows means random folds, a single row of it an error."""
    timed = infer_contract(accidents, settings())
    batch = FeatureReader(timed).from_table(accidents)
    y = np.zeros(len(batch), dtype=np.int64)
    y[:2] = 1
    assert folds_for(timed, look_at(batch, y)).n_splits == 2
    y[1] = 0
    with pytest.raises(BadInput, match="two training rows of each class"):
        folds_for(timed, look_at(batch, y))
