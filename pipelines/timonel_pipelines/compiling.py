"""Writes a pipeline as the YAML that Kubeflow Pipelines runs."""

import os
import tempfile
from pathlib import Path

from kfp.compiler import Compiler
from kfp.compiler.compiler_utils import KubernetesManifestOptions

from timonel.files import staged_file
from timonel_pipelines.graph import training_pipeline
from timonel_pipelines.platform import Platform


def compile_pipeline(
    platform: Platform,
    out: Path,
    *,
    parameters: dict[str, str] | None = None,
    manifests: bool = False,
    namespace: str | None = None,
) -> None:
    """Write the compiled pipeline to `out`, whole or not at all.

    `parameters` become the defaults of the pipeline's parameters. `manifests` writes it as Kubernetes
    resources (Pipeline, PipelineVersion), for clusters that are managed by files in git.
    """
    options = KubernetesManifestOptions(namespace=namespace, include_pipeline_manifest=True)
    with staged_file(out) as stage:
        Compiler().compile(
            training_pipeline(platform),
            os.fspath(stage),
            pipeline_parameters=parameters,
            kubernetes_manifest_format=manifests,
            kubernetes_manifest_options=options if manifests else None,
        )
        stage.write_text(_without_heading(stage.read_text(encoding="utf-8")), encoding="utf-8")


def _without_heading(text: str) -> str:
    """Cut the comment that KFP heads the file with: a default of several lines breaks out of it."""
    body = text.index("components:\n") if text.startswith("# PIPELINE DEFINITION") else 0
    return text[body:]


def compiled_text(platform: Platform, *, parameters: dict[str, str] | None = None) -> str:
    """The compiled pipeline as text."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "pipeline.yaml"
        compile_pipeline(platform, out, parameters=parameters)
        return out.read_text(encoding="utf-8")
