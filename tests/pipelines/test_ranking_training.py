"""`timonel train` on a ranking: the whole job as a person meets it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from mlflow import MlflowClient

from projects import Done, timonel
from slices import EXAMPLES
from timonel.package import open_package
from timonel.ranker import load_ranker


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first rows of the example and its settings."""
    folder = tmp_path_factory.mktemp("podcasts")
    table = pq.ParquetFile(EXAMPLES / "ranking" / "data.parquet").read().slice(0, 6000)
    pq.write_table(table, folder / "data.parquet")
    settings = yaml.safe_load((EXAMPLES / "ranking" / "timonel.yaml").read_text())
    settings["train"] = {"candidates": ["popularity", "truncated-svd"], "trials": 2}
    settings["evaluation"] = {"gates": [{"metric": "ndcg_at_k", "at_least": 0.02}]}
    (folder / "timonel.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture(scope="module")
def trained(project: Path) -> Done:
    """The training."""
    return timonel("train", "-c", str(project / "timonel.yaml"), "--json")


def test_a_ranking_is_trained_examined_packed_and_registered(project: Path, trained: Done) -> None:
    """One command ends with a verified package that ranks, a version with both aliases, and a report."""
    assert trained.returncode == 0, trained.stderr
    result = json.loads(trained.stdout)
    assert (result["backend"], result["selection_metric"]) == ("tables", "ndcg_at_k")
    assert result["gates"][0]["passed"]
    package = open_package(Path(result["package"]), expected_digest=result["package_digest"])
    known = load_ranker(package.path / "ranker")
    assert len(known.top_k(["L0001", "nobody"], 5)) == 2
    assert Path(result["report"]).with_name("exposure.svg").exists()
    model = MlflowClient(f"sqlite:///{project / '.timonel' / 'mlflow.db'}").get_registered_model(
        "podcasts"
    )
    assert {a: str(v) for a, v in model.aliases.items()} == {"challenger": "1", "champion": "1"}
