"""Examines a classifier on the rows that training never saw."""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import pyarrow as pa

from timonel.config import Config
from timonel.contract import DataContract
from timonel.package import Package
from timonel_components.conversion.onnx_export import export_onnx
from timonel_components.evaluation import curves
from timonel_components.evaluation.bootstrap import Bootstrap
from timonel_components.evaluation.challenge import challenge
from timonel_components.evaluation.classes import per_class
from timonel_components.evaluation.explain import explain
from timonel_components.evaluation.latency import latency
from timonel_components.evaluation.result import Challenge, Estimate, Evaluation
from timonel_components.evaluation.robustness import robustness
from timonel_components.evaluation.sample import Fitted, Sample
from timonel_components.evaluation.slices import slices
from timonel_components.learning.trained import TrainedInfo
from timonel_components.metrics.figures import LATENCIES, Metric, metrics_for
from timonel_components.metrics.scored import Scored


def examine(
    pipeline: Any,
    info: TrainedInfo,
    test: pa.Table,
    contract: DataContract,
    config: Config,
    champion: Package | None,
) -> Evaluation:
    """Figures with intervals, slices, calibration, robustness, latency, explanation.

    A champion is scored on the same rows, and the difference is judged pair by pair.
    """
    sample = Sample.of(test, contract)
    model = Fitted(pipeline, contract, info.threshold, config)
    study = _Study(
        model, sample, model.scored(sample.batch, sample.y), Bootstrap.of(sample, config)
    )
    export = export_onnx(pipeline, contract, sample.batch)
    timed = latency(model, export, sample.batch, study.bootstrap)
    judged, small = slices(sample, study.rows, study.bootstrap, config)
    return Evaluation(
        **_subject(study, str(info.candidate)),
        **_figures(study),
        metrics=study.metrics
        | dict(zip(LATENCIES, (timed[0].p50_ms, timed[0].p95_ms), strict=True)),
        slices=judged,
        left_out=small,
        robustness=robustness(model, sample, study.rows, study.bootstrap),
        latency=timed,
        backend=export.backend,
        backend_reason=export.reason,
        challenge=study.against(champion),
        explanation=explain(model, sample, config.train.seed),
    )


@dataclass(frozen=True)
class _Study:
    """The model, the rows, and what it says of them."""

    model: Fitted
    sample: Sample
    rows: Scored
    bootstrap: Bootstrap

    @property
    def wanted(self) -> tuple[Metric, ...]:
        return metrics_for(len(self.rows.classes))

    @property
    def metrics(self) -> dict[str, Estimate]:
        return self.bootstrap.estimates(self.rows, self.wanted)

    def against(self, champion: Package | None) -> Challenge | None:
        if champion is None:
            return None
        return challenge(champion, self.model, self.sample, self.rows, self.bootstrap, self.wanted)


def _subject(study: _Study, candidate: str) -> dict[str, Any]:
    """What was examined, and how."""
    config, bootstrap = study.model.config, study.bootstrap
    return {
        "model": config.model.name,
        "task": config.model.task,
        "candidate": candidate,
        "classes": tuple(map(str, study.model.contract.classes)),
        "rows": len(study.sample),
        "period": study.sample.period(config.data.time),
        "threshold": study.model.threshold,
        "confidence": bootstrap.confidence,
        "resamples": bootstrap.resamples,
        "resampled": f"all rows of a {config.data.entity}" if config.data.entity else "rows",
        "selection_metric": config.selection_metric,
    }


def _figures(study: _Study) -> dict[str, Any]:
    """What the pictures show."""
    rows, classes = study.rows, tuple(map(str, study.model.contract.classes))
    lines = curves.curve_classes(rows)
    z = NormalDist().inv_cdf((1 + study.bootstrap.confidence) / 2)
    return {
        "per_class": {} if rows.binary else per_class(rows, study.bootstrap, classes),
        "confusion": curves.confusion(rows),
        "roc": {classes[k]: curves.roc_curve(rows, k) for k in lines},
        "pr": {classes[k]: curves.pr_curve(rows, k) for k in lines},
        "cost": curves.cost_curve(rows) if rows.binary and lines else None,
        "scores": curves.score_counts(rows, classes),
        "calibration": curves.calibration(rows, z),
    }
