"""The description of the interface, with an example of every answer."""

from typing import Any

from fastapi import FastAPI

from timonel_serving.monitor.api.bodies import LabelIn

_VALUE = {"value": 0.931, "lower": 0.924, "upper": 0.938, "n": 4310, "state": "ok"}
_ABSENT = {"value": None, "lower": None, "upper": None, "n": 0, "state": "no data"}
_HEALTH = {
    "model": "fraud",
    "state": "degraded",
    "sentence": "Degrading since 14 Nov 09:15: null predictions 4.1 %, expected 0.1 % (0 % to 0.3 %).",
    "since": "2025-11-14T09:15:00Z",
    "next_step": "Read the service's log for failed predictions and look for features that are null.",
    "runbook": "runbooks/null-budget-burn",
}
_METRICS = {
    "start": "2025-11-13T09:30:00Z",
    "end": "2025-11-14T09:30:00Z",
    "n": 4310,
    "n_labelled": 4102,
    "version": None,
    "slice": None,
    "labels_until": None,
    "metrics": {"accuracy": _VALUE, "mean_score": _ABSENT},
    "warnings": [],
    "rejected": {},
}
_ANOMALY = {
    "what": "null_rate",
    "where": {"feature": None, "slice": None, "version": "7"},
    "severity": "page",
    "phase": "open",
    "since": "2025-11-14T09:15:00Z",
    "updated": "2025-11-14T09:30:00Z",
    "observed": {"value": 0.041, "lower": 0.03, "upper": 0.055, "n": 1200, "state": "ok"},
    "expected": 0.001,
    "baseline": [0.0, 0.003],
    "evidence": [{"text": "null predictions: 4.1 % from 14 Nov 09:15 to 09:30", "number": 0.041}],
    "next_step": _HEALTH["next_step"],
    "sentence": "null predictions (version 7) 4.1 %, expected 0.1 % (0 % to 0.3 %)",
}
_COUNTED = {
    "version": "7",
    "n": 4310,
    "ok": 4290,
    "error": 12,
    "timeout": 3,
    "rejected": 5,
    "null": 2,
    "slow": 9,
    "violating": 5,
    "latency": [4100, 201, 9],
}
_EVIDENCE = {
    "name": "errors",
    "e_harm": 0.41,
    "harm_bar": 60.0,
    "e_safe": 7.3,
    "safe_bar": 20.0,
    "difference": {"value": -0.0002, "lower": -0.0041, "upper": 0.0037, "n": 4120, "state": "ok"},
    "stable": {"value": 0.0051, "lower": 0.0043, "upper": 0.006, "n": 78200, "state": "ok"},
    "canary": {"value": 0.0049, "lower": 0.0021, "upper": 0.0096, "n": 4120, "state": "ok"},
}
_VERDICT = {
    "id": "fraud-7",
    "model": "fraud",
    "stable": "6",
    "canary": "7",
    "verdict": "continue",
    "final": False,
    "weight": 5,
    "told_weight": 5.0,
    "blocks": 27,
    "max_blocks": 200,
    "canary_requests": 4120,
    "reasons": [
        "the canary is on step 1 of 3 of its traffic",
        "errors: not yet shown that it is worse by less than 0.002: evidence 7.3 of 20",
    ],
    "metrics": {"errors": _EVIDENCE},
    "opened": "2025-11-14T09:00:00Z",
    "until": "2025-11-14T09:27:00Z",
}
_STEP = {
    "at": "2025-11-14T09:00:00Z",
    "step": "started",
    "said": "version 7 beside version 6 is judged here",
}
_ROLLOUT = {
    **{name: _VERDICT[name] for name in ("id", "model", "stable", "canary", "verdict", "final")},
    "hosted": True,
    "opened": "2025-11-14T09:00:00Z",
    "steps": [_STEP],
}
_PACKAGE = {"uri": "s3://models/fraud/6", "digest": "5d0c1f2e"}
_SERVING = {
    "model": "fraud",
    "state": "known",
    "sentence": "Version 6 serves since 14 Nov 08:00 UTC, canary 7 at 5 %.",
    "since": "2025-11-14T08:00:00Z",
    "stable": "6",
    "canary": "7",
    "weight": 5,
    "strategy": "gateway",
    "revision": 12,
    "chart": "0.1.0",
    "stable_package": _PACKAGE,
    "canary_package": {"uri": "s3://models/fraud/7", "digest": "91fe77b0"},
}
_DIAGNOSIS = {
    "state": "explained",
    "cause": "data_quality",
    "action": "fix_data",
    "loss_reference": {"value": 0.331, "lower": 0.322, "upper": 0.341, "n": 9120, "state": "ok"},
    "loss_current": {"value": 0.402, "lower": 0.384, "upper": 0.421, "n": 9120, "state": "ok"},
    "change": {"value": 0.071, "lower": 0.049, "upper": 0.093, "n": 9120, "state": "ok"},
    "findings": [
        {
            "cause": "data_quality",
            "scope": {"columns": ["amount"], "segment": None, "version": None, "pod": None},
            "share": {"value": 0.93, "lower": 0.71, "upper": 1.08, "n": 9120, "state": "ok"},
            "evidence": ["amount is 100 times what it was"],
            "counter_evidence": [],
            "first_seen": "2025-11-14T09:15:00+00:00",
            "action": "fix_data",
            "runbook": "causes/data-quality",
            "confidence": "high",
        }
    ],
    "unexplained": {"value": 0.07, "lower": -0.08, "upper": 0.29, "n": 9120, "state": "ok"},
    "missing": [],
    "onset": "2025-11-14T09:15:00+00:00",
    "seconds": 4.1,
}
_EXAMPLES: dict[str, Any] = {
    "DiagnosisAnswer": {
        "model": "fraud",
        "running": False,
        "record": 13,
        "hash": "5b0e91fe",
        "time": "2025-11-14T12:00:00Z",
        "diagnosis": _DIAGNOSIS,
    },
    "ServingAnswer": _SERVING,
    "ServedPackage": _PACKAGE,
    "MetricAnswer": _EVIDENCE,
    "VerdictAnswer": _VERDICT,
    "StepAnswer": _STEP,
    "RolloutAnswer": _ROLLOUT,
    "RolloutsAnswer": {"model": "fraud", "rollouts": [_ROLLOUT]},
    "GateAnswer": {
        "verdict": "continue",
        "sentence": "rollout fraud-7: continue: the canary is on step 1 of 3 of its traffic",
    },
    "Models": {"models": [_HEALTH]},
    "HealthAnswer": _HEALTH,
    "Value": _VALUE,
    "Metrics": _METRICS,
    "Series": {"step_seconds": 3600.0, "points": [_METRICS]},
    "AnomalyAnswer": _ANOMALY,
    "Anomalies": {"model": "fraud", "open": [_ANOMALY], "cleared": []},
    "Decisions": {
        "model": "fraud",
        "decisions": [
            {
                "seq": 12,
                "time": "2025-11-14T10:02:11.000000+00:00",
                "kind": "rollback",
                "model": "fraud",
                "version": "7",
                "summary": "version 7 was rolled back: null predictions",
                "details": {"share": 25},
                "previous": "5d0c",
                "hash": "91fe",
            }
        ],
    },
    "DetectorsAnswer": {
        "model": "fraud",
        "detectors": [
            {
                "name": "fraud-predictor-0",
                "mark": 10485760,
                "newest_event": "2025-11-14T09:29:58Z",
                "last_heard": "2025-11-14T09:30:01Z",
                "lag_seconds": 0.4,
                "stale": False,
                "contested": False,
            }
        ],
    },
    "MarkAnswer": {"mark": 10485760},
    "Counts": {
        "model": "fraud",
        "start": "2025-11-14T09:00:00Z",
        "end": "2025-11-14T09:30:00Z",
        "latency_edges_ms": [10.0, 100.0],
        "versions": [_COUNTED],
    },
    "VersionCounts": _COUNTED,
    "LabelsAnswer": {
        "model": "fraud",
        "rows": 4,
        "applied": 1,
        "duplicate": 1,
        "corrected": 0,
        "outdated": 0,
        "conflicting": 0,
        "waiting": 1,
        "rejected": {"arrived_at is no time": 1},
    },
    "Alive": {"judging": True, "heartbeat": "2025-11-14T09:30:05Z"},
    "Problem": {
        "type": "urn:timonel:problem:not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "there is no model 'frod' here",
        "code": "not_found",
        "fix": "ask for fraud",
        "request_id": "0f8fad5bd9cb469fa16570867728950e",
    },
}


def describe(app: FastAPI) -> None:
    """Have the application describe itself so."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = plain()
            schemas = found["components"]["schemas"]
            schemas["LabelIn"] = LabelIn.model_json_schema()
            for name, example in _EXAMPLES.items():
                schemas[name]["example"] = example
            _mark_problems(found)
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _mark_problems(found: dict[str, Any]) -> None:
    """Refusals are problem+json, and FastAPI's own of a bad parameter does not occur."""
    for operations in found["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and "content" in response:
                    content = response["content"]
                    response["content"] = {"application/problem+json": content["application/json"]}
    for name in ("HTTPValidationError", "ValidationError"):
        found["components"]["schemas"].pop(name, None)
