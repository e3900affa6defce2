"""Releases from the objects of a cluster, and their table."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from timonel_pipelines.cluster.answers import Answer
from timonel_pipelines.cluster.releases.release import Objects, Release, releases
from timonel_pipelines.cluster.releases.table import table
from timonel_pipelines.cluster.releases.watch import Watch, watch_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SAID = {
    "stable": "6",
    "canary": "7",
    "weight": 10,
    "revision": 4,
    "package": {"stable": {"uri": "s3://m/6", "digest": "ab" * 32}, "canary": {"digest": ""}},
}


def config(name: str, said: Any, space: str = "models") -> dict[str, Any]:
    labels = {"app.kubernetes.io/instance": name, "timonel.dev/model": f"{name}-model"}
    named = {"name": f"{name}-serving", "namespace": space, "labels": labels}
    return {"metadata": named, "data": {"serving.json": said}}


def deployment(name: str, ready: int, wanted: int) -> dict[str, Any]:
    named = {"name": name, "namespace": "models"}
    return {"metadata": named, "spec": {"replicas": wanted}, "status": {"readyReplicas": ready}}


def route(name: str, stable: int, canary: int) -> dict[str, Any]:
    refs = [
        {"name": f"{name}-stable-predictor", "weight": stable},
        {"name": f"{name}-canary-predictor", "weight": canary},
    ]
    named = {"name": name, "namespace": "models"}
    return {"metadata": named, "spec": {"rules": [{"backendRefs": refs}]}}


def found(*routes: dict[str, Any], said: Any = None) -> list[Release]:
    text = json.dumps(SAID) if said is None else said
    deployments = (
        deployment("fraud-stable-predictor", 2, 2),
        deployment("fraud-canary-predictor-00003-deployment", 0, 1),
    )
    return releases(Objects((config("fraud", text),), routes, deployments))


def test_the_route_says_the_weight_the_release_says_the_versions() -> None:
    """The route's weights win over what the release wanted; replicas are those of the predictors."""
    (one,) = found(route("fraud", 75, 25))
    assert (one.model, one.stable.version, one.weight, one.revision) == ("fraud-model", "6", 25, 4)
    assert (one.stable.ready, one.stable.wanted, one.stable.digest) == (2, 2, "ab" * 4)
    assert one.canary is not None
    assert (one.canary.version, one.canary.ready, one.canary.digest) == ("7", 0, None)
    assert found()[0].weight == 10


def test_a_damaged_release_is_left_out() -> None:
    """It hides no other one."""
    assert found(said="{") == []
    assert found(said="[]") == []


def test_a_monitor_is_asked_for_verdict_and_freshness() -> None:
    """Through the proxy; the open rollout counts, and one that does not answer is no crash."""
    answers = {
        "health": {"state": "well", "sentence": "Well."},
        "detectors": {"detectors": [{"last_heard": "2026-03-02T08:59:00Z"}]},
        "rollouts": {
            "rollouts": [
                {"verdict": "promote", "final": True},
                {"verdict": "continue", "final": False},
            ]
        },
    }

    def get(path: str) -> Answer:
        assert path.startswith("/api/v1/namespaces/models/services/fraud-monitor:9400/proxy/v1/")
        return Answer(200, answers[path.rpartition("/")[2]])

    watch = watch_of(get, "models", "fraud", "a/b")
    assert (watch.verdict, watch.open, watch.state) == ("continue", True, "well")
    assert watch.heard == NOW - timedelta(minutes=1)
    silent = watch_of(lambda path: Answer(503, message="no endpoints"), "models", "fraud", "m")
    assert (silent.state, silent.trouble) == (None, "no endpoints")


def test_the_table_fits_eighty_columns() -> None:
    """Nothing of it is cut off, and what is not known is called so."""
    (one,) = found(route("fraud", 90, 10))
    well = Watch("well", "Well.", "continue", True, NOW - timedelta(seconds=12))
    text = _text([(one, well), (one, Watch(trouble="no endpoints"))])
    assert max(map(len, text.splitlines())) <= 80
    for word in ("fraud", "90 %", "10 %", "2/2", "0/1", "abababab", "continue", "12 s"):
        assert word in text
    assert "unpinned" in text
    assert text.count("unknown") == 3


def _text(rows: list[tuple[Release, Watch]]) -> str:
    console = Console(width=80, force_terminal=False)
    with console.capture() as shown:
        console.print(table(rows, NOW))
    return shown.get()
