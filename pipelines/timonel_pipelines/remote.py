"""The training pipeline on a Kubeflow Pipelines server: submit, follow, schedule."""

import contextlib
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from timonel.errors import BadInput, TimonelError, Unavailable
from timonel_pipelines.compiling import compile_pipeline
from timonel_pipelines.display import TITLES
from timonel_pipelines.wanted import Wanted

EXPERIMENT = "timonel"
CRON_FIELDS = 6
ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELED", "SKIPPED"})
"""States that a run stays in. KFP's own waiting does not know CANCELED and would never end."""
MAX_MISSES = 5
"""Answers in a row that may fail to come before following a run gives up."""
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class TaskState:
    """One task of a run."""

    name: str
    state: str
    error: str = ""


@dataclass(frozen=True)
class RemoteRun:
    """A run on the server."""

    id: str
    url: str
    state: str
    tasks: tuple[TaskState, ...] = ()

    def succeeded(self, task: str) -> bool:
        """Whether a task was run, and ended well."""
        return any(t.name == task and t.state == "SUCCEEDED" for t in self.tasks)

    def raise_failure(self) -> None:
        """Raise for a run that failed or was canceled, with the steps that failed."""
        if self.state not in ("FAILED", "CANCELED"):
            return
        broken = [t for t in self.tasks if t.state == "FAILED" and t.name in TITLES]
        named = [f"step {t.name}: {t.error or 'failed'}" for t in broken]
        said = "\n".join([f"the run ended as {self.state}", *named])
        raise TimonelError(said, fix=f"its logs: {self.url}")


@dataclass(frozen=True)
class Server:
    """A Kubeflow Pipelines server."""

    host: str
    token: str | None = field(default=None, repr=False)
    namespace: str | None = None

    def submit(self, wanted: Wanted) -> RemoteRun:
        """Start a run of the pipeline."""
        with self._client() as client, _compiled(wanted) as package:
            experiment = client.create_experiment(EXPERIMENT, namespace=self.namespace)
            run = client.run_pipeline(experiment.experiment_id, wanted.platform.name, str(package))
        return self._read(run)

    def follow(
        self, run: RemoteRun, tell: Callable[[TaskState], None], poll_seconds: float
    ) -> RemoteRun:
        """Wait for a run to end; tells each task that changes its state."""
        seen: set[TaskState] = set()
        misses = 0
        while run.state not in ENDED:
            time.sleep(poll_seconds)
            try:
                run, misses = self.look(run.id), 0
            except Unavailable:
                misses += 1
                if misses == MAX_MISSES:
                    raise
            for task in run.tasks:
                if task not in seen and task.state:
                    tell(task)
            seen |= set(run.tasks)
        return run

    def look(self, run_id: str) -> RemoteRun:
        """How a run stands now."""
        with self._client() as client:
            return self._read(client.get_run(run_id))

    def schedule(self, wanted: Wanted, cron: str) -> str:
        """Create the recurring run in the place of one of the same name; returns its id."""
        _check_cron(cron)
        name = wanted.platform.name
        with self._client() as client, _compiled(wanted) as package:
            experiment = client.create_experiment(EXPERIMENT, namespace=self.namespace)
            before = _scheduled(client, experiment.experiment_id, name)
            made = client.create_recurring_run(
                experiment.experiment_id,
                name,
                cron_expression=cron,
                max_concurrency=1,
                no_catchup=True,
                pipeline_package_path=str(package),
            )
            for old in before:
                client.delete_recurring_run(old)
        return str(made.recurring_run_id)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        """A client of the server; what goes wrong with it is said in our words."""
        import kfp
        import kfp_server_api
        import urllib3

        try:
            self.check()
            # the client prints links and warns of servers older than any that is still supported
            with contextlib.redirect_stdout(None), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield kfp.Client(
                    host=self.host,
                    existing_token=self.token,
                    namespace=self.namespace or "kubeflow",
                )
        except kfp_server_api.ApiException as error:
            raise _refused(self.host, error.status, str(error.body or error.reason)) from None
        except urllib3.exceptions.HTTPError as error:
            raise _unreachable(self.host, error) from None

    def check(self) -> None:
        """Ask whether the server is there, before a client that would retry for half a minute does."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if not self.host.startswith(("http://", "https://")):
            raise BadInput(f"--host is {self.host}: expected an address such as https://HOST")
        request = Request(f"{self.host.rstrip('/')}/apis/v2beta1/healthz", headers=headers)  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310 - checked above
                return
        except HTTPError as error:
            raise _refused(self.host, error.code, error.reason) from None
        except (URLError, OSError) as error:
            raise _unreachable(self.host, error) from None

    def _read(self, run: Any) -> RemoteRun:
        details = run.run_details.task_details if run.run_details else None
        return RemoteRun(
            id=run.run_id,
            url=f"{self.host.rstrip('/')}/#/runs/details/{run.run_id}",
            state=run.state or "PENDING",
            tasks=tuple(map(_task, details or ())),
        )


def _task(detail: Any) -> TaskState:
    message = detail.error.message if detail.error else ""
    return TaskState(detail.display_name or "", detail.state or "", message or "")


@contextlib.contextmanager
def _compiled(wanted: Wanted) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / f"{wanted.platform.name}.yaml"
        compile_pipeline(wanted.platform, package, parameters=wanted.parameters)
        yield package


def _scheduled(client: Any, experiment: str, name: str) -> Sequence[str]:
    only = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    answer = client.list_recurring_runs(
        experiment_id=experiment, page_size=100, filter=json.dumps({"predicates": [only]})
    )
    return [r.recurring_run_id for r in answer.recurring_runs or () if r.display_name == name]


def _check_cron(cron: str) -> None:
    if len(cron.split()) != CRON_FIELDS:
        raise BadInput(
            f"--cron is {cron!r}: it has {len(cron.split())} fields, expected {CRON_FIELDS}",
            why="Kubeflow Pipelines counts seconds first: second minute hour day month weekday",
            fix='for every night at two: --cron "0 0 2 * * *"',
        )


def _refused(host: str, status: int, said: str) -> TimonelError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return BadInput(
            f"{host} refuses access ({status}): {said[:200]}",
            fix="set TIMONEL_KFP_TOKEN to a token of the server, and --namespace where it has several",
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(f"{host} answers {status}: {said[:500]}", fix="try again later")
    return BadInput(f"{host} answers {status}: {said[:500]}")


def _unreachable(host: str, error: Exception) -> Unavailable:
    reason = getattr(error, "reason", None) or error
    return Unavailable(
        f"{host}: no Kubeflow Pipelines server answers: {reason}",
        fix="check --host and the network; for a cluster's own service, a port-forward",
    )
