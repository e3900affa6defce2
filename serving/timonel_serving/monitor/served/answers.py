"""What the API answers of what serves."""

from datetime import datetime

from fastapi import APIRouter

from timonel_serving.monitor.api.reading import Model
from timonel_serving.monitor.api.schemas import Answer
from timonel_serving.monitor.api.service import Service
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.monitor.served.standing import ServingState


class ServedPackage(Answer):
    """A model package."""

    uri: str | None
    digest: str | None


class ServingAnswer(Answer):
    """Which version serves a model, as its release says."""

    model: str
    state: ServingState
    sentence: str
    since: datetime | None = None
    """Since when the stable version serves, as this monitor saw it; by the wall clock."""
    stable: str | None = None
    canary: str | None = None
    weight: int | None = None
    """Percent of the traffic that is the canary's."""
    strategy: str | None = None
    revision: int | None = None
    """Of the Helm release."""
    chart: str | None = None
    stable_package: ServedPackage | None = None
    canary_package: ServedPackage | None = None


def telling(service: Service) -> APIRouter:
    """The route that tells what serves."""
    routes = APIRouter(prefix="/v1/models", tags=["models"])

    @routes.get(
        "/{name}/serving", summary="Which version serves, since when, and the canary's weight"
    )
    def serving(name: Model) -> ServingAnswer:
        return _answer(service.station.model(name))

    return routes


def _answer(watched: Watched) -> ServingAnswer:
    """As it was read last."""
    found = watched.served.standing
    known = {} if found.what is None else found.what.model_dump()
    package = known.pop("package", None) or {"stable": None, "canary": None}
    return ServingAnswer(
        model=watched.name,
        state=found.state,
        sentence=found.sentence,
        since=found.since,
        stable_package=package["stable"],
        canary_package=package["canary"],
        **known,
    )
