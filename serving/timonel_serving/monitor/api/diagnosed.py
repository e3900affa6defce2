"""The route that says why a model got worse."""

from datetime import datetime

from fastapi import APIRouter

from timonel_serving.monitor.api import schemas
from timonel_serving.monitor.api.reading import Model
from timonel_serving.monitor.api.service import Service


def diagnosed(service: Service) -> APIRouter:
    """The route; it reads what was recorded, and starts nothing."""
    routes = APIRouter(prefix="/v1/models", tags=["models"])

    @routes.get("/{name}/diagnosis", summary="Why a model got worse: ranked causes, and what to do")
    def diagnosis(name: Model) -> schemas.DiagnosisAnswer:
        watched = service.station.model(name)
        told = watched.diagnosis()
        return schemas.DiagnosisAnswer(
            model=watched.name,
            running=watched.diagnosing,
            record=told.record.seq if told else None,
            hash=told.record.hash if told else None,
            time=datetime.fromisoformat(told.record.time) if told else None,
            diagnosis=told.diagnosis.to_dict() if told else None,
        )

    return routes
