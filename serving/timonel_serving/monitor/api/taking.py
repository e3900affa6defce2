"""Routes that take windows and labels; what was answered is on the disk."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool

from timonel.errors import BadInput, TimonelError
from timonel_serving.detector.gzipped import gunzip
from timonel_serving.http.body import check_size
from timonel_serving.http.body import read_body as collect
from timonel_serving.monitor.api import schemas
from timonel_serving.monitor.api.bodies import CONTENT_TYPES, read_body
from timonel_serving.monitor.api.reading import Detector, Model, Spool
from timonel_serving.monitor.api.service import MAX_BODY, Service
from timonel_serving.monitor.disk.records import Kind, Record
from timonel_serving.monitor.models.watched import Watched
from timonel_serving.problems import UnsupportedMedia

_log = logging.getLogger("timonel.monitor")
T = TypeVar("T")

PARCEL, ROWS = "application/vnd.timonel.parcel", "application/vnd.apache.arrow.stream"
_KINDS: dict[str, Kind] = {PARCEL: "parcel", ROWS: "rows"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def taking(service: Service) -> APIRouter:
    """The routes that count something."""
    routes = APIRouter(prefix="/v1", tags=["deliveries"])

    @routes.post("/labels", summary="Labels of the only model", openapi_extra=_label_bodies())
    async def labels(request: Request) -> schemas.LabelsAnswer:
        return await _labels(service, request, lambda: _only(service))

    @routes.post(
        "/models/{name}/labels", summary="Labels of a model", openapi_extra=_label_bodies()
    )
    async def labels_of(name: Model, request: Request) -> schemas.LabelsAnswer:
        return await _labels(service, request, lambda: service.station.model(name))

    @routes.post(
        "/models/{name}/windows",
        summary="What a detector has counted",
        openapi_extra={"requestBody": {"content": dict.fromkeys(_KINDS, _BINARY)}},
    )
    async def windows(
        name: Model,
        request: Request,
        x_timonel_detector: Annotated[str, Header(pattern=r"^[A-Za-z0-9._-]{1,128}$")],
        x_timonel_mark: Annotated[int, Header(ge=0, le=2**62)],
        x_timonel_spool: Spool = "",
    ) -> schemas.MarkAnswer:
        watched = _allowed(service, request, lambda: service.station.model(name))

        def work(kind: str, body: bytes) -> int:
            if body and kind not in _KINDS:
                raise UnsupportedMedia(
                    f"the content type is {kind[:60] or 'missing'}",
                    fix=f"send one of {', '.join(_KINDS)}",
                )
            which = _KINDS.get(kind, "rows")
            sender, now = x_timonel_detector, watched.now()
            return watched.receive(
                Record(which, body, sender, x_timonel_mark, now, x_timonel_spool)
            )

        return schemas.MarkAnswer(mark=await _entered(service, request, watched, work))

    @routes.delete(
        "/models/{name}/detectors/{detector}",
        summary="A detector has stopped, with all delivered",
    )
    async def leave(
        name: Model, detector: Detector, request: Request, x_timonel_spool: Spool = ""
    ) -> schemas.MarkAnswer:
        watched = _allowed(service, request, lambda: service.station.model(name))
        return schemas.MarkAnswer(mark=watched.leave(detector, x_timonel_spool))

    return routes


async def _labels(
    service: Service, request: Request, model: Callable[[], Watched]
) -> schemas.LabelsAnswer:
    watched = _allowed(service, request, model)

    def work(kind: str, body: bytes) -> schemas.LabelsAnswer:
        found = asdict(watched.label(read_body(kind, body, service.max_body)))
        return schemas.LabelsAnswer(model=watched.name, **found)

    answer = await _entered(service, request, watched, work)
    _log.info("labels taken", extra=answer.model_dump())
    return answer


def _only(service: Service) -> Watched:
    if len(service.station.names) != 1:
        raise BadInput("there are several models", fix="post to /v1/models/NAME/labels")
    return service.station.model(service.station.names[0])


def _allowed(service: Service, request: Request, model: Callable[[], Watched]) -> Watched:
    service.access.check(request.headers.get("authorization"))
    return model()


async def _entered(
    service: Service, request: Request, watched: Watched, work: Callable[[str, bytes], T]
) -> T:
    """Read the body and work on it off the loop; what is refused is counted by its code."""
    try:
        with service.gate.entered():
            body = await _body(request, service.max_body)
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            return await run_in_threadpool(work, kind, body)
    except TimonelError as error:
        watched.refused(error.code)
        raise


async def _body(request: Request, limit: int) -> bytes:
    given = request.headers.get("content-length", "0")
    if given.isdigit():
        check_size(int(given), limit, MAX_BODY)
    body = await collect(request.receive, limit, MAX_BODY)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip":
        return await run_in_threadpool(gunzip, body, limit, MAX_BODY)
    if encoding != "identity":
        raise UnsupportedMedia(
            f"the body is encoded as {encoding[:60]}", fix="send it plain or by gzip"
        )
    return body


def _label_bodies() -> dict[str, Any]:
    """What a request may hold, for OpenAPI."""
    schema = {"$ref": "#/components/schemas/LabelIn"}
    many = {"type": "array", "items": schema}
    example = [{"prediction_id": "a1", "actual": 1, "arrived_at": "2025-11-14T09:15:00Z"}]
    found: dict[str, Any] = {
        "application/json": {"schema": {"anyOf": [schema, many]}, "example": example},
        "text/csv": {"schema": {"type": "string"}, "example": "prediction_id,actual\na1,1\n"},
    }
    found |= {kind: _BINARY for kind in CONTENT_TYPES if kind not in found}
    return {"requestBody": {"required": True, "content": found}}
