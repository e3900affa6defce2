"""The route of exact counts per version: what a release is judged by."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from timonel.monitor.served import LATENCY_EDGES_MS, ServedVersion
from timonel_serving.monitor.api import schemas
from timonel_serving.monitor.api.asked import Text, instant
from timonel_serving.monitor.api.reading import Model
from timonel_serving.monitor.api.service import Service


class Stretch(BaseModel):
    """The parameters of the counts."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    start: Text
    """ISO 8601, or seconds since 1970; rounded up to a whole minute."""
    end: Text | None = None
    """Default: the newest event."""


def counting(service: Service) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1/models", tags=["models"])

    @routes.get("/{name}/counts", summary="Exact counts of each version's requests")
    def counts(name: Model, asked: Annotated[Stretch, Query()]) -> schemas.Counts:
        watched = service.station.model(name)
        found = watched.monitor.served(instant(asked.start), instant(asked.end))
        return schemas.Counts(
            model=watched.name,
            start=found.start,
            end=found.end,
            latency_edges_ms=list(LATENCY_EDGES_MS),
            versions=[_counts(one) for one in found.versions],
        )

    return routes


def _counts(one: ServedVersion) -> schemas.VersionCounts:
    return schemas.VersionCounts(
        version=one.version, latency=list(one.latency), **asdict(one.requests)
    )
