"""The addresses of the page."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from timonel.errors import BadInput
from timonel.monitor.report.icons import severity_mark, status_icon
from timonel.monitor.report.markup import Markup
from timonel.monitor.report.ribbon import coded
from timonel.monitor.report.verdict import Status
from timonel_serving.monitor.models.states import HealthState
from timonel_serving.monitor.models.station import Station
from timonel_serving.monitor.page.asked import RANGES, Asked
from timonel_serving.monitor.page.diagnosis import diagnosed
from timonel_serving.monitor.page.model import model_page
from timonel_serving.monitor.page.overview import row, worst_first
from timonel_serving.monitor.page.rollouts.decisions import decided, released
from timonel_serving.monitor.page.rollouts.view import rollout_page
from timonel_serving.monitor.page.static_files import static_files
from timonel_serving.monitor.page.views import Views
from timonel_serving.problems import NotFound

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FOREVER = "public, max-age=31536000, immutable"
_STYLE = re.compile(r' style="')


class Page:
    """Renders the templates; whatever is no markup already is escaped."""

    def __init__(self, station: Station) -> None:
        self.station, self.views = station, Views()
        self._templates = Environment(
            loader=PackageLoader("timonel_serving.monitor.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"coded": coded, "placed": placed}
        self._templates.globals |= {
            "ranges": tuple(RANGES),
            "static": {name: one.address for name, one in static_files().items()},
            "severity_mark": severity_mark,
            "state_icon": state_icon,
            "names": station.names,
        }

    def answer(self, asked: Callable[[], tuple[str, dict[str, Any]]], root: str) -> Response:
        """The page, or one that says what was wrong with the address."""
        status = HTTPStatus.OK
        try:
            template, shown = asked()
        except BadInput as error:
            status = HTTPStatus.NOT_FOUND if isinstance(error, NotFound) else HTTPStatus.BAD_REQUEST
            template, shown = "error.html", {"error": error}
        body = self._templates.get_template(template).render(root=root, **shown)
        return Response(
            body, status, HEADERS | {"cache-control": "no-store"}, "text/html; charset=utf-8"
        )

    def overview(self) -> tuple[str, dict[str, Any]]:
        """All models."""
        models = [self.station.model(name) for name in self.station.names]
        rows = [row(one, self.views.get(one, Asked())) for one in models]
        return "overview.html", {"rows": worst_first(rows)}

    def model(self, name: str, request: Request) -> tuple[str, dict[str, Any]]:
        """One model, as the query says."""
        watched, asked = self.station.model(name), Asked.of(request.query_params)
        shown = model_page(watched, self.views.get(watched, asked), asked)
        rollouts, found = self.views.rollouts(watched), self.views.decisions(watched)
        told = {"decisions": decided(found.records), "unread": found.error}
        told |= diagnosed(watched, found.diagnosis)
        return "model.html", shown | told | released(rollouts)

    def rollout(self, name: str, rollout: str) -> tuple[str, dict[str, Any]]:
        """One rollout of a model."""
        stories = self.views.rollouts(self.station.model(name))
        return "rollout.html", rollout_page(name, rollout, stories)


def routes(station: Station) -> APIRouter:
    """The overview at `/`, a model at `/models/NAME`, and the page's own files."""
    router, page = APIRouter(include_in_schema=False), Page(station)

    @router.get("/")
    def overview(request: Request) -> Response:
        return page.answer(page.overview, "")

    @router.get("/models/{name}")
    def model(name: str, request: Request) -> Response:
        return page.answer(lambda: page.model(name, request), "../")

    @router.get("/models/{name}/rollouts/{rollout}")
    def rollout(name: str, rollout: str) -> Response:
        return page.answer(lambda: page.rollout(name, rollout), "../../../")

    @router.get("/static/{name}")
    def static(name: str) -> Response:
        found = static_files().get(name)
        if found is None:
            return Response("not found", HTTPStatus.NOT_FOUND, HEADERS, "text/plain")
        return Response(
            found.body, headers=HEADERS | {"cache-control": FOREVER}, media_type=found.kind
        )

    return router


def placed(markup: Markup) -> Markup:
    """Places that the report gives as styles, which the page's policy forbids: the script sets them."""
    return Markup(_STYLE.sub(' data-style="', markup))


def state_icon(state: HealthState) -> Markup:
    """The sign of a state; what is stale is not known, as what has no data."""
    known = {str(status): status for status in Status}
    return status_icon(known.get(state.value.replace("_", " "), Status.NO_DATA))
