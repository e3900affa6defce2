"""The routes of rollouts: those who move the traffic open one, tell the weight, and ask for the verdict."""

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from timonel.errors import BadInput
from timonel_serving.http.body import read_body
from timonel_serving.monitor.api.reading import Model
from timonel_serving.monitor.api.service import Service
from timonel_serving.monitor.rollouts import answers, gate
from timonel_serving.monitor.rollouts.hosting import Rollouts
from timonel_serving.monitor.rollouts.listed import listed
from timonel_serving.monitor.rollouts.state import Hosted
from timonel_serving.problems import Conflict, NotFound

MAX_BODY = 64 * 1024
Id = Annotated[str, Path(max_length=100, examples=["fraud-7"])]
Body = TypeVar("Body", bound=BaseModel)


def rolling(service: Service) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1", tags=["rollouts"])
    station = service.station

    @routes.post(
        "/models/{name}/rollouts",
        summary="Have a canary judged; asked again for the same, the one that is under way",
        openapi_extra=_takes(
            answers.Opening, {"id": "fraud-7", "stable": "6", "canary": "7", "force": False}
        ),
    )
    async def opened(name: Model, request: Request) -> answers.VerdictAnswer:
        service.access.check(request.headers.get("authorization"))
        asked = await _body(request, answers.Opening)

        def work() -> answers.VerdictAnswer:
            model = station.model(name)
            _check_free(service, name, asked.id)
            one = model.rollouts.open(asked.stable, asked.canary, asked.id, force=asked.force)
            return answers.verdict_of(one)

        return await run_in_threadpool(work)

    @routes.get("/models/{name}/rollouts", summary="Rollouts that are judged here or were recorded")
    def rollouts(name: Model) -> answers.RolloutsAnswer:
        return answers.RolloutsAnswer(model=name, rollouts=listed(station.model(name)))

    @routes.get("/rollouts/{id}/verdict", summary="What to do with the canary, and why")
    def verdict(id: Id) -> answers.VerdictAnswer:
        return answers.verdict_of(_hosted(service, id))

    @routes.put(
        "/rollouts/{id}/weight",
        summary="Tell what the route was set to",
        openapi_extra=_takes(answers.Told, {"weight": 25}),
    )
    async def weight(id: Id, request: Request) -> answers.VerdictAnswer:
        service.access.check(request.headers.get("authorization"))
        told = await _body(request, answers.Told)
        rollouts = _rollouts(service, id)
        return answers.verdict_of(await run_in_threadpool(rollouts.tell_weight, id, told.weight))

    @routes.delete("/rollouts/{id}", summary="End a rollout that is under way; it is inconclusive")
    def closed(id: Id, request: Request) -> answers.VerdictAnswer:
        service.access.check(request.headers.get("authorization"))
        return answers.verdict_of(_rollouts(service, id).close(id))

    @routes.post(
        "/rollouts/{id}/gate",
        summary="A webhook of Flagger: 200 if the answer is yes, 409 with the reasons if it is no",
        openapi_extra=_takes(
            answers.Hook,
            {
                "name": "fraud",
                "namespace": "ml",
                "phase": "Progressing",
                "metadata": {"canary": "7"},
            },
        ),
    )
    async def gated(
        id: Id,
        request: Request,
        ask: Annotated[gate.Question, Query(description=gate.Question.__doc__)] = (
            gate.Question.CONTINUE
        ),
    ) -> answers.GateAnswer:
        hook = await _body(request, answers.Hook)
        return await run_in_threadpool(_gate, service, id, hook, ask)

    return routes


def _rollouts(service: Service, name: str) -> Rollouts:
    """Those of the model that a rollout is of; raises `NotFound`."""
    for model in service.station.names:
        rollouts = service.station.model(model).rollouts
        if rollouts.get(name) is not None:
            return rollouts
    raise NotFound(
        f"no rollout {name[:100]!r} is judged here", fix="open it: POST /v1/models/NAME/rollouts"
    )


def _hosted(service: Service, name: str) -> Hosted:
    found = _rollouts(service, name).get(name)
    assert found is not None
    return found


def _gate(
    service: Service, name: str, hook: answers.Hook, ask: gate.Question
) -> answers.GateAnswer:
    found = _hosted(service, name)
    for role in ("stable", "canary"):
        wanted, is_there = (hook.metadata or {}).get(role), getattr(found, role)
        if wanted is not None and str(wanted) != is_there:
            raise Conflict(f"rollout {name}: its {role} is version {is_there}, not {wanted!s:.100}")
    if not gate.opens(ask, found):
        raise Conflict(f"{ask.value}? no: {gate.sentence(found)}")
    return answers.GateAnswer(verdict=found.verdict, sentence=gate.sentence(found))


def _check_free(service: Service, model: str, name: str | None) -> None:
    """An id is in addresses without the model's name: no two models may share it."""
    for other in service.station.names:
        if name is not None and other != model and service.station.model(other).rollouts.get(name):
            raise Conflict(f"the rollout {name} is one of model {other}", fix="give another id")


async def _body(request: Request, kind: type[Body]) -> Body:
    body = await read_body(request.receive, MAX_BODY, "nothing: 64 KB are enough for a rollout")
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise BadInput(f"{place}: {first['msg']}") from None


def _takes(kind: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    return {
        "requestBody": {"content": {"application/json": {"schema": schema, "example": example}}}
    }
