"""Routes that read."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from timonel.anomalies import Anomaly
from timonel.anomalies.words import DRIFT
from timonel_serving.monitor.api import schemas
from timonel_serving.monitor.api.asked import Asked, answer, series
from timonel_serving.monitor.api.service import Service
from timonel_serving.monitor.models.watched import Watched

if TYPE_CHECKING:
    from timonel.ledger import Record

Model = Annotated[str, Path(max_length=100, examples=["fraud"])]
Detector = Annotated[str, Path(max_length=128, examples=["fraud-predictor-0"])]
Spool = Annotated[str, Header(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
"""The identity of a detector's spool, which tells two of one name apart; empty: it does not say."""


def reading(service: Service) -> APIRouter:
    """The routes that change nothing."""
    routes = APIRouter(prefix="/v1/models", tags=["models"])
    model = service.station.model

    @routes.get("", summary="The models and how each is")
    def models() -> schemas.Models:
        return schemas.Models(models=[_health(model(name)) for name in service.station.names])

    @routes.get("/{name}/health", summary="How a model is, since when, and what to do")
    def health(name: Model) -> schemas.HealthAnswer:
        return _health(model(name))

    @routes.get(
        "/{name}/metrics",
        summary="Figures of a window, or of a series of windows",
        response_model_exclude_unset=True,
    )
    def metrics(name: Model, asked: Annotated[Asked, Query()]) -> schemas.Metrics | schemas.Series:
        if asked.step is None:
            return schemas.Metrics.model_validate(answer(model(name), asked).to_dict())
        step, points = series(model(name), asked, asked.step)
        found = [schemas.Metrics.model_validate(one.to_dict()) for one in points]
        return schemas.Series(step_seconds=step.total_seconds(), points=found)

    @routes.get("/{name}/anomalies", summary="What is abnormal, or was, with its evidence")
    def anomalies(name: Model) -> schemas.Anomalies:
        return _anomalies(model(name), drift=False)

    @routes.get("/{name}/episodes", summary="Drift: features that are not distributed as before")
    def episodes(name: Model) -> schemas.Anomalies:
        return _anomalies(model(name), drift=True)

    @routes.get("/{name}/decisions", summary="What was decided about a model, newest first")
    def decisions(name: Model) -> schemas.Decisions:
        found = [_decision(one) for one in model(name).decisions()]
        return schemas.Decisions(model=name, decisions=found)

    @routes.get("/{name}/detectors", summary="The detectors that send, and how far each has come")
    def detectors(name: Model) -> schemas.DetectorsAnswer:
        found = [schemas.DetectorAnswer.model_validate(one) for one in model(name).detectors()]
        return schemas.DetectorsAnswer(model=name, detectors=found)

    @routes.get("/{name}/detectors/{detector}", summary="How far one detector has come")
    def detector(
        name: Model, detector: Detector, x_timonel_spool: Spool = ""
    ) -> schemas.MarkAnswer:
        return schemas.MarkAnswer(mark=model(name).mark(detector, x_timonel_spool))

    return routes


def tending(service: Service) -> APIRouter:
    """The routes of those who run the process."""
    routes = APIRouter(tags=["process"])

    @routes.get("/healthz", summary="Whether the process works")
    def healthz(response: Response) -> schemas.Alive:
        if not service.judging.alive:
            response.status_code = 503
        return _alive(service)

    @routes.get("/readyz", summary="Whether the models have been judged since the start")
    def readyz(response: Response) -> schemas.Alive:
        if service.judging.heartbeat is None:
            response.status_code = 503
        return _alive(service)

    @routes.get("/metrics", summary="Time series for Prometheus", response_class=Response)
    def prometheus() -> Response:
        return Response(generate_latest(service.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _alive(service: Service) -> schemas.Alive:
    beat = service.judging.heartbeat
    return schemas.Alive(
        judging=service.judging.alive,
        heartbeat=None if beat is None else datetime.fromtimestamp(beat, UTC),
    )


def _health(watched: Watched) -> schemas.HealthAnswer:
    found = watched.health()
    return schemas.HealthAnswer(
        model=watched.name,
        state=found.state,
        sentence=found.sentence,
        since=found.since,
        next_step=found.next_step,
        runbook=found.runbook,
    )


def _anomalies(watched: Watched, *, drift: bool) -> schemas.Anomalies:
    standing = watched.readings().standing
    return schemas.Anomalies(
        model=watched.name,
        open=[_anomaly(a) for a in standing.open if (a.what == DRIFT) is drift or not drift],
        cleared=[_anomaly(a) for a in standing.cleared if (a.what == DRIFT) is drift or not drift],
    )


def _anomaly(found: Anomaly) -> schemas.AnomalyAnswer:
    return schemas.AnomalyAnswer.model_validate(found.to_dict() | {"sentence": found.sentence})


def _decision(found: "Record") -> schemas.DecisionAnswer:
    """A record; of details that are no JSON object, since somebody changed them, their text."""
    try:
        details: Any = json.loads(found.details)
    except (json.JSONDecodeError, TypeError):
        details = None
    if not isinstance(details, dict):
        details = {"text": found.details}
    named = {name: getattr(found, name) for name in schemas.DecisionAnswer.model_fields}
    return schemas.DecisionAnswer(**named | {"details": details})
