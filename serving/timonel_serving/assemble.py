"""Puts a server together from a package and its settings."""

import os

from prometheus_client import REGISTRY

from timonel.config.sections import Serving
from timonel.package import Package
from timonel_serving.engine import Engine
from timonel_serving.http.admission import Gate
from timonel_serving.log.cloudevents import Service
from timonel_serving.log.queue import InferenceLog
from timonel_serving.metrics import Metrics
from timonel_serving.model.calibrate import inline_bytes
from timonel_serving.model.load import load_answerer
from timonel_serving.predictor import Predictor
from timonel_serving.server import Parts


def assemble(package: Package, settings: Serving, version: str) -> Parts:
    """Load the model of a verified package, warm it up, and wire the parts around it."""
    name = package.manifest.model
    model = load_answerer(package, settings)
    metrics = Metrics(REGISTRY, model=name, version=version)
    metrics.describe(backend=package.manifest.backend, digest=package.digest)
    engine = Engine(
        model, name=name, version=version, max_batch=settings.max_batch, metrics=metrics
    )
    gate = Gate(settings.max_queue)
    log = _log(settings, name, version, metrics)
    metrics.watch(lambda: gate.waiting, lambda: log.depth if log else 0)
    return Parts(engine, gate, Predictor(engine, gate, log), log, inline_bytes(model))


def _log(settings: Serving, name: str, version: str, metrics: Metrics) -> InferenceLog | None:
    if settings.log_url is None:
        return None
    service = Service(
        name=os.environ.get("INFERENCE_SERVICE_NAME", name),
        namespace=os.environ.get("POD_NAMESPACE", "default"),
        source=f"http://localhost:{settings.port}/",
        version=version,
    )
    return InferenceLog(settings.log_url, service, capacity=settings.log_queue, counters=metrics)
