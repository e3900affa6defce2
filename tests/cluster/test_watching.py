"""What is watched on a cluster: drift in the traffic, and what KServe's own agent says, explanations."""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import joblib
import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn.linear_model import LogisticRegression

from clusters import BUCKET, Cluster, Model, Namespace, until
from inference_events import Posted, agent_headers, structured
from packages import Built
from page_runner import ROOT, blocks
from prometheus_tools import prometheus, tool
from releases import NAME, Released, store_secret, values
from timonel.ledger import Ledger, Place
from timonel.package import digest_files, seal_package

pytestmark = pytest.mark.timeout(400)  # pods start in it
SPACE = "timonel-watching"
QUARTER = timedelta(minutes=15)
"""The length of the windows in which drift is looked for."""
RUNTIME = ROOT / "manifests" / "kserve" / "runtime.yaml"
PLAIN = ROOT / "docs" / "how-to" / "serve-with-kserve.md"
EXPLAINER = os.environ.get("CLUSTER_EXPLAINER_IMAGE")
EXPLAIN = ("/opt/timonel/bin/timonel", "explainer")
BATCH = {"content-type": "application/cloudevents-batch+json"}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Namespace]:
    """Its pods reach the store."""
    with cluster.namespace(SPACE) as found:
        found.apply(store_secret(cluster))
        yield found


@pytest.fixture(scope="module")
def known(cluster: Cluster, model: Model, tmp_path_factory: Any) -> str:
    """A package in the store with the rows that its model was examined on."""
    path = with_reference(model.built, tmp_path_factory.mktemp("known") / "package")
    return cluster.store.put(path, f"{uuid.uuid4().hex}/known")


@pytest.fixture(scope="module")
def released(cluster: Cluster, model: Model, space: Namespace, known: str) -> Released:
    """A release that knows the rows that its model was made of, after some healthy traffic."""
    reference = {"storageUri": known}
    monitor = {"ledger": {"type": "none"}, "storage": {"type": "emptyDir"}}
    space.install(NAME, values(cluster, model, reference=reference, monitor=monitor))
    found = Released(cluster, space, model)
    space.ready(f"{NAME}-stable")
    # before any request: what comes of a quarter of an hour that is over is not judged
    for quarters in (3, 2, 1):
        at = datetime.now(UTC) - quarters * QUARTER
        post(found, said_before(found, at, 100 * quarters, 50))
    until(lambda: found.predict(model.built.rows(1)).status_code == 200, 120, "an answer")
    return found


def with_reference(built: Built, path: Path) -> Path:
    """The package with the rows that it was examined on, as training packs them."""
    shutil.copytree(built.package.path, path)
    (path / "package.json").unlink()
    names = [*built.table.column_names[:-1], "label"]
    pq.write_table(built.table.rename_columns(names), path / "reference.parquet")
    (path / "reference.json").write_text('{"threshold": 0.4}')
    manifest = built.package.manifest.model_copy(update={"files": digest_files(path)})
    return seal_package(path, manifest).path


def said_before(released: Released, at: datetime, start: int, count: int) -> list[Posted]:
    """Inferences of another time, as events: traffic through the gateway is always of now."""
    halves = []
    for number, row in enumerate(released.model.built.rows(count, start)):
        identity, time = f"{at.timestamp():.0f}-{number}", at.isoformat()
        extra = {"ce-modelversion": "1", "ce-status": "200"}
        asked, told = {"instances": [row]}, {"predictions": [number % 2]}
        request, response = (
            agent_headers(identity, kind, time) for kind in ("request", "response")
        )
        halves.append(Posted(request, orjson.dumps(asked)))
        halves.append(Posted(response | extra, orjson.dumps(told)))
    return halves


def post(released: Released, events: list[Posted]) -> None:
    """Give events to the detector beside the predictor."""
    chosen = f"timonel.dev/model={NAME},timonel.dev/track=stable"
    (pod,) = released.space.names("pods", chosen)
    body = orjson.dumps([structured(one) for one in events])
    with released.space.forwarded(pod, 9300) as url:
        httpx.post(url, content=body, headers=BATCH, timeout=30).raise_for_status()


def open_drift(monitor: httpx.Client) -> list[dict[str, Any]]:
    """What has drifted, says the monitor's API."""
    found: list[dict[str, Any]] = monitor.get(f"/v1/models/{NAME}/anomalies").json()["open"]
    return [one for one in found if one["what"] == "drift"]


def test_drift_in_the_traffic_is_an_anomaly_and_a_metric(
    released: Released, tmp_path: Path
) -> None:
    """Only the richest ask, through the gateway: the monitor names the feature, and Prometheus scrapes it."""
    tool("prometheus")
    chosen = f"app.kubernetes.io/component=monitor,app.kubernetes.io/instance={NAME}"
    (pod,) = released.space.names("pods", chosen)
    at = released.space.kubectl("get", pod, "-o", "jsonpath={.status.podIP}:9400")
    with released.monitor() as monitor, prometheus(tmp_path, {}, monitor=at) as scraper:
        before = released.counted()
        assert not open_drift(monitor)
        richest = sorted(released.model.built.rows(600), key=lambda row: -row["income"])[:60]
        for _ in range(10):
            assert released.predict(richest).status_code == 200
        until(lambda: released.counted() >= before + 600, 60, "600 more predictions counted")
        # the next event is of the quarter of an hour after: what was until now can be judged
        post(released, said_before(released, datetime.now(UTC) + 1.2 * QUARTER, 0, 1))
        (drift,) = until(lambda: open_drift(monitor), 60, "an anomaly")
        assert drift["where"]["feature"] == "income"
        assert drift["severity"] == "page"
        assert "income" in drift["sentence"]
        series = f'timonel_drift_episodes_open{{model="{NAME}",severity="page"}} == 1'
        until(lambda: scraper.query(series), 30, "the metric in Prometheus")
        (effect,) = scraper.query(f'timonel_drift_effect{{model="{NAME}",feature="income"}}')
        assert float(effect["value"][1]) > 1


def account(cluster: Cluster) -> tuple[dict[str, Any], dict[str, Any]]:
    """The service account by which KServe's initializer fetches models, and its secret."""
    at = urlsplit(cluster.store.there)
    reach = {"s3-endpoint": at.netloc, "s3-usehttps": "0", "s3-region": "us-east-1"}
    said = {f"serving.kserve.io/{key}": value for key, value in reach.items()}
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    held = {key: cluster.store.environment[key] for key in keys}
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": held}
    known = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "model-reader"}}
    named = {"name": "model-reader", "annotations": said}
    return secret | {"metadata": named}, known | {"secrets": [{"name": "model-reader"}]}


def of_kserve(cluster: Cluster, uri: str, ledger: str) -> dict[str, Any]:
    """A model that KServe fetches and whose answers KServe's logger tells the detector."""
    watching = {"detector": {"hand_over_every": "1s", "commit_every": "2s"}}
    port = urlsplit(cluster.store.there).port
    return {
        "stable": {"version": "1", "storageUri": uri},
        "runtime": {"kind": "kserve", "modelFormat": "timonel", "runtime": "timonel"},
        "serviceAccount": {"predictor": "model-reader"},
        "settings": {
            "model": {"name": NAME, "task": "binary"},
            "data": {"target": "outcome"},
            "monitoring": watching | {"monitor": {"judge_every": "1s"}},
        },
        "storage": {"secret": "store"},
        "monitor": {"storage": {"type": "emptyDir"}, "ledger": {"type": "s3", "uri": ledger}},
        "networkPolicy": {"storagePorts": [port]},
    }


def test_events_of_kserves_own_agent_reach_ledger_and_monitor(
    cluster: Cluster, model: Model, space: Namespace, tmp_path: Path
) -> None:
    """A model by the ServingRuntime that people apply: each row is in the ledger and counted, once."""
    ledger = f"s3://{BUCKET}/ledger-{uuid.uuid4().hex}"
    runtime = yaml.safe_load(RUNTIME.read_text())
    space.apply(runtime | {"kind": "ServingRuntime"}, *account(cluster))
    space.install("plain", of_kserve(cluster, model.uris["1"][0], ledger))
    plain = Released(cluster, space, model, "plain")
    rows = model.built.rows(60)
    until(lambda: plain.predict(rows[:1]).status_code == 200, 120, "an answer")
    assert all(plain.predict([row]).status_code == 200 for row in rows)
    until(lambda: plain.counted() == len(rows) + 1, 60, "the monitor counts them")
    kept = Ledger(
        Place.of(ledger, cluster.store.environment | {"AWS_ENDPOINT_URL": cluster.store.here})
    )
    until(lambda: kept.rows("predictions").count_rows() == len(rows) + 1, 60, "the ledger has them")
    found = kept.rows("predictions").to_table().to_pylist()
    assert len({one["prediction_id"] for one in found}) == len(rows) + 1
    assert {one["income"] for one in found} == {one["income"] for one in rows}


def test_a_plain_scikit_learn_service_with_our_detector_beside_it(
    cluster: Cluster, model: Model, space: Namespace, tmp_path: Path
) -> None:
    """The manifest of the how-to page, without our chart: each question is joined with its answer."""
    place = f"{uuid.uuid4().hex}/plain"
    features, label = np.eye(4), [0, 1, 0, 1]
    joblib.dump(LogisticRegression().fit(features, label), tmp_path / "model.joblib")
    [shown] = [x.code for x in blocks(PLAIN.read_text()) if "{name: sklearn}" in x.code]
    settings, service = yaml.safe_load_all(shown)
    for one in (settings, service):
        del one["metadata"]["namespace"]
    predictor = service["spec"]["predictor"]
    predictor["serviceAccountName"] = "model-reader"
    predictor["model"]["storageUri"] = cluster.store.put(tmp_path, place)
    space.apply(*account(cluster), settings, service)
    host, path = f"plain-{space.name}.example.com", "/v1/models/plain:predict"

    def asked(row: Any) -> httpx.Response:
        return cluster.ask(host, path, {"instances": [list(row)]})

    until(lambda: asked(features[0]).status_code == 200, 180, "an answer")
    with space.forwarded("deploy/plain-predictor", 9300) as url:
        before = joined(url)
        answers = [asked(row).json()["predictions"][0] for row in features]
        assert answers == label
        until(lambda: joined(url) == before + 2 * len(features), 30, "all are joined")
    space.kubectl("delete", "isvc", "plain", "--wait=false")


def joined(detector: str) -> float:
    """Questions and answers that the detector has brought together."""
    found = httpx.get(f"{detector}/metrics", timeout=10).text
    said = 'timonel_detector_events_total{outcome="joined"}'
    return sum(float(x.rpartition(" ")[2]) for x in found.splitlines() if x.startswith(said))


@pytest.mark.skipif(
    not EXPLAINER, reason="set CLUSTER_EXPLAINER_IMAGE to a predictor of LOCK=explainer"
)
def test_explanations_over_the_gateway(
    cluster: Cluster, model: Model, space: Namespace, known: str
) -> None:
    """`:explain` reaches KServe's explainer, all else the predictor; the parts add up to the score."""
    given = [f"--package={known}"]
    service = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "explained"},
        "spec": {
            "predictor": pod_of(f"timonel/predictor:{cluster.tag}", given),
            "explainer": pod_of(str(EXPLAINER), [*given, "--host=0.0.0.0", "--port=8080"], EXPLAIN),
        },
    }
    space.apply(service)
    host, path = f"explained-{space.name}.example.com", f"/v1/models/{NAME}"
    rows = {"instances": model.built.rows(3)}
    until(
        lambda: cluster.ask(host, f"{path}:explain", rows).status_code == 200, 120, "an explanation"
    )
    found = cluster.ask(host, f"{path}:explain", rows).json()["explanations"]
    predicted = cluster.ask(host, f"{path}:predict", rows).json()["predictions"]
    assert [one["prediction"] for one in found] == predicted
    for one in found:
        assert set(one["contributions"]) == set(rows["instances"][0])
        parts = one["base_value"] + sum(one["contributions"].values())
        assert parts == pytest.approx(one["score"], abs=1e-6)
    space.kubectl("delete", "isvc", "explained", "--wait=false")


def pod_of(image: str, arguments: list[str], command: Sequence[str] = ()) -> dict[str, Any]:
    """A component of an InferenceService, as restricted Pod Security lets it in."""
    container = {
        "name": "kserve-container",
        "image": image,
        "args": arguments,
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "envFrom": [{"secretRef": {"name": "store"}}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8080}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    container |= {"command": list(command)} if command else {}
    secure = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": secure, "containers": [container]}
