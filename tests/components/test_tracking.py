"""Tracking on a real MLflow: SQLite shared by processes, and a server that is up, down, or comes back."""

import json
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from mlflow_server import mlflow_server
from object_store import free_ports
from slices import Settings, settings_of
from timonel.config import Config
from timonel.errors import BadInput, Unavailable
from timonel_components.ingest import ingest
from timonel_components.tracking.retry import Retry
from timonel_components.tracking.runs import PARENT_TAG, Tracking
from trackers import track

HELPERS = Path(__file__).parents[1] / "helpers"
SILENT: dict[str, str] = {}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, accidents: pa.Table) -> Config:
    """Settings of the accidents example with a table, at home in a folder of this module."""
    folder = tmp_path_factory.mktemp("tracking")
    parquet.write_table(accidents, folder / "data.parquet")
    return settings_of("accidents", folder)


@pytest.fixture(scope="module")
def tracking(config: Config) -> Tracking:
    """MLflow on SQLite."""
    return Tracking(config, environment=SILENT)


def test_a_run_keeps_what_was_logged(tracking: Tracking, config: Config, tmp_path: Path) -> None:
    """Settings, figures, files, the data version and the environment are there to read again."""
    data = ingest(config)
    (tmp_path / "report.txt").write_text("calm sea")
    with tracking.running("training") as run:
        run.log_params({"candidate": "logistic", "C": 0.1})
        run.log_metrics({"pr_auc": 0.25})
        run.log_artifact(tmp_path / "report.txt", "reports")
        run.log_data(data)
        run.log_environment()
    kept = tracking.client.get_run(run.id)
    assert kept.info.status == "FINISHED"
    assert kept.data.params == {"candidate": "logistic", "C": "0.1"}
    assert kept.data.metrics == {"pr_auc": 0.25}
    assert kept.data.tags["timonel.library.scikit-learn"].count(".") == 2
    (used,) = kept.inputs.dataset_inputs
    assert json.loads(used.dataset.source) == {"path": data.uri, "delta_table_version": 0}
    assert json.loads(used.dataset.profile) == {"num_rows": data.rows}
    local = tracking.client.download_artifacts(run.id, "reports/report.txt", str(tmp_path))
    assert Path(local).read_text() == "calm sea"


def test_artifacts_lie_in_the_home_directory(tracking: Tracking, config: Config) -> None:
    """No mlruns folder appears wherever the command was started."""
    with tracking.running("somewhere") as run:
        pass
    uri = tracking.client.get_run(run.id).info.artifact_uri
    assert uri.startswith((config.home / "artifacts" / "accidents").as_uri())
    assert not Path("mlruns").exists()


def test_candidates_are_children_of_their_training(tracking: Tracking, config: Config) -> None:
    """A child run names its parent, also when another process opened the parent."""
    parent = tracking.open_run("training")
    elsewhere = Tracking(config, environment=SILENT)
    with elsewhere.running("logistic", parent=parent.id) as child:
        pass
    elsewhere.run(parent.id).close()
    assert tracking.client.get_run(child.id).data.tags[PARENT_TAG] == parent.id
    assert tracking.client.get_run(parent.id).info.status == "FINISHED"


@pytest.mark.parametrize(
    ("error", "status"), [(BadInput("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_ends_badly_says_so(
    error: BaseException, status: str, tracking: Tracking
) -> None:
    """An error fails the run, Ctrl-C kills it, and both go on to the caller."""
    opened = []
    with pytest.raises(type(error)), tracking.running("doomed") as run:
        opened.append(run.id)
        raise error
    assert tracking.client.get_run(opened[0]).info.status == status


def test_the_run_of_kubeflow_pipelines_is_used_and_left_open(
    tracking: Tracking, config: Config
) -> None:
    """With MLFLOW_RUN_ID nothing is opened or closed; candidates become its children."""
    given = tracking.open_run("from outside")
    inside = Tracking(config, environment={"MLFLOW_RUN_ID": given.id})
    with inside.running("training") as run:
        run.log_params({"a": 1})
        with inside.running("logistic", parent=run.id) as child:
            pass
    assert run.id == given.id
    assert tracking.client.get_run(given.id).info.status == "RUNNING"
    assert tracking.client.get_run(child.id).info.status == "FINISHED"


def test_eight_processes_at_once_on_a_fresh_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All get the same experiment and keep their run; MLflow alone fails seven of them."""
    # the server that forks them takes its path from here alone, and imports MLflow once for all
    monkeypatch.setenv("PYTHONPATH", str(HELPERS))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trackers"])
    together = context.Barrier(8)
    started = [context.Process(target=track, args=(tmp_path, i, together)) for i in range(8)]
    for process in started:
        process.start()
    for process in started:
        process.join(120)
    assert [process.exitcode for process in started] == [0] * 8
    assert len({path.read_text() for path in tmp_path.glob("experiment-*")}) == 1
    tracking = Tracking(settings_of("accidents", tmp_path), environment=SILENT)
    runs = tracking.client.search_runs([tracking.experiment])
    assert sorted(r.data.metrics["number"] for r in runs) == list(range(8))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real MLflow server."""
    with mlflow_server(tmp_path_factory.mktemp("server")) as url:
        yield url


def test_a_server_works_the_same(server: str, config: Config, tmp_path: Path) -> None:
    """MLFLOW_TRACKING_URI of a server takes runs and artifacts; the settings go before it."""
    tracking = Tracking(config, environment={"MLFLOW_TRACKING_URI": server})
    (tmp_path / "report.txt").write_text("calm sea")
    with tracking.running("training") as run:
        run.log_artifact(tmp_path / "report.txt")
        run.log_data(ingest(config))
    assert tracking.client.get_run(run.id).info.artifact_uri.startswith("mlflow-artifacts:")
    assert [f.path for f in tracking.client.list_artifacts(run.id)] == ["report.txt"]
    storage = config.storage.model_copy(update={"tracking_uri": "http://elsewhere"})
    chosen = config.model_copy(update={"storage": storage})
    assert Tracking(chosen, environment={"MLFLOW_TRACKING_URI": server}).uri == "http://elsewhere"


def test_a_server_that_stays_down_is_unavailable(settings: Settings) -> None:
    """After the last attempt the error says how to resume; the waits double up to their limit."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    waits: list[float] = []
    retry = Retry(url, attempts=5, first=1, longest=3, sleep=waits.append)
    tracking = Tracking(settings(storage={"tracking_uri": url}), retry=retry, environment=SILENT)
    with pytest.raises(Unavailable, match="does not answer after 5 attempts") as caught:
        tracking.open_run("training")
    assert waits == [1, 2, 3, 3]
    assert "run the same command again" in str(caught.value)
    assert url in str(caught.value)


def test_a_server_that_comes_back_is_waited_for(server: str, settings: Settings) -> None:
    """A call that fails first and then finds the server up goes through, without a trace."""
    down = f"http://127.0.0.1:{free_ports(1)[0]}"
    tracking = Tracking(settings(storage={"tracking_uri": down}), environment=SILENT)

    def recover(seconds: float) -> None:
        tracking.client._tracking_client.store.get_host_creds = _credentials(server)

    tracking.retry = replace(tracking.retry, sleep=recover)
    assert tracking.open_run("training").id


def _credentials(url: str) -> object:
    from mlflow.utils.rest_utils import MlflowHostCreds

    return lambda: MlflowHostCreds(url)


@pytest.fixture
def answering() -> Iterator[tuple[str, list[int]]]:
    """A server that answers every request with the status that the list holds."""
    status = [503]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status[0])
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", status
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (503, Unavailable, "does not answer after 2 attempts"),
        (429, Unavailable, "does not answer after 2 attempts"),
        (401, BadInput, "refuses"),
        (403, BadInput, "--allowed-hosts"),
        (404, BadInput, "check the address"),
    ],
)
def test_a_status_is_classed_by_what_to_do(
    status: int,
    kind: type[Exception],
    message: str,
    answering: tuple[str, list[int]],
    settings: Settings,
) -> None:
    """An overloaded server is worth waiting for, a refusal is not; neither is MLflow's own error."""
    url, answer = answering
    answer[0] = status
    retry = Retry(url, attempts=2, sleep=lambda seconds: None)
    tracking = Tracking(settings(storage={"tracking_uri": url}), retry=retry, environment=SILENT)
    with pytest.raises(kind) as caught:
        tracking.open_run("training")
    assert message in str(caught.value)


def test_artifacts_wait_for_a_server_too(server: str, config: Config, tmp_path: Path) -> None:
    """A file that cannot be sent because the server went away is Unavailable, not a traceback."""
    retry = Retry(server, attempts=2, sleep=lambda seconds: None)
    tracking = Tracking(config, retry=retry, environment={"MLFLOW_TRACKING_URI": server})
    run = tracking.open_run("training")
    (tmp_path / "report.txt").write_text("calm sea")
    down = f"http://127.0.0.1:{free_ports(1)[0]}"
    tracking.client._tracking_client.store.get_host_creds = _credentials(down)
    with pytest.raises(Unavailable, match="does not answer after 2 attempts"):
        run.log_artifact(tmp_path / "report.txt")


def test_a_wrong_address_is_bad_input_at_once(settings: Settings) -> None:
    """An address that MLflow cannot take is not retried."""
    tracking = Tracking(settings(storage={"tracking_uri": "gopher://sea"}), environment=SILENT)
    with pytest.raises(BadInput, match=r"storage\.tracking_uri is gopher://sea"):
        tracking.open_run("training")


def test_an_error_that_is_not_about_being_down_passes_at_once() -> None:
    """Only errors that waiting can mend are retried."""
    calls = []

    def broken() -> None:
        calls.append(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Retry("here", sleep=lambda s: None)(broken)
    assert len(calls) == 1
