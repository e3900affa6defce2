"""Real processes, scraped by a real Prometheus: an incident becomes an alert."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from detectors import Detecting, detecting
from inference_events import Posted, inference
from prometheus_tools import ROOT, Prometheus, prometheus, tool, until
from timonel.alerts import Record, all_groups, render
from timonel.alerts.dashboard import dashboard
from timonel.config import Config
from timonel_serving.metrics import Metrics
from watching import Watching, watching

SHORT = "page_for: 3s, ticket_for: 3s, no_data_for: 3s, labels: false"
SETTINGS = f"""model: {{name: fraud, task: binary}}
data: {{source: none.csv, target: fraud}}
monitoring: {{alerts: {{{SHORT}}}}}
"""
CONFIG = Config.model_validate(yaml.safe_load(SETTINGS))
NAME = re.compile(r"\btimonel_[a-z_]+")


@dataclass(frozen=True)
class Scene:
    """Who takes part."""

    detector: Detecting
    monitor: Watching
    prometheus: Prometheus

    def serve(self, first: int, count: int, **said: Any) -> None:
        """Post inferences to the detector; `said` is what their responses say instead."""
        for number in range(first, first + count):
            for half in inference(number):
                changed = _changed(half, **said) if half.key[1].endswith("response") else half
                status, _ = self.detector.post(changed.headers, changed.body)
                assert status == 200

    def watch(self, alert: str, seconds: float = 25) -> list[str]:
        """The states that the alert goes through until it fires."""
        seen: list[str] = []

        def fires() -> bool:
            state = self.prometheus.alerts().get(alert, "inactive")
            seen.extend([state] if state not in seen[-1:] else [])
            return state == "firing"

        until(fires, seconds, lambda: (alert, seen, self.prometheus.alerts()))
        return seen


def _changed(half: Posted, status: str = "200", answer: Any = None) -> Posted:
    body = half.body if answer is None else orjson.dumps(answer)
    return Posted(half.headers | {"ce-status": status}, body)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Detector, monitor and Prometheus, after healthy traffic."""
    tool("prometheus")
    folder = tmp_path_factory.mktemp("alerting")
    with ExitStack() as stack:
        monitor = stack.enter_context(watching(folder / "monitor"))
        onward = f"name: pod-1, ledger: false, hand_over_every: 1s, monitor_url: '{monitor.facts['url']}'"
        detector = stack.enter_context(detecting(folder / "detector", settings=onward))
        jobs = {"monitor": monitor.facts["url"], "detector": detector.url}
        running = stack.enter_context(prometheus(folder, _rules(), **jobs))
        found = Scene(detector, monitor, running)
        found.serve(0, 150)
        total = 'sum(timonel_predictions_total{model="fraud"}) == 150'
        until(lambda: running.query(total), 20, detector.counts)
        yield found


def _rules() -> Any:
    """What is rendered; a burn rate has no `for` of its own, and gets one so that it can be seen pending."""
    rules = yaml.safe_load(render(CONFIG, all_groups(CONFIG)))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if rule.get("alert", "").endswith("BudgetBurn"):
                rule["for"] = "3s"
    return rules


def test_a_healthy_model_alerts_nobody(scene: Scene) -> None:
    """Once traffic has come only the watchdog fires, for longer than the others would take."""
    alerts = scene.prometheus.alerts
    until(lambda: alerts() == {"TimonelWatchdog": "firing"}, 10, alerts)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        assert alerts() == {"TimonelWatchdog": "firing"}
        time.sleep(0.2)


def test_failing_predictions_page(scene: Scene) -> None:
    """A fifth of the requests fail: the alert is pending, then it fires, with words and a runbook."""
    scene.serve(1000, 40, status="500", answer={"error": "out of memory"})
    assert scene.watch("TimonelErrorBudgetBurn") == ["inactive", "pending", "firing"]
    page = (
        'ALERTS{alertname="TimonelErrorBudgetBurn",severity="page",long="1h",alertstate="firing"}'
    )
    assert scene.prometheus.query(page)


def test_null_predictions_page(scene: Scene) -> None:
    """Requests that succeed and predict nothing are an incident, too."""
    nothing = {"predictions": [None]}
    for number in range(2001, 2101, 2):  # odd ones speak V1
        scene.serve(number, 1, answer=nothing)
    assert scene.watch("TimonelNullBudgetBurn")[-2:] == ["pending", "firing"]


def test_every_name_in_rules_and_dashboard_is_exported(scene: Scene) -> None:
    """A renamed metric would make an alert that never fires."""
    registry = CollectorRegistry()
    Metrics(registry, model="fraud", version="1")
    monitor = scene.monitor.client.get("/metrics").text
    detector = scene.monitor.client.get(f"{scene.detector.url}/metrics").text
    known = re.findall(
        r"^# TYPE (timonel_\S+)",
        "\n".join([monitor, detector, generate_latest(registry).decode()]),
        re.M,
    )
    suffixes = ("_bucket", "_sum", "_count", "_total")
    names = set(known) | {name + suffix for name in known for suffix in suffixes}
    asked = set(NAME.findall(dashboard())) | set(NAME.findall(render(CONFIG, all_groups(CONFIG))))
    assert asked - names == set()


def test_the_dashboard_draws_what_there_is(scene: Scene) -> None:
    """Its expressions get answers from the real series, with the variables as Grafana sets them."""
    drawn = {
        panel["title"]: [_filled(target["expr"]) for target in panel["targets"]]
        for panel in orjson.loads(dashboard())["panels"]
        if panel["type"] != "row"
    }
    answers = {title: [scene.prometheus.query(e) for e in exprs] for title, exprs in drawn.items()}
    shown = {title for title, found in answers.items() if all(found)}
    assert shown >= {
        *("State", "State over time", "Anomalies open", "Alerts firing", "Bad predictions"),
        *(
            "Predictions a second",
            "Failed predictions",
            "Lag",
            "Last heard of",
            "A round of judging",
        ),
        *("Episodes of drift open", "All figures of the last day", "Spool of the detectors"),
    }


def _filled(expr: str) -> str:
    values = {"$model": "fraud", "$metric": "error_rate", "$__rate_interval": "1m"}
    for name, value in values.items():
        expr = expr.replace(name, value)
    return expr


def test_the_runbooks_ask_what_the_monitor_answers(scene: Scene) -> None:
    """Each address of the monitor that a runbook names is one."""
    text = "".join(page.read_text() for page in (ROOT / "docs/runbooks").glob("*.md"))
    asked = set(re.findall(r"curl -s '?http://127.0.0.1:9400([^'\s;]*)", text))
    assert len(asked) >= 8
    # the version that is served here
    paths = {path.replace("version=2", "version=7") for path in asked}
    answers = {path: scene.monitor.client.get(path).status_code for path in sorted(paths)}
    assert set(answers.values()) == {200}, answers


def test_a_monitor_that_dies_pages(scene: Scene) -> None:
    """Its absence is an alert of its own: pending, then firing. Run last."""
    scene.monitor.process.kill()
    assert scene.watch("TimonelMonitorDead") == ["inactive", "pending", "firing"]


def test_records_have_names_of_their_own() -> None:
    """What is recorded cannot be mistaken for what a process exports."""
    records = [r for g in all_groups(CONFIG) for r in g.rules if isinstance(r, Record)]
    assert records
    assert all(record.name.startswith("timonel:") for record in records)
