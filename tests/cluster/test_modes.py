"""The other ways to roll out and to scale: a shadow, blue and green, pods by load."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from clusters import Cluster, Model, run, until
from releases import NAME, Released, loaded, store_secret, values

pytestmark = pytest.mark.timeout(400)  # pods start in it
SPACE = "timonel-modes"


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model) -> Iterator[Released]:
    """Version 1, with pods by load; nothing is kept."""
    with cluster.namespace(SPACE) as space:
        space.apply(store_secret(cluster))
        found = Released(cluster, space, model)
        serve(found, autoscaling={"kind": "hpa", "cpu": 80, "maxReplicas": 2})
        until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
        yield found


def serve(released: Released, **more: Any) -> None:
    """Install or upgrade it, until its pods are ready."""
    monitor = {"ledger": {"type": "none"}, "storage": {"type": "emptyDir"}}
    wanted = values(released.cluster, released.model, monitor=monitor, **more)
    released.space.install(NAME, wanted)
    for name in released.space.names("isvc"):
        released.space.ready(name.partition("/")[2])


def beside(released: Released, mode: str, weight: int) -> None:
    """Version 2 beside version 1."""
    canary = released.model.source(2) | {"enabled": True}
    serve(released, canary=canary, rollout={"mode": mode, "weight": weight})


def counted(released: Released) -> Counter[str]:
    """Predictions by version, as the monitor counts them."""
    found: Counter[str] = Counter()
    with released.monitor() as monitor:
        for line in monitor.get("/metrics").text.splitlines():
            if line.startswith("timonel_predictions_total{"):
                version = line.partition('version="')[2].partition('"')[0]
                found[version] += round(float(line.rpartition(" ")[2]))
    return found


def test_pods_by_load_have_a_metric(released: Released) -> None:
    """The autoscaler that the values ask for knows how busy the pods are."""

    def read() -> Any:
        status = released.space.get("hpa", f"{NAME}-stable-predictor")["status"]
        found = [one.get("resource", {}) for one in status.get("currentMetrics") or ()]
        return any("averageUtilization" in one.get("current", {}) for one in found) and status

    status = until(read, 150, "the CPU of the pods")
    spec = released.space.get("hpa", f"{NAME}-stable-predictor")["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"], status["currentReplicas"]) == (1, 2, 1)


def copies() -> bool:
    """Whether the gateway says that it copies requests."""
    return "HTTPRouteRequestMirror" in run("kubectl", "get", "gatewayclass", "-o", "json")


def test_modes_with_copies_are_refused_where_the_gateway_makes_none(released: Released) -> None:
    """It would ignore the whole route, and go on with the one before: the chart says so instead."""
    if copies():
        pytest.skip("the gateway copies requests")
    for mode in ("shadow", "blueGreen"):
        with pytest.raises(AssertionError, match=r"use rollout\.mode canary"):
            beside(released, mode, 0)
    assert {f"{NAME}-canary"} & {x.partition("/")[2] for x in released.space.names("isvc")} == set()
    assert released.serving() == "1"


def test_a_shadow_gets_a_copy_and_answers_nobody(released: Released) -> None:
    """Every answer is version 1's, and version 2 has predicted as often."""
    if not copies():
        pytest.skip("the gateway copies no requests")
    beside(released, "shadow", 0)
    until(lambda: _copied(released), 90, "copies reach version 2")
    before = counted(released)
    answers = {released.serving() for _ in range(60)}
    assert answers == {"1"}
    until(lambda: (counted(released) - before)["2"] >= 60, 60, "copies are counted")
    until(lambda: (counted(released) - before)["1"] >= 60, 60, "answers are counted")


def _copied(released: Released) -> bool:
    released.serving()
    return counted(released)["2"] > 0


def test_blue_and_green_change_places_at_once(released: Released) -> None:
    """From none to all of the traffic, in one step and back, without a failed request."""
    mode = "blueGreen" if copies() else "canary"
    beside(released, mode, 0)
    with loaded(released) as load:
        beside(released, mode, 100)
        until(lambda: released.serving() == "2", 60, "version 2 serves")
        assert {released.serving() for _ in range(30)} == {"2"}
        beside(released, mode, 0)
        until(lambda: released.serving() == "1", 60, "version 1 serves again")
    assert set(load.answers) == {200}, load.answers
