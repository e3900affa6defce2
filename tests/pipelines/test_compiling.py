"""The compiled pipeline: what a Kubeflow Pipelines server is given."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from projects import ROOT, make_project, timonel_here
from timonel.config import load_config
from timonel_pipelines.compiling import compiled_text
from timonel_pipelines.running import Source
from timonel_pipelines.wanted import described, generic

GOLDEN = ROOT / "pipelines" / "compiled" / "timonel-train.yaml"
STEPS = {"prepare", "train", "evaluate", "register", "refuse"}


def compiled(path: Path, *words: str) -> list[dict[str, Any]]:
    """The documents of a pipeline that the command line compiled."""
    out = path.parent / "out.yaml"
    done = timonel_here("pipeline", "compile", "-c", path, "-o", out, *words)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(out.read_text()))


def tasks(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every task of a pipeline by name, wherever it stands."""
    graphs = [c["dag"] for c in spec["components"].values() if "dag" in c] + [spec["root"]["dag"]]
    return {name: task for graph in graphs for name, task in graph["tasks"].items()}


def test_the_committed_pipeline_is_what_the_code_compiles_to() -> None:
    """The golden is current: `make generate` renews it."""
    assert compiled_text(generic().platform) == GOLDEN.read_text()


@pytest.mark.parametrize("own", [True, False], ids=["a model's", "generic"])
def test_the_compiled_pipeline_holds_against_the_proto(project: Path, own: bool) -> None:
    """A server parses it strictly: no field that the PipelineSpec does not know."""
    wanted = (
        described(Source.of(load_config(project), project), volume="claim") if own else generic()
    )
    text = compiled_text(wanted.platform, parameters=wanted.parameters)
    spec, platforms = yaml.safe_load_all(text)
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(platforms, pipeline_spec_pb2.PlatformSpec())
    assert parsed.pipeline_info.name.startswith("timonel-train")


def test_a_model_s_settings_are_the_default_of_the_run(project: Path) -> None:
    """The text of timonel.yaml reaches the pipeline letter by letter, comments too."""
    project.write_text("# chosen with care\n" + project.read_text())
    spec, _ = compiled(project)
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert parameters["config"]["defaultValue"] == project.read_text()
    assert spec["pipelineInfo"]["name"] == "timonel-train-accidents"


def test_steps_ask_for_the_resources_of_the_settings(tmp_path: Path, accidents: Path) -> None:
    """CPU, memory, timeout, image, user and labels of every step are the ones that were set."""
    resources = {"cpu": "2500m", "memory": "3Gi", "timeout": "20min"}
    path = make_project(tmp_path, accidents, resources=resources)
    spec, platforms = compiled(path, "--image", "registry/steps-python@sha256:1", "--volume", "c")
    executors = spec["deploymentSpec"]["executors"]
    assert {name.removeprefix("exec-") for name in executors} == STEPS
    for executor in executors.values():
        asked = executor["container"]["resources"]
        assert asked["resourceCpuRequest"] == asked["resourceCpuLimit"] == "2500m"
        assert asked["resourceMemoryRequest"] == asked["resourceMemoryLimit"] == "3Gi"
        assert executor["container"]["image"] == "registry/steps-python@sha256:1"
        assert executor["container"]["env"] == [{"name": "OMP_NUM_THREADS", "value": "2"}]
    pods = platforms["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for step in STEPS:
        pod = pods[f"exec-{step}"]
        assert pod["activeDeadlineSeconds"] == "1200"
        assert pod["securityContext"] == {"runAsNonRoot": True, "runAsUser": "65532"}
        assert pod["podMetadata"]["labels"]["app.kubernetes.io/component"] == step
        assert pod["podMetadata"]["labels"]["timonel.dev/model"] == "accidents"
        assert pod["pvcMount"][0]["mountPath"] == "/timonel"


def test_no_step_answers_from_a_cache_and_each_is_tried_again(project: Path) -> None:
    """Every step reads or writes something outside of its inputs; a failure is tried twice more."""
    spec, _ = compiled(project)
    found = {name: task for name, task in tasks(spec).items() if name in STEPS}
    assert set(found) == STEPS
    for task in found.values():
        assert task["cachingOptions"].get("enableCache", False) is False
        assert task["retryPolicy"]["maxRetryCount"] == 2


def test_registration_stands_behind_the_gate(project: Path) -> None:
    """The register step is nowhere but in the branch that the verdict "pass" opens."""
    spec, _ = compiled(project)
    found = tasks(spec)
    holders = [
        name
        for name, component in spec["components"].items()
        if "register" in component.get("dag", {}).get("tasks", {})
    ]
    [gate] = [t for t in found.values() if [t["componentRef"]["name"]] == holders]
    assert gate["taskInfo"]["name"] == "gates-passed"
    assert gate["triggerPolicy"]["condition"].endswith("== 'pass'")
    assert "register" not in spec["root"]["dag"]["tasks"]


def test_manifests_are_resources_for_a_cluster_that_is_managed_by_files(project: Path) -> None:
    """--manifests writes a Pipeline and a PipelineVersion in the namespace."""
    documents = compiled(project, "--manifests", "--namespace", "models")
    assert [d["kind"] for d in documents] == ["Pipeline", "PipelineVersion"]
    assert {d["metadata"]["namespace"] for d in documents} == {"models"}
    assert documents[1]["spec"]["pipelineName"] == "timonel-train-accidents"


def test_settings_that_are_wrong_compile_to_nothing(project: Path) -> None:
    """A wrong key is the message of `timonel check`, exit code 1, and no file."""
    project.write_text(project.read_text() + "colour: red\n")
    out = project.parent / "out.yaml"
    done = timonel_here("pipeline", "compile", "-c", project, "-o", out)
    assert done.returncode == 1
    assert "colour is not a setting" in done.stderr
    assert not out.exists()


def test_what_a_cluster_will_not_find_is_said_when_compiling(project: Path) -> None:
    """A table on this machine and runs in SQLite are warned of; with a volume they are there."""
    out = project.parent / "out.yaml"
    bare = timonel_here("pipeline", "compile", "-c", project, "-o", out)
    kept = timonel_here("pipeline", "compile", "-c", project, "-o", out, "--volume", "claim")
    assert "warning: data.source is data.parquet" in bare.stderr
    assert "warning: storage.tracking_uri is not set" in bare.stderr
    assert "warning" not in kept.stderr
