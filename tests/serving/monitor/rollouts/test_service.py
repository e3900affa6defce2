"""Rollouts over HTTP: what Argo Rollouts and Flagger ask of a monitor's process, and what a kill leaves."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from rolled_out import START, table
from timonel_serving.monitor.disk.records import table_bytes
from watching import Watching, wait, watching

ROOT = Path(__file__).parents[4]
MONITOR = "stale_after: 1h, ledger: false}, detector: {hand_over_every: 60s"
SECTION = """rollout: {block: 1s, warm_up: 0s, steps: [20, 50], hold_blocks: 1, min_requests: %d,
  error_margin: 0.03, latency_margin: 0.05, max_blocks: 10000, patience: 1000}
"""
BEARER = {"authorization": "Bearer secret"}
OPENING = {"id": "fraud-7", "stable": "6", "canary": "7"}


class Traffic:
    """Requests to both versions, as a detector delivers them."""

    def __init__(self, monitor: Watching) -> None:
        self.monitor, self.sent = monitor, 0

    def flow(self, n: int = 400) -> None:
        """Some more: a fifth of them to the canary."""
        self.sent += 1
        for i, (rows, version) in enumerate(((n - n // 5, "6"), (n // 5, "7"))):
            made = table(START + 60 * self.sent, rows, version, errors=rows // 80, seed=self.sent)
            mark = 2 * self.sent + i
            found = self.monitor.send(
                "pod-1", mark, table_bytes(made), authorization="Bearer secret"
            )
            assert found.status_code == 200, found.text


def opened(monitor: Watching, **changes: str) -> httpx.Response:
    return monitor.client.post("/v1/models/fraud/rollouts", json=OPENING | changes, headers=BEARER)


def verdict(monitor: Watching) -> dict[str, Any]:
    found = monitor.client.get("/v1/rollouts/fraud-7/verdict")
    assert found.status_code == 200, found.text
    answer: dict[str, Any] = found.json()
    return answer


def gate(monitor: Watching, ask: str = "", **metadata: str) -> httpx.Response:
    """As Flagger asks it: without a token."""
    hook = {"name": "fraud", "namespace": "ml", "phase": "Progressing", "metadata": metadata}
    return monitor.client.post(f"/v1/rollouts/fraud-7/gate{ask}", json=hook)


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """A monitor with a token, at which version 6 has served and the rollout of version 7 is open."""
    folder = tmp_path_factory.mktemp("watch")
    with watching(
        folder, settings=MONITOR, sections=SECTION % 2000, TIMONEL_TOKEN="secret"
    ) as found:
        assert opened(found).status_code == 200
        yield found


def documents(name: str) -> dict[str, Any]:
    """The manifests of a file by their names."""
    text = (ROOT / "manifests/canary" / name).read_text()
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(text)}


def argo(template: str, metric: str, answer: Any) -> str:
    """What a measurement of Argo Rollouts is: failed, else successful, else inconclusive."""
    spec = documents("analysis-template.yaml")[template]["spec"]
    found = next(one for one in spec["metrics"] if one["name"] == metric)
    path = found["provider"]["web"]["jsonPath"]
    for part in path.removeprefix("{$").removesuffix("}").strip(".").split("."):
        answer = answer[part] if part else answer
    for condition, outcome in (("failureCondition", "failed"), ("successCondition", "successful")):
        if condition in found and holds(found[condition], answer):
            return outcome
    return "inconclusive"


def holds(condition: str, result: Any) -> bool:
    """A condition of the templates, whose operators are those of Argo's expression language."""
    for alternative in condition.replace("(", "").replace(")", "").split("||"):
        terms = [term.strip() for term in alternative.split("&&")]
        if all(_holds(term, result) for term in terms):
            return True
    return False


def _holds(term: str, result: Any) -> bool:
    name, _, wanted = (part.strip() for part in term.partition("=="))
    for part in name.split(".")[1:]:
        result = result[part]
    return bool(result) if not wanted else bool(result == wanted.strip('"'))


def test_those_without_the_token_change_nothing(monitor: Watching) -> None:
    """Opening, telling the weight and ending need it; reading does not."""
    client = monitor.client
    for answer in (
        client.post("/v1/models/fraud/rollouts", json=OPENING),
        client.put("/v1/rollouts/fraud-7/weight", json={"weight": 20}),
        client.delete("/v1/rollouts/fraud-7"),
    ):
        assert answer.status_code == 401, answer.text
    assert verdict(monitor)["told_weight"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "models/fraud/rollouts", b'{"stable": "6"}', 400, "canary: Field required"),
        (
            "POST",
            "models/fraud/rollouts",
            b'{"stable": "6", "canary": "8", "force": "yes"}',
            400,
            "force: ",
        ),
        ("POST", "models/fraud/rollouts", b"no", 400, "Invalid JSON"),
        ("POST", "models/fraud/rollouts", b"[" + b" " * 70_000, 413, "at most"),
        ("POST", "models/frod/rollouts", b'{"stable": "6", "canary": "8"}', 404, "no model 'frod'"),
        ("POST", "models/fraud/rollouts", b'{"stable": "6", "canary": "8"}', 409, "is under way"),
        ("PUT", "rollouts/fraud-7/weight", b'{"weight": 101}', 400, "less than or equal to 100"),
        ("PUT", "rollouts/nothing/weight", b'{"weight": 10}', 404, "no rollout 'nothing'"),
        ("GET", "rollouts/nothing/verdict", b"", 404, "no rollout 'nothing'"),
        ("POST", "rollouts/nothing/gate", b"{}", 404, "no rollout 'nothing'"),
        ("POST", "rollouts/fraud-7/gate?ask=perhaps", b"{}", 400, "ask"),
    ],
)
def test_what_cannot_be_is_refused(
    monitor: Watching, method: str, path: str, body: bytes, status: int, says: str
) -> None:
    """By the status that fits, with a sentence; a second rollout of a model by 409."""
    found = monitor.client.request(method, f"/v1/{path}", content=body, headers=BEARER)
    assert (found.status_code, says in found.text) == (status, True), found.text
    assert found.headers["content-type"] == "application/problem+json"


def test_the_manifests_open_what_they_ask_about() -> None:
    """What Argo posts is what the interface takes, and every address is one of the interface."""
    metrics = documents("analysis-template.yaml")["timonel-watch"]["spec"]["metrics"]
    assert set(metrics[0]["provider"]["web"]["jsonBody"]) == set(OPENING)
    assert metrics[0]["provider"]["web"]["url"].endswith("/v1/models/{{args.model}}/rollouts")
    rollout = documents("rollout.yaml")["fraud"]["spec"]["strategy"]["canary"]
    used = {one["templateName"] for one in rollout["analysis"]["templates"]}
    used |= {
        one["templateName"]
        for step in rollout["steps"]
        for one in step.get("analysis", {}).get("templates", ())
    }
    assert used == set(documents("analysis-template.yaml"))
    given = {one["name"] for one in rollout["analysis"]["args"]}
    wanted = documents("analysis-template.yaml")["timonel-watch"]["spec"]["args"]
    assert {one["name"] for one in wanted if "value" not in one and "valueFrom" not in one} == given


def test_a_canary_is_judged_as_argo_and_flagger_read_it(monitor: Watching) -> None:
    """Not a pass before the judge says so; then promoted, by the same manifests that are shown."""
    hooks = documents("flagger.yaml")["fraud"]["spec"]["analysis"]["webhooks"]
    asks = {hook["name"]: hook["url"].partition("gate")[2] for hook in hooks}
    told = {hook["name"]: hook["metadata"] for hook in hooks}

    def flagger() -> dict[str, int]:
        return {n: gate(monitor, ask, **told[n]).status_code for n, ask in asks.items()}

    before = verdict(monitor)
    assert argo("timonel-watch", "verdict", before) == "successful"
    assert argo("timonel-promote", "promote", before) == "inconclusive"
    assert flagger() == {"open": 200, "judge": 200, "promote": 409, "rollback": 409}
    assert "canary is version 7, not 8" in gate(monitor, canary="8").json()["detail"]
    weight = monitor.client.put("/v1/rollouts/fraud-7/weight", json={"weight": 20}, headers=BEARER)
    assert weight.json()["told_weight"] == 20
    traffic = Traffic(monitor)

    def done() -> bool:
        traffic.flow()
        return bool(verdict(monitor)["final"])

    wait(done, 90)
    after = verdict(monitor)
    assert (after["verdict"], after["weight"]) == ("promote", 100), after
    assert set(after) >= {"id", "verdict", "weight", "blocks", "reasons", "metrics", "final"}
    assert argo("timonel-watch", "verdict", after) == "successful"
    assert argo("timonel-promote", "promote", after) == "successful"
    assert flagger() == {"open": 200, "judge": 200, "promote": 200, "rollback": 409}
    for said in ("rollback", "inconclusive"):
        assert argo("timonel-promote", "promote", after | {"verdict": said}) == "failed"
        watched = argo("timonel-watch", "verdict", after | {"verdict": said})
        assert watched == {"rollback": "failed", "inconclusive": "inconclusive"}[said]
    assert opened(monitor).status_code == 409
    listed = monitor.get("rollouts")["rollouts"]
    assert [(one["id"], one["verdict"], one["hosted"]) for one in listed] == [
        ("fraud-7", "promote", True)
    ]
    assert [step["step"] for step in listed[0]["steps"]] == ["started", "weight", "judged"]
    _series(monitor, after)


def _series(monitor: Watching, after: dict[str, Any]) -> None:
    """The newest rollout is in /metrics: its verdict as a state, its evidence beside what suffices."""
    text = monitor.client.get("/metrics").text
    found = {
        (
            one.name,
            *sorted(v for k, v in one.labels.items() if k not in ("model", "rollout")),
        ): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("timonel_rollout")
    }
    states = {key[1]: v for key, v in found.items() if key[0] == "timonel_rollout_verdict"}
    assert states == {"promote": 1, "rollback": 0, "continue": 0, "inconclusive": 0}
    evidence = found["timonel_rollout_evidence", "errors", "safety"]
    assert evidence == pytest.approx(after["metrics"]["errors"]["e_safe"])
    assert found["timonel_rollout_evidence_bar", "errors", "safety"] == pytest.approx(20)
    assert found["timonel_rollout_blocks",] == after["blocks"]


def test_each_header_is_sent_once(monitor: Watching) -> None:
    """Also with the page, which has its own."""
    for path in ("/", "/healthz", "/v1/rollouts/fraud-7/verdict", "/models/fraud/rollouts/fraud-7"):
        answer = monitor.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
        assert len(answer.headers.get_list("x-request-id")) == 1


def test_killed_in_the_midst_every_request_is_evidence_once(tmp_path: Path) -> None:
    """SIGKILL between two blocks: the series goes on where it stood, without a request twice or lost."""
    flags: dict[str, Any] = {
        "settings": MONITOR,
        "sections": SECTION % 1_000_000,
        "TIMONEL_TOKEN": "secret",
    }
    with watching(tmp_path, **flags) as monitor:
        assert opened(monitor).status_code == 200
        traffic = Traffic(monitor)
        traffic.flow()
        wait(lambda: verdict(monitor)["canary_requests"] == 80)
        before = verdict(monitor)["blocks"]
        traffic.flow()
        monitor.process.send_signal(signal.SIGKILL)
        monitor.process.wait(10)
    with watching(tmp_path, **flags) as monitor:
        traffic.monitor = monitor
        traffic.sent -= 1
        traffic.flow()  # again, as a detector would that had no answer
        traffic.flow()
        wait(lambda: verdict(monitor)["canary_requests"] >= 240)
        after = verdict(monitor)
    assert after["canary_requests"] == 240
    assert after["metrics"]["errors"]["stable"]["n"] == 3 * 320
    assert after["blocks"] > before
    assert not after["final"]
