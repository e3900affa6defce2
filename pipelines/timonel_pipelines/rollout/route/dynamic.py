"""What Traefik is told, and what it tells: its dynamic configuration as plain data.

https://doc.traefik.io/traefik/reference/routing-configuration/http/load-balancing/service/: services of the
kinds `loadBalancer`, `weighted` (with a sticky cookie), `failover` and `mirroring`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from timonel.config.releasing import Sticky
from timonel_pipelines.rollout.route.router import InForce, Route

SERVICE, COPIED, COPY, COHORT, REST = "model", "copied", "copy", "cohort", "rest"
"""The weighted split; the same with copies; the copies; the challenger's cohorts; all others."""
_ANONYMOUS = "anonymous"
Json = dict[str, Any]


@dataclass(frozen=True)
class Dynamic:
    """How requests for one model are split."""

    model: str
    sticky: Sticky | None
    largest_copy: int
    """Bytes of a body beyond which a request is not copied."""

    def told(self, routes: Sequence[Route], mirrored: str | None) -> Json:
        """All requests by their weights, a health check for each version."""
        cohorts = self._cohorts(routes)
        weights = {r.version: r.weight for r in routes}
        if cohorts is not None:
            weights = {routes[0].version: 100, cohorts.version: 0}
        services = {f"v{r.version}": self._server(r) for r in routes}
        services[SERVICE] = {"weighted": self._weighted(weights)}
        routers = {SERVICE: _router("PathPrefix(`/`)", SERVICE)}
        if cohorts is not None:
            self._by_cohort(services, routers, routes[0], cohorts)
        if mirrored is not None:
            services |= self._copying(routers[SERVICE]["service"], mirrored)
            routers[SERVICE]["service"] = COPIED
        # an idle connection is given up before the predictor does it, so that no request meets a closing one
        timeouts = {"idleConnTimeout": "30s", "dialTimeout": "5s"}
        # a copy is a prediction of its own: under the caller's id it would pass for the one that was answered
        anonymous = {"headers": {"customRequestHeaders": {"X-Request-Id": ""}}}
        return {
            "http": {
                "routers": routers,
                "services": services,
                "middlewares": {_ANONYMOUS: anonymous},
                "serversTransports": {SERVICE: {"forwardingTimeouts": timeouts}},
            }
        }

    def _cohorts(self, routes: Sequence[Route]) -> Route | None:
        """The version that is reached by cohort, if one is."""
        if self.sticky is None or self.sticky.header is None or len(routes) != 2:
            return None
        return routes[1] if 0 < routes[1].weight < 100 else None

    def _weighted(self, weights: Mapping[str, int]) -> Json:
        parts = [{"name": f"v{version}", "weight": weight} for version, weight in weights.items()]
        found: Json = {"healthCheck": {}, "services": parts}
        if self.sticky is not None and self.sticky.cookie is not None:
            cookie = {"name": self.sticky.cookie, "httpOnly": True, "sameSite": "lax", "path": "/"}
            found["sticky"] = {"cookie": cookie}
        return found

    def _by_cohort(self, services: Json, routers: Json, champion: Route, challenger: Route) -> None:
        """Cohorts below the weight to the challenger; either version stands in for the other."""
        assert self.sticky is not None
        below = "|".join(map(str, range(challenger.weight)))
        rule = f"PathPrefix(`/`) && HeaderRegexp(`{self.sticky.header}`, `^0?({below})$`)"
        services[COHORT] = _failover(f"v{challenger.version}", f"v{champion.version}")
        services[REST] = _failover(SERVICE, f"v{challenger.version}")
        routers[COHORT] = _router(rule, COHORT)
        routers[SERVICE]["service"] = REST

    def _copying(self, service: str, mirrored: str) -> Json:
        one = [{"name": f"v{mirrored}", "weight": 1}]
        return {
            COPY: {"middlewares": [_ANONYMOUS], "weighted": {"services": one}},
            COPIED: {
                "mirroring": {
                    "service": service,
                    "healthCheck": {},
                    "maxBodySize": self.largest_copy,
                    "mirrors": [{"name": COPY, "percent": 100}],
                }
            },
        }

    def _server(self, route: Route) -> Json:
        check = {"path": f"/v2/models/{self.model}/ready", "interval": "1s", "timeout": "3s"}
        return {
            "loadBalancer": {
                "servers": [{"url": route.url}],
                "serversTransport": SERVICE,
                "healthCheck": check,
            }
        }


def read(split: Json, router: Json, copy: Json | None, cohort: Json | None) -> InForce:
    """What is in force, from what the API says of the weighted split, its router, the copies, the cohorts."""
    weights = {v.removeprefix("v"): w for v, w in _parts(split)}
    if cohort is not None:
        share = _cohorts_in(cohort["rule"])
        weights = {v: 100 - share if w else share for v, w in weights.items()}
    mirrored = None
    if router["service"] == COPIED and copy is not None:
        mirrored = _parts(copy)[0][0].removeprefix("v")
    return InForce(weights, mirrored)


def _parts(service: Json) -> list[tuple[str, int]]:
    parts = service.get("weighted", {}).get("services", [])
    return [(part["name"], part.get("weight", 0)) for part in parts]


def _cohorts_in(rule: str) -> int:
    """How many of the cohorts 0 to 99 a rule takes."""
    found = re.search(r"HeaderRegexp\(`[^`]*`, ?`([^`]*)`\)", rule)
    return sum(bool(found and re.search(found[1], str(n))) for n in range(100))


def _failover(service: str, fallback: str) -> Json:
    return {"failover": {"service": service, "fallback": fallback, "healthCheck": {}}}


def _router(rule: str, service: str) -> Json:
    return {"rule": rule, "entryPoints": ["web"], "service": service}
