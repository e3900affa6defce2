"""The package of a model: whole, verified, enough to serve and to watch it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from examined import Examined, examined
from timonel.contract import FeatureReader
from timonel.errors import Corrupt
from timonel.package import Package, open_package
from timonel_components import package as module
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.package import build_id


@pytest.fixture(scope="module")
def made() -> Examined:
    """A boosted model of accidents."""
    return examined()


@pytest.fixture(scope="module")
def packed(made: Examined, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Its package."""
    return made.package(tmp_path_factory.mktemp("packages") / "one", run_id="r1")


def test_a_package_holds_all_that_serving_and_watching_need(packed: Package) -> None:
    """The files of the format, each under its digest."""
    assert set(packed.manifest.files) == {
        "MODEL_CARD.md",
        "contract.json",
        "model.onnx",
        "model.skops",
        "reference.json",
        "reference.parquet",
    }
    assert open_package(packed.path, expected_digest=packed.digest) == packed


def test_the_manifest_says_where_the_model_came_from(made: Examined, packed: Package) -> None:
    """Data version, commit, run, libraries, threshold and figures."""
    manifest = packed.manifest
    assert (manifest.origin.data_version, manifest.origin.git_commit) == (7, "0a1b2c")
    assert manifest.origin.created_at == "2026-01-02T03:04:05+00:00"
    assert manifest.origin.libraries["scikit-learn"]
    assert manifest.threshold == made.trained.info.threshold
    assert manifest.metrics["roc_auc"] == made.evaluation.metrics["roc_auc"].value
    assert build_id(manifest.origin) == "20260102T030405Z-data7"


def test_the_packed_model_scores_as_the_trained_one(made: Examined, packed: Package) -> None:
    """skops brings back the very pipeline."""
    batch = FeatureReader(made.contract).from_table(made.test)
    again = load_model(packed.path / "model.skops")
    assert np.array_equal(
        probabilities(again, batch, packed.contract),
        probabilities(made.trained.pipeline, batch, made.contract),
    )


def test_the_reference_has_features_score_label_and_time(made: Examined, packed: Package) -> None:
    """Each row is a test row with the score that the model gives it."""
    reference = pq.read_table(packed.path / "reference.parquet")
    assert reference.num_rows == made.test.num_rows
    features = [c.name for c in made.contract.features]
    assert reference.column_names == [*features, "occurred_at", "label", "score"]
    batch = FeatureReader(made.contract).from_table(reference)
    scores = probabilities(made.trained.pipeline, batch, made.contract)[:, 1]
    assert reference["score"].to_numpy() == pytest.approx(scores, abs=1e-7)
    assert reference["label"].to_pylist() == made.test["severe"].to_pylist()


def test_the_reference_figures_are_those_of_the_evaluation(made: Examined, packed: Package) -> None:
    """Metrics with intervals, the period, and a histogram that counts every row."""
    figures = json.loads((packed.path / "reference.json").read_text())
    roc = made.evaluation.metrics["roc_auc"]
    assert figures["metrics"]["roc_auc"]["low"] == roc.low
    assert figures["period"] == list(made.evaluation.period or ())
    assert sum(figures["score_histogram"]["counts"]) == figures["rows"] == made.test.num_rows


def test_a_reference_is_thinned_evenly(
    made: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More test rows than fit are thinned over the whole period, not cut at its end."""
    monkeypatch.setattr("timonel_components.packaging.reference.MAX_ROWS", 100)
    reference = pq.read_table(made.package(tmp_path / "p").path / "reference.parquet")
    times = reference["occurred_at"].to_pylist()
    every = made.test["occurred_at"].to_pylist()
    assert len(times) == 100
    assert (times[0], times[-1]) == (every[0], every[-1])


def test_the_card_tells_figures_gates_limits_and_how_to_make_it_again(packed: Package) -> None:
    """A person finds the headings and the numbers that matter."""
    card = (packed.path / "MODEL_CARD.md").read_text()
    for heading in ("Data", "Figures on the test rows", "Gates", "Groups", "On spoilt rows",
                    "What it looks at", "Serving", "Limits", "How to make it again"):  # fmt: skip
        assert f"\n## {heading}\n" in card
    assert f"{packed.manifest.metrics['roc_auc']:.4g}" in card
    assert "0a1b2c" in card
    assert "Served by ONNX Runtime" in card


def test_a_model_beyond_onnx_is_packed_with_skops_alone(tmp_path: Path) -> None:
    """The manifest names the backend and the reason, and there is no graph."""
    packed = examined("spam", "tfidf-logistic", 600).package(tmp_path / "spam")
    assert packed.manifest.backend == "skops"
    assert "predicts otherwise" in str(packed.manifest.backend_reason)
    assert not (packed.path / "model.onnx").exists()
    reference = pq.read_table(packed.path / "reference.parquet")
    assert {"text", "received_at", "label", "score"} == set(reference.column_names)


def test_a_package_that_fails_half_way_leaves_nothing(
    made: Examined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the package nor the place it was prepared in."""

    def broken(*_: object) -> str:
        raise OSError("out of ink")

    monkeypatch.setattr(module, "model_card", broken)
    with pytest.raises(OSError, match="out of ink"):
        made.package(tmp_path / "packages" / "one")
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_changed_byte_is_found(packed: Package, tmp_path: Path) -> None:
    """A package whose file was changed afterwards does not open."""
    copy = tmp_path / "copy"
    shutil.copytree(packed.path, copy)
    with (copy / "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(Corrupt, match=r"model\.onnx has SHA-256"):
        open_package(copy)
