"""The training pipeline: which step follows which, and what each asks of its machine."""

from collections.abc import Callable
from typing import Any

from kfp import dsl, kubernetes

from timonel_pipelines import tasks
from timonel_pipelines.platform import USER, WORKSPACE, Platform

PASS = "pass"  # noqa: S105 - a verdict


def training_pipeline(platform: Platform) -> Any:
    """The pipeline for a platform. Its parameter `config` is the text of a timonel.yaml, `base` the
    folder that its relative paths start at, `commit` the commit of the code that describes the model,
    `request` the key of the decision that asked for this training, if one did.

    The model is registered in a branch of its own: a model that fails its gates never gets there.
    """
    steps = _Steps(platform)

    def pipeline(
        config: str, base: str = platform.workspace, commit: str = "", request: str = ""
    ) -> None:
        same = {"config": config, "base": base}
        data = steps.add(tasks.prepare, **same, commit=commit, request=request)
        prepared = data.outputs["prepared"]
        with dsl.ParallelFor(data.outputs["Output"], name="candidates") as candidate:
            trained = steps.add(tasks.train, **same, candidate=candidate, prepared=prepared)
        models = dsl.Collected(trained.outputs["model"])
        found = steps.add(tasks.evaluate, **same, prepared=prepared, models=models)
        outcome = {**same, "prepared": prepared, "examined": found.outputs["examined"]}
        with dsl.If(found.outputs["Output"] == PASS, name="gates-passed"):
            steps.add(tasks.register, **outcome)
        with dsl.Else(name="gates-failed"):
            steps.add(tasks.refuse, **outcome)

    return dsl.pipeline(
        name=platform.name,
        description="From a table to a registered model, or to the reasons why there is none.",
    )(pipeline)


class _Steps:
    """Adds tasks to the pipeline that is being defined, each with the platform's settings."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.made: dict[str, Any] = {}

    def add(self, function: Callable[..., Any], **inputs: Any) -> Any:
        """Add one task."""
        component = dsl.component(
            function,
            base_image=self.platform.image,
            packages_to_install=[],
            install_kfp_package=False,
        )
        task = component(**inputs)
        # Every step reads or writes something outside of its inputs (the source, the champion, the
        # tracking server): an answer from the cache would be a lie.
        task.set_caching_options(False)
        self._request(task)
        self._place(task, function.__name__)
        return task

    def _request(self, task: Any) -> None:
        platform = self.platform
        task.set_cpu_request(platform.cpu).set_cpu_limit(platform.cpu)
        task.set_env_variable("OMP_NUM_THREADS", str(platform.threads))
        task.set_memory_request(platform.memory).set_memory_limit(platform.memory)
        if platform.retries:
            task.set_retry(
                num_retries=platform.retries,
                backoff_duration="30s",
                backoff_factor=2.0,
                backoff_max_duration="300s",
            )

    def _place(self, task: Any, step: str) -> None:
        platform = self.platform
        kubernetes.set_timeout(task, platform.timeout_seconds)
        kubernetes.set_security_context(task, run_as_user=USER, run_as_non_root=True)
        for key, value in _labels(step, platform.model).items():
            kubernetes.add_pod_label(task, key, value)
        if platform.volume:
            kubernetes.mount_pvc(task, pvc_name=platform.volume, mount_path=WORKSPACE)


def _labels(step: str, model: str | None) -> dict[str, str]:
    labels = {
        "app.kubernetes.io/name": "timonel",
        "app.kubernetes.io/component": step,
        "app.kubernetes.io/part-of": "training",
    }
    return labels | ({"timonel.dev/model": model} if model else {})
