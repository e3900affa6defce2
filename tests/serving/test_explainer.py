"""Explanations: they add up, they name what the user knows, and they are served over HTTP."""

from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from packed import Packed, pack
from timonel.config import Candidate
from timonel.errors import BadInput
from timonel.package import Package
from timonel_serving.explainer.choice import choose_method
from timonel_serving.explainer.exact import OTHER_TERMS
from timonel_serving.explainer.explanation import Method, ranked
from timonel_serving.explainer.model import background_of
from timonel_serving.explainer.sampled import BACKGROUND_ROWS, SampledColumns
from timonel_serving.model.runtime import SkopsBackend

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


def test_a_permutation_explanation_is_the_rows_own(packs: dict[str, Packed]) -> None:
    """A row is explained the same whatever rows stand beside it in the request."""
    method, backend = method_of(packs["calibrated-3"])
    rows, classes = backend.frame(packs["calibrated-3"].batch(2)), np.array([0, 1])
    together = method.explain(rows, classes)
    alone = method.explain(rows[1:], classes[1:])
    assert together[1].contributions == pytest.approx(alone[0].contributions)


class PairwiseModel:
    """A model with interactions of two columns and no more."""

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        """A made-up probability."""
        same = (rows["region"] == "south") * rows["income"]
        p = 0.1 + 0.2 * same + 0.3 * rows["debt"] * rows["income"]
        return np.column_stack([1 - p, p])


def test_permutations_find_the_shapley_values_of_pairs() -> None:
    """Without interactions of three columns the sampled values are the exact ones."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "income": rng.random(BACKGROUND_ROWS).astype(np.float32),
            "debt": rng.random(BACKGROUND_ROWS).astype(np.float32),
            "region": rng.choice(["north", "south"], BACKGROUND_ROWS).astype(object),
        }
    )
    found = SampledColumns(PairwiseModel(), frame).explain(frame[:1], np.ones(1, dtype=np.intp))
    names = list(frame)

    def worth(own: frozenset[str]) -> float:
        mixed = frame.assign(**{name: frame[name].iloc[0] for name in own})
        return float(PairwiseModel().predict_proba(mixed)[:, 1].mean())

    for name in names:
        orders = list(permutations(names))
        gains = [
            worth(frozenset(o[: o.index(name) + 1])) - worth(frozenset(o[: o.index(name)]))
            for o in orders
        ]
        assert found[0].contributions[name] == pytest.approx(np.mean(gains), abs=1e-6)


def test_trees_on_categories_that_shap_gets_wrong_are_not_trusted(
    packs: dict[str, Packed],
) -> None:
    """A method whose parts do not add up is given up for one whose parts do."""
    packed = packs["boosting"]
    backend = SkopsBackend(packed.package.path / "model.skops", packed.contract)
    frame, y = backend.frame(packed.batch(600)), packed.expected[:, 1] > 0.5
    columns = backend.pipeline[0]
    native = HistGradientBoostingClassifier(max_iter=5, categorical_features=[4])
    pipeline = Pipeline([("columns", columns), ("model", native.fit(columns.transform(frame), y))])
    method = choose_method(pipeline, packed.contract, frame[:100])
    assert method.name == "permutation-shap"
    assert method.explain(frame[:1], np.ones(1, dtype=np.intp))[0].gap < 1e-6


def test_a_long_text_names_its_greatest_terms_and_still_adds_up(packs: dict[str, Packed]) -> None:
    """Beyond a hundred terms the rest is one sum; nothing is lost."""
    method, backend = method_of(packs["text"])
    words = list(backend.pipeline[0].get_feature_names_out())
    parts = ranked(words, np.linspace(-1, 1, len(words)), 5, OTHER_TERMS)
    assert len(parts) == 6
    assert list(parts)[-1] == OTHER_TERMS
    assert sum(parts.values()) == pytest.approx(0)
    found = method.explain(np.array(["invoice invoice payment"], dtype=object), np.ones(1, int))
    assert set(found[0].contributions) == {"invoice", "payment"}


def test_a_package_without_reference_is_refused(packs: dict[str, Packed], tmp_path: Path) -> None:
    """The message says what is missing and what to do."""
    bare = Package(tmp_path, packs["logistic"].package.manifest, "none")
    with pytest.raises(BadInput, match=r"has no reference\.parquet"):
        background_of(bare)
