"""The tasks one by one, in this process: what they hand on, and what the Kubeflow page shows of them."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Markdown, Metrics, Model
from mlflow import MlflowClient

from projects import make_project
from timonel.errors import BadInput
from timonel.package import open_package
from timonel_components.data.splits import Splits
from timonel_pipelines import tasks
from timonel_pipelines.journal import RUN_DIRECTORY


@dataclass
class Chain:
    """The artifacts of a training with one candidate."""

    folder: Path
    text: str
    base: str

    def __post_init__(self) -> None:
        place = str(self.folder / "artifacts")
        self.prepared = Dataset(name="prepared", uri=f"{place}/prepared")
        self.model = Model(name="model", uri=f"{place}/model")
        self.validated = Metrics(name="metrics", uri=f"{place}/validated")
        self.examined = Artifact(name="examined", uri=f"{place}/examined")
        self.metrics = Metrics(name="metrics", uri=f"{place}/metrics")
        self.classification = ClassificationMetrics(name="c", uri=f"{place}/classification")
        self.summary = Markdown(name="summary", uri=f"{place}/summary.md")
        self.report = HTML(name="report", uri=f"{place}/report.html")
        self.package = Model(name="package", uri=f"{place}/package")
        self.card = Markdown(name="card", uri=f"{place}/card.md")

    def prepare(self) -> list[str]:
        return function(tasks.prepare)(self.text, self.base, "abc123", "", self.prepared)

    def train(self) -> None:
        given = (self.text, self.base, "logistic", self.prepared)
        function(tasks.train)(*given, self.model, self.validated)

    def evaluate(self) -> str:
        made = (self.metrics, self.classification, self.summary, self.report)
        given = (self.text, self.base, self.prepared, [self.model])
        return function(tasks.evaluate)(*given, self.examined, *made)

    def register(self) -> None:
        given = (self.text, self.base, self.prepared, self.examined)
        function(tasks.register)(*given, self.package, self.card)


def function(task):
    """The function of a task as KFP holds it."""
    return dsl.component(task, base_image="python", install_kfp_package=False).python_func


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory, accidents: Path) -> Chain:
    """A training, task by task."""
    folder = tmp_path_factory.mktemp("chain")
    config = make_project(folder, accidents, train={"candidates": ["logistic"], "trials": 1})
    made = Chain(folder, config.read_text(), str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(RUN_DIRECTORY, raising=False)
        assert made.prepare() == ["logistic"]
        made.train()
        assert made.evaluate() == "pass"
        made.register()
    return made


def test_prepare_hands_on_the_divided_data(chain: Chain) -> None:
    """The parts hold every row once, in the order of time."""
    splits = Splits.load(Path(chain.prepared.path) / "splits")
    parts = (splits.train, splits.validation, splits.test)
    assert sum(part.num_rows for part in parts) == 3125
    ends = [(part["occurred_at"][0].as_py(), part["occurred_at"][-1].as_py()) for part in parts]
    assert ends[0][1] <= ends[1][0] <= ends[1][1] <= ends[2][0]


def test_training_shows_its_metric(chain: Chain) -> None:
    """The candidate's figure on the validation rows is a metric of the task."""
    assert 0 < chain.validated.metadata["pr_auc"] < 1


def test_the_examination_shows_figures_curve_and_confusion(chain: Chain) -> None:
    """The page gets finite metrics, a rising ROC curve and a matrix that counts every test row."""
    shown = chain.classification.metadata
    rates = [(p["falsePositiveRate"], p["recall"]) for p in shown["confidenceMetrics"]]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == ((0.0, 0.0), (1.0, 1.0))
    assert sum(n for row in shown["confusionMatrix"]["rows"] for n in row["row"]) == 625
    # what goes into a run's metadata must be JSON, which knows neither infinity nor NaN
    json.dumps([shown, chain.metrics.metadata], allow_nan=False)
    assert 0.5 < chain.metrics.metadata["roc_auc"] < 1


def test_the_examination_shows_a_summary_and_a_report(chain: Chain) -> None:
    """The summary names the verdict of each gate; the report is one page that needs no other file."""
    summary = Path(chain.summary.path).read_text()
    assert "# accidents: logistic" in summary
    assert "| holds | roc_auc:" in summary
    page = Path(chain.report.path).read_text()
    assert "<html" in page
    assert 'src="http' not in page


def test_the_package_is_handed_on_whole(chain: Chain) -> None:
    """The artifact is the package that was registered, with the commit that was given."""
    package = open_package(Path(chain.package.path))
    assert package.digest == chain.package.metadata["package_digest"]
    assert package.manifest.origin.git_commit == "abc123"
    assert Path(chain.card.path).read_text().startswith("# ")


def test_a_step_that_fails_closes_the_run_as_failed(chain: Chain) -> None:
    """A pod that fails leaves no tracking run open, and the error is the component's own."""
    with pytest.raises(BadInput, match="does not fit"):
        function(tasks.train)(
            chain.text, chain.base, "tfidf-svm", chain.prepared, chain.model, chain.validated
        )
    client = MlflowClient(f"sqlite:///{chain.folder / '.timonel' / 'mlflow.db'}")
    about = json.loads((Path(chain.prepared.path) / "prepared.json").read_text())
    assert client.get_run(about["run_id"]).info.status == "FAILED"
