"""Starts the explainer: the process behind `timonel explainer`."""

import logging
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from timonel.config.sections import Serving
from timonel.errors import BadInput
from timonel.package import Package
from timonel_serving.explainer.process import check_explainable
from timonel_serving.logs import set_up


def serve_explanations(
    package: Package,
    version: str,
    settings: Serving,
    announce: Callable[[dict[str, Any]], None],
    *,
    verbose: bool,
) -> None:
    """Load, choose a method, serve; returns when the server has drained."""
    check_explainable(package)
    sys.argv = sys.argv[:1]  # kserve reads the command line as it is imported
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    _require_shap()
    from prometheus_client import REGISTRY

    from timonel_serving.explainer.model import ExplainEngine, Explainer
    from timonel_serving.http.admission import Gate
    from timonel_serving.http.kserve_app import quieten
    from timonel_serving.metrics import Metrics
    from timonel_serving.server import Addresses, Parts, PredictorServer, leave

    name = package.manifest.model
    metrics = Metrics(REGISTRY, model=name, version=version)
    metrics.describe(backend="shap", digest=package.digest)
    engine = ExplainEngine(package, settings, version=version, metrics=metrics)
    gate = Gate(settings.max_queue)
    metrics.watch(lambda: gate.waiting, lambda: 0)

    def listening(addresses: Addresses) -> None:
        url = f"{addresses.rest}/v1/models/{name}:explain"
        announce({"model": name, "version": version, "method": engine.method, "explain": url})

    model = Explainer(engine, gate)
    parts = Parts(engine, gate, model, log=None, inline_bytes=0, port_setting="explain_port")
    at = settings.model_copy(update={"port": settings.explain_port, "grpc_port": None})
    server = PredictorServer(parts, at, listening)
    set_up("explainer", settings.log_level, model=name, version=version)
    quieten(verbose=verbose)
    logging.getLogger("shap").setLevel(logging.INFO if verbose else logging.WARNING)
    server.start([model])
    leave(gate)


def _require_shap() -> None:
    if find_spec("shap") is None:
        raise BadInput(
            "the explainer needs the shap library, which is not installed here",
            fix="pip install 'timonel-serving[explain]'",
        )
