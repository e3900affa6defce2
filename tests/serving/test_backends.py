"""The model of a package is loaded by one of two backends, and never runs code of its own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from packages import Built, build
from timonel.config import OnViolation
from timonel.contract import ColumnContract, DataContract, FeatureReader
from timonel.errors import Corrupt
from timonel.package import Package
from timonel_serving.model.runtime import OnnxBackend, SkopsBackend, load_backend
from timonel_serving.model.scoring import Scorer
from timonel_serving.protocol import v1


class Fixed:
    """A backend that always gives the same probabilities."""

    def __init__(self, *rows: tuple[float, float]) -> None:
        self._rows = np.array(rows, dtype=np.float32)

    def probabilities(self, batch: Any) -> Any:
        """The probabilities that it was made with."""
        return self._rows


def test_both_backends_agree(tmp_path: Path) -> None:
    """ONNX Runtime and scikit-learn give the same probabilities, missing values included."""
    built = build(tmp_path / "both")
    batch = FeatureReader(built.contract).from_dicts(built.rows(200))
    onnx = OnnxBackend(built.package.path / "model.onnx").probabilities(batch)
    sklearn = SkopsBackend(built.package.path / "model.skops", built.contract).probabilities(batch)
    assert np.isnan(batch.numeric).any()
    np.testing.assert_allclose(onnx, sklearn, rtol=0, atol=1e-5)
    assert onnx.dtype == sklearn.dtype == np.float32


def test_a_model_file_cannot_bring_its_own_types(tmp_path: Path) -> None:
    """A skops file with a type that is not on the list is refused by its name, not loaded."""
    built = build(tmp_path / "evil", backend="skops")
    path = built.package.path / "model.skops"
    skops.io.dump(make_pipeline(FunctionTransformer(_harm), LogisticRegression()), path)
    with pytest.raises(Corrupt, match=r"types that are not trusted: .*_harm"):
        load_backend(built.package)


def _harm(x: Any) -> Any:
    """What a model file must not call."""
    raise AssertionError("it ran")


def test_a_graph_that_is_none_is_corrupt(tmp_path: Path) -> None:
    """Bytes that ONNX Runtime cannot read are reported with the file's name."""
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(Corrupt, match=r"model\.onnx: ONNX Runtime cannot load"):
        OnnxBackend(tmp_path / "model.onnx")


def test_text_rows_may_be_bare(loans: Built, tmp_path: Path) -> None:
    """A model of one text column takes rows that are texts, and asks scikit-learn with a 1-D array."""
    mail = ColumnContract(name="mail", kind="text")
    contract = DataContract(**{**loans.contract.model_dump(), "features": (mail,)})
    texts = ["win money now", "lunch at noon", "money money", "see you at noon"]
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    skops.io.dump(pipeline, tmp_path / "model.skops")
    batch = v1.read({"instances": texts}, FeatureReader(contract))
    found = SkopsBackend(tmp_path / "model.skops", contract).probabilities(batch)
    np.testing.assert_allclose(found, pipeline.predict_proba(texts), rtol=1e-6)


@pytest.mark.parametrize(("given", "expected"), [(None, [1, 0]), (0.1, [1, 1]), (0.9, [0, 0])])
def test_the_threshold_is_the_package_s_unless_one_is_set(
    loans: Built, given: float | None, expected: list[int]
) -> None:
    """A row is positive from the threshold on: the packed 0.4, or the one of the settings."""
    scorer = Scorer(loans.package, Fixed((0.6, 0.4), (0.7, 0.3)), threshold=given)
    batch = FeatureReader(loans.contract).from_dicts(loans.rows(2))
    assert scorer.answer(batch).classes.tolist() == expected


def test_a_score_that_is_no_number_is_never_answered(loans: Built) -> None:
    """A model that gives NaN for a good row is at fault: no answer with null in it."""
    scorer = Scorer(loans.package, Fixed((float("nan"), float("nan"))))
    batch = FeatureReader(loans.contract).from_dicts(loans.rows(1))
    with pytest.raises(Corrupt, match="no score for row 0"):
        scorer.answer(batch, scorer.check(batch))


def test_a_package_without_a_threshold_decides_at_one_half(loans: Built) -> None:
    """Where neither package nor settings have a threshold it is 0.5."""
    manifest = loans.package.manifest.model_copy(update={"threshold": None})
    package: Package = replace(loans.package, manifest=manifest)
    assert Scorer(package, Fixed(), on_violation=OnViolation.FLAG).threshold == 0.5
