"""The explainer as a process: over HTTP with curl and KServe's client, beside the predictor, alone."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from kserve import InferenceRESTClient, RESTConfig
from scipy.special import expit

from packed import Packed, pack
from timonel.config import Candidate

TIMONEL = str(Path(sys.executable).with_name("timonel"))


@dataclass(frozen=True)
class Started:
    """A command that serves, and the lines of JSON it has printed."""

    process: subprocess.Popen[str]
    errors: Path

    def line(self) -> dict[str, Any]:
        """The next announcement."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, self.errors.read_text()
        found: dict[str, Any] = json.loads(text)
        return found


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Started]:
    """Run a command; whatever is left of it is killed at the end."""
    errors = folder / "stderr"
    with errors.open("w") as stream:
        process = subprocess.Popen(
            [TIMONEL, *arguments, "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
    try:
        yield Started(process, errors)
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True)
class Pair:
    """A predictor with an explainer beside it."""

    started: Started
    packed: Packed
    predict: str
    explain: str


@contextmanager
def pair(folder: Path, *flags: str) -> Iterator[Pair]:
    packed = pack(folder / "package", Candidate.BOOSTING)
    (folder / "timonel.yaml").write_text(
        "model: {name: loans}\ndata: {source: none.csv, target: outcome}\n"
        "serving: {max_queue: 1, port: 0, explain_port: 0, grpc_port: null}\n"
    )
    with started(folder, "serve", "--explain", "--package", "package", *flags) as server:
        facts = {**server.line(), **server.line()}
        yield Pair(server, packed, f"{facts['rest']}/v1/models/loans:predict", facts["explain"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A predictor with an explainer, shared by the tests that leave it as it is."""
    with pair(tmp_path_factory.mktemp("pair"), "--model-version", "7") as found:
        yield found


def test_curl_gets_explanations_of_the_predictors_scores(running: Pair) -> None:
    """Each explanation adds up to the log-odds of the score that the predictor gives the row."""
    body = json.dumps({"instances": running.packed.rows(3)})
    command = ["curl", "-sS", "-i", "-H", "x-request-id: mine", "-d", body, running.explain]
    head, _, text = subprocess.run(
        command, capture_output=True, text=True, check=True
    ).stdout.partition("\n\n")
    assert head.startswith("HTTP/1.1 200")
    assert "x-timonel-version: 7" in head
    assert "x-request-id: mine" in head
    answer = json.loads(text)
    assert answer["id"] == "mine"
    assert (answer["model_name"], answer["model_version"]) == ("loans", "7")
    assert (answer["space"], answer["method"]) == ("log-odds", "tree-shap")
    scores = httpx.post(running.predict, content=body).json()["scores"]
    for explanation, score in zip(answer["explanations"], scores, strict=True):
        parts = explanation["contributions"]
        assert set(parts) == set(running.packed.contract.model_order)
        assert list(parts.values()) == sorted(parts.values(), key=abs, reverse=True)
        total = explanation["base_value"] + sum(parts.values())
        assert total == pytest.approx(explanation["score"], abs=1e-6)
        assert expit(explanation["score"]) == pytest.approx(score, abs=1e-5)


def test_kserves_own_client_gets_explanations(running: Pair) -> None:
    """`InferenceRESTClient.explain` works as it is, and the model says that it is ready."""
    base = running.explain.partition("/v1/")[0]

    async def ask() -> dict[str, Any]:
        client = InferenceRESTClient(RESTConfig(protocol="v1"))
        rows = {"instances": running.packed.rows(2)}
        found: dict[str, Any] = await client.explain(base, "loans", data=rows)
        await client.close()
        return found

    assert len(asyncio.run(ask())["explanations"]) == 2
    assert httpx.get(f"{base}/v2/models/loans/ready").json()["ready"] is True
    assert 'request_explain_seconds_count{model_name="loans"}' in httpx.get(f"{base}/metrics").text


@pytest.mark.parametrize(
    ("change", "status", "code", "says"),
    [
        ({"income": -5.0}, 400, "contract_violation", "column income"),
        ({"region": "mars"}, 400, "contract_violation", "unseen category"),
        ({"wealth": 1}, 400, "bad_input", "unknown column wealth"),
        ({"debt": "much"}, 400, "bad_input", "expected a number"),
    ],
)
def test_bad_rows_are_refused_as_the_predictor_refuses_them(
    running: Pair, change: dict[str, Any], status: int, code: str, says: str
) -> None:
    """The same status, code and message from both servers."""
    body = {"instances": [{**running.packed.rows(1)[0], **change}]}
    answers = [httpx.post(url, json=body) for url in (running.explain, running.predict)]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert says in answer.json()["error"]
    assert answers[0].json()["error"] == answers[1].json()["error"]


def test_requests_are_bounded(running: Pair) -> None:
    """Too many rows answer 413, too many requests 503 with Retry-After, and none is lost."""
    rows = running.packed.rows(100)
    many = httpx.post(running.explain, json={"instances": rows + rows[:1]})
    assert many.status_code == 413
    assert "at most 100 are explained" in many.json()["error"]
    with ThreadPoolExecutor(8) as pool:
        send = lambda _: httpx.post(running.explain, json={"instances": rows}, timeout=60)  # noqa: E731
        answers = list(pool.map(send, range(8)))
    statuses = [a.status_code for a in answers]
    assert set(statuses) == {200, 503}
    assert all(int(a.headers["retry-after"]) >= 1 for a in answers if a.status_code == 503)


def test_the_explainer_does_not_predict(running: Pair) -> None:
    """`:predict` at the explainer is not its business, and says so without a traceback."""
    url = running.explain.replace(":explain", ":predict")
    answer = httpx.post(url, json={"instances": running.packed.rows(1)})
    assert answer.status_code == 501
    assert "Traceback" not in answer.text


def test_a_dead_explainer_leaves_the_predictor_alone_and_is_told(tmp_path: Path) -> None:
    """The predictor goes on and standard error says what happened; it still stops cleanly."""
    with pair(tmp_path) as found:
        for child in children(found.started.process.pid):
            os.kill(child, signal.SIGKILL)
        wait_until(lambda: "the explainer ended with exit code -9" in read(found.started.errors))
        body = {"instances": found.packed.rows(1)}
        assert httpx.post(found.predict, json=body).status_code == 200
        found.started.process.send_signal(signal.SIGTERM)
        assert found.started.process.wait(30) == 0


def test_the_explainer_ends_with_its_parent(tmp_path: Path) -> None:
    """A parent that is stopped stops its explainer first."""
    with pair(tmp_path) as found:
        (child,) = children(found.started.process.pid)
        found.started.process.send_signal(signal.SIGTERM)
        assert found.started.process.wait(30) == 0
        assert not alive(child)


def test_no_explainer_outlives_a_killed_parent() -> None:
    """When the parent's end of standard input closes, for whatever reason, the process is stopped."""
    orphan = (
        "import signal\n"
        "from timonel_serving.explainer.process import end_with_parent\n"
        "end_with_parent()\n"
        "signal.pause()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", orphan], stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == -signal.SIGTERM


def test_the_explainer_runs_alone_with_the_arguments_that_kserve_gives(tmp_path: Path) -> None:
    """A calibrated model is explained in probability, in a process of its own."""
    packed = pack(tmp_path / "package", Candidate.CALIBRATED_BOOSTING)
    arguments = ["--package", "package", "--http_port", "0", "--predictor_host", "none:80"]
    arguments += ["--model_name", "service"]
    with started(tmp_path, "explainer", *arguments) as server:
        answer = httpx.post(server.line()["explain"], json={"instances": packed.rows(2)}).json()
        assert answer["space"] == "probability"
        for row, explanation in enumerate(answer["explanations"]):
            total = explanation["base_value"] + sum(explanation["contributions"].values())
            assert total == pytest.approx(packed.expected[row, 1], abs=1e-6)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0


def children(parent: int) -> list[int]:
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(pid) for pid in text.split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def read(path: Path) -> str:
    return path.read_text()


def wait_until(holds: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
