"""What the router is told is what it is read to do."""

import pytest

from timonel.config.releasing import Sticky
from timonel_pipelines.rollout.route.dynamic import COHORT, COPIED, COPY, SERVICE, Dynamic, read
from timonel_pipelines.rollout.route.router import InForce, Route


def routes(weight: int) -> list[Route]:
    """Champion 1 and challenger 2."""
    return [
        Route("1", "http://127.0.0.1:7001", 100 - weight),
        Route("2", "http://127.0.0.1:7002", weight),
    ]


@pytest.mark.parametrize("sticky", [None, Sticky(cookie="arm"), Sticky(header="X-Cohort")])
@pytest.mark.parametrize(
    ("weight", "mirrored"), [(0, None), (0, "2"), (1, None), (25, None), (99, None), (100, "1")]
)
def test_it_is_read_as_it_was_told(
    weight: int, mirrored: str | None, sticky: Sticky | None
) -> None:
    """Weights and copies, whatever an entity is told by."""
    told = Dynamic("loans", sticky, 1000).told(routes(weight), mirrored)["http"]
    services, routers = told["services"], told["routers"]
    found = read(services[SERVICE], routers[SERVICE], services.get(COPY), routers.get(COHORT))
    assert found == InForce({"1": 100 - weight, "2": weight}, mirrored)


def test_a_copy_loses_the_callers_id() -> None:
    """Else it would be logged as the prediction that was answered."""
    told = Dynamic("loans", None, 1000).told(routes(0), "2")["http"]
    (name,) = told["services"][COPY]["middlewares"]
    assert told["middlewares"][name]["headers"]["customRequestHeaders"] == {"X-Request-Id": ""}
    assert told["services"][COPIED]["mirroring"]["maxBodySize"] == 1000


def test_either_version_stands_in_for_the_other() -> None:
    """Also where entities are told by their cohort: a version that is down loses no request."""
    told = Dynamic("loans", Sticky(header="X-Cohort"), 1000).told(routes(20), None)["http"]
    pairs = [told["services"][told["routers"][r]["service"]]["failover"] for r in (COHORT, SERVICE)]
    assert [(p["service"], p["fallback"]) for p in pairs] == [("v2", "v1"), (SERVICE, "v2")]
