"""Packages of a real MLflow server, fetched by its REST interface alone."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlflow_server import mlflow_server
from object_store import free_ports
from packages import Built
from timonel.errors import BadInput, Corrupt, Denied, Unavailable
from timonel_serving.fetching.mlflow import DIGEST_TAG, FOLDER
from timonel_serving.fetching.package import Source, find_package


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, loans: Built) -> Iterator[str]:
    """A server with version 1 as Timonel registers it, and version 2 without a digest."""
    from mlflow import MlflowClient

    with mlflow_server(tmp_path_factory.mktemp("server")) as url:
        client = MlflowClient(url, url)
        run = client.create_run(client.create_experiment("loans"))
        client.log_artifacts(run.info.run_id, str(loans.package.path), f"model/{FOLDER}")
        client.create_registered_model("loans")
        source = f"{run.info.artifact_uri}/model"
        tags = {DIGEST_TAG: loans.package.digest}
        client.create_model_version("loans", source, run.info.run_id, tags=tags)
        client.create_model_version("loans", source, run.info.run_id)
        client.set_registered_model_alias("loans", "champion", "1")
        yield url


@pytest.mark.parametrize("uri", ["models:/loans/1", "models:/loans@champion"])
def test_a_version_is_fetched_with_its_registered_digest(
    uri: str, server: str, tmp_path: Path, loans: Built
) -> None:
    """By number or alias; the version's number is known, the digest is the one in the registry."""
    found = find_package(uri, Source(tmp_path, {}, server))
    assert (found.version, found.package.digest) == ("1", loans.package.digest)


def test_a_version_without_a_digest_needs_one(server: str, tmp_path: Path, loans: Built) -> None:
    """What Timonel did not register is only taken with a digest; a wrong one is refused."""
    source = Source(tmp_path, {}, server)
    with pytest.raises(BadInput, match="give its digest with --digest"):
        find_package("models:/loans/2", source)
    assert find_package("models:/loans/2", source, loans.package.digest).version == "2"
    with pytest.raises(Corrupt, match="models:/loans/1: the package's digest is"):
        find_package("models:/loans/1", source, "0" * 64)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/loans/3", "MLflow has no such version: 404"),
        ("models:/other/1", "MLflow has no such version: 404"),
        ("models:/loans@challenger", "MLflow has no such version: 4"),
        ("models:/loans", "expected models:/NAME/VERSION"),
        ("models:/loans/latest", "expected models:/NAME/VERSION"),
    ],
)
def test_what_the_registry_does_not_have_is_said(
    uri: str, message: str, server: str, tmp_path: Path
) -> None:
    """The address and MLflow's own words."""
    with pytest.raises(BadInput, match=message):
        find_package(uri, Source(tmp_path, {}, server))


class Closed(BaseHTTPRequestHandler):
    """Answers 401, unless the token is right: then 503."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] in ("Bearer right", "Basic dTpw")
        self.send_response(503 if known else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def closed() -> Iterator[str]:
    """A server that asks who one is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_address[1]}"
        listening.shutdown()


def test_rights_and_outages_are_told_apart(closed: str, tmp_path: Path) -> None:
    """401 is `Denied`; MLflow's usual variables are sent; 503, and nobody there, are `Unavailable`."""
    uri = "models:/loans/1"
    with pytest.raises(Denied, match="MLFLOW_TRACKING_USERNAME"):
        find_package(uri, Source(tmp_path, {}, closed))
    token = {"MLFLOW_TRACKING_TOKEN": "right"}
    password = {"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}
    for environment in (token, password):
        with pytest.raises(Unavailable, match="answers 503"):
            find_package(uri, Source(tmp_path, environment, closed))
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(Unavailable, match="does not answer"):
        find_package(uri, Source(tmp_path, {}, nobody))
