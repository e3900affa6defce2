"""Explanations: they add up, they name what the user knows, and they are served over HTTP."""

from pathlib import Path

import numpy as np
import pytest
from packed import Packed, pack
from scipy.special import expit, softmax

from timonel.config import Candidate
from timonel_serving.explainer import background_of
from timonel_serving.explainer_choice import choose_method
from timonel_serving.explanation import Method
from timonel_serving.runtime import SkopsBackend

MODELS = {
    "logistic": (Candidate.LOGISTIC, 2, "linear-shap", "log-odds"),
    "boosting": (Candidate.BOOSTING, 2, "tree-shap", "log-odds"),
    "calibrated": (Candidate.CALIBRATED_BOOSTING, 2, "tree-shap, rescaled", "probability"),
    "logistic-3": (Candidate.LOGISTIC, 3, "linear-shap", "log-odds"),
    "boosting-3": (Candidate.BOOSTING, 3, "tree-shap", "log-odds"),
    "calibrated-3": (Candidate.CALIBRATED_BOOSTING, 3, "permutation-shap", "probability"),
    "text": (Candidate.TFIDF_LOGISTIC, 2, "linear-terms", "log-odds"),
    "text-3": (Candidate.TFIDF_LOGISTIC, 3, "linear-terms", "log-odds"),
    "text-svm": (Candidate.TFIDF_SVM, 2, "linear-terms, rescaled", "probability"),
    "text-svm-3": (Candidate.TFIDF_SVM, 3, "partition-shap", "probability"),
}
ROWS = 4


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packed]:
    """A package of each kind of model, made once."""
    folder = tmp_path_factory.mktemp("packs")
    return {name: pack(folder / name, m[0], m[1]) for name, m in MODELS.items()}


def method_of(packed: Packed) -> tuple[Method, SkopsBackend]:
    backend = SkopsBackend(packed.package.path / "model.skops", packed.contract)
    background = backend.frame(background_of(packed.package))
    return choose_method(backend.pipeline, packed.contract, background), backend


@pytest.mark.parametrize("name", MODELS)
def test_contributions_add_up_to_the_score_of_the_model(
    packs: dict[str, Packed], name: str
) -> None:
    """Base and contributions sum to the score within 1e-6, and the score is scikit-learn's own."""
    packed, (_, classes, how, space) = packs[name], MODELS[name]
    method, backend = method_of(packed)
    assert (method.name, method.space) == (how, space)
    p = packed.expected[:ROWS]
    k = np.ones(ROWS, dtype=np.intp) if classes == 2 else p.argmax(axis=1)
    found = method.explain(backend.frame(packed.batch(ROWS)), k)
    assert max(e.gap for e in found) < 1e-6
    scores = np.array([e.score for e in found])
    expected = p[np.arange(ROWS), k]
    if space == "probability":
        np.testing.assert_allclose(scores, expected, atol=1e-6)
    elif classes == 2:
        np.testing.assert_allclose(expit(scores), expected, atol=1e-6)
    else:
        margins = np.log(p) - np.log(p).mean(axis=1, keepdims=True)
        np.testing.assert_allclose(softmax(margins, axis=1), p, atol=1e-6)
        np.testing.assert_allclose(scores, margins[np.arange(ROWS), k], atol=1e-6)
