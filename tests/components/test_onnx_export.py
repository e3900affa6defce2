"""The ONNX graph says what scikit-learn says, or it is not used."""

from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from examined import Learnt, learnt
from timonel.contract import ColumnContract, DataContract, FeatureBatch, FeatureReader
from timonel_components.conversion.onnx_export import (
    OUTPUT,
    TOLERANCE,
    OnnxExport,
    export_onnx,
    onnx_inputs,
    onnx_session,
)
from timonel_components.conversion.probes import probe_rows
from timonel_components.learning.scoring import probabilities

TABULAR = ("logistic", "boosting", "calibrated-boosting")
CASES = [(e, c) for e in ("accidents", "employment", "fraud") for c in TABULAR]


def exported(made: Learnt) -> tuple[OnnxExport, FeatureBatch]:
    """The export of a model and the rows it was checked on."""
    batch = FeatureReader(made.contract).from_table(made.test)
    return export_onnx(made.trained.pipeline, made.contract, batch), batch


@pytest.mark.parametrize(("example", "candidate"), CASES)
def test_graph_and_pipeline_agree_on_real_and_unusual_rows(example: str, candidate: str) -> None:
    """On test rows and on missing, unseen and extreme values, within float32's means."""
    made = learnt(example, candidate)
    export, batch = exported(made)
    assert export.graph is not None, export.reason
    rows = probe_rows(batch, made.contract)
    got = onnx_session(export.graph).run([OUTPUT], onnx_inputs(rows))[0]
    expected = probabilities(made.trained.pipeline, rows, made.contract)
    assert np.abs(got - expected).max() <= TOLERANCE
    assert export.parity is not None
    assert export.parity.rows == len(rows) > len(batch)
    assert export.parity.notable == 0


def test_the_graph_computes_probabilities_alone() -> None:
    """No label output, no zipmap: two typed inputs, one tensor out."""
    export, _ = exported(learnt("accidents", "boosting"))
    assert export.graph is not None
    graph = onnx.load_from_string(export.graph).graph
    assert [i.name for i in graph.input] == ["numeric", "categorical"]
    assert [o.name for o in graph.output] == [OUTPUT]
    assert not {"ZipMap", "ArgMax"} & {node.op_type for node in graph.node}


def test_probes_hold_every_kind_of_unusual_value() -> None:
    """Each column is missing, unseen and far out of range in some row."""
    made = learnt("accidents", "boosting")
    batch = FeatureReader(made.contract).from_table(made.test)
    rows = probe_rows(batch, made.contract)
    assert np.isnan(rows.numeric).any(axis=0).all()
    for j, column in enumerate(made.contract.numeric):
        assert column.maximum is not None
        assert np.nanmax(rows.numeric[:, j]) > column.maximum
    for j in range(len(made.contract.categorical)):
        assert {"", "never seen"} <= set(rows.categorical[:, j])


def test_a_value_next_to_a_split_stays_on_its_side() -> None:
    """Neighbouring float32 values with a split between: rounding it to the nearest would move one."""
    values = np.float32(1.0) + np.arange(64, dtype=np.float32) * np.spacing(np.float32(1.0))
    table = pd.DataFrame({"x": np.repeat(values, 40)})
    forest = HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5)
    pipeline = Pipeline([("model", forest.fit(table, np.repeat(np.arange(64) % 2, 40)))])
    column = ColumnContract(name="x", kind="numeric", minimum=1.0, maximum=1.1)
    known = learnt("accidents", "boosting").contract.model_dump()
    contract = DataContract.model_validate(known | {"features": (column,)})
    none = np.empty((len(table), 0), dtype=object)
    export = export_onnx(pipeline, contract, FeatureBatch(table.to_numpy(), none, none))
    assert export.graph is not None, export.reason
    assert export.parity is not None
    assert export.parity.greatest < 1e-6


@pytest.mark.parametrize("candidate", ["tfidf-logistic", "tfidf-svm"])
def test_a_text_model_that_onnx_reads_otherwise_is_not_served_by_it(candidate: str) -> None:
    """Accents, CJK, digits and underscores are split into other words: the reason says how far off."""
    export, _ = exported(learnt("spam", candidate, 600))
    assert export.graph is None
    assert export.backend == "skops"
    assert "predicts otherwise" in str(export.reason)
    assert export.parity is not None
    assert export.parity.greatest > TOLERANCE


class Oddity(ClassifierMixin, BaseEstimator):
    """An estimator that no converter knows."""

    classes_ = np.array([0, 1])

    def fit(self, x: object, y: object) -> "Oddity":
        """Learn nothing."""
        return self

    def predict_proba(self, x: object) -> object:
        """Half and half."""
        return np.full((len(x), 2), 0.5)  # type: ignore[arg-type]


def test_a_pipeline_that_onnx_cannot_express_says_so() -> None:
    """The reason is one line; the model is served by scikit-learn."""
    made = learnt("accidents", "boosting")
    odd = Pipeline([*made.trained.pipeline.steps[:-1], ("model", Oddity())])
    export, _ = exported(replace(made, trained=replace(made.trained, pipeline=odd)))
    assert export.graph is None
    assert str(export.reason).startswith("ONNX cannot express the pipeline")
    assert "\n" not in str(export.reason)
