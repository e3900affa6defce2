"""MLflow as the platform installs it: on PostgreSQL, artifacts in an object store, behind a password."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clusters import BUCKET, Cluster, Namespace, run

MANIFESTS = Path(__file__).parents[2] / "manifests" / "platform" / "mlflow"
NAME = "timonel-mlflow"
CLIENT = """
import os, pathlib, mlflow
from mlflow import MlflowClient
mlflow.set_experiment("loans")
with mlflow.start_run() as run:
    mlflow.log_metric("auc", 0.9)
    path = pathlib.Path("/tmp/note.txt"); path.write_text("kept"); mlflow.log_artifact(str(path))
client = MlflowClient()
client.create_registered_model("loans")
version = client.create_model_version("loans", f"{run.info.artifact_uri}/model", run.info.run_id)
client.set_registered_model_alias("loans", "champion", version.version)
back = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/note.txt")
print("KEPT", back, client.get_model_version_by_alias("loans", "champion").version)
os.environ["MLFLOW_TRACKING_PASSWORD"] = "guessed"
try:
    MlflowClient().search_experiments()
    print("ANYBODY")
except Exception as error:
    print("REFUSED", "401" in str(error))
"""
SERVER, DATABASE = "CLUSTER_MLFLOW_IMAGE", "CLUSTER_POSTGRES_IMAGE"
IMAGES = {name: os.environ.get(name) for name in (SERVER, DATABASE)}
BARE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def server(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """The manifest with a database and a bucket of its own, ready."""
    if not all(IMAGES.values()):
        pytest.skip(f"set {', '.join(IMAGES)} to images that the cluster can run")
    folder = tmp_path_factory.mktemp("mlflow")
    name, _, tag = str(IMAGES[SERVER]).rpartition(":")
    overlay = {
        "namespace": NAME,
        "resources": [os.path.relpath(MANIFESTS, folder)],
        "images": [{"name": "ghcr.io/mlflow/mlflow", "newName": name, "newTag": tag}],
        "patches": [_bucket(cluster)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    with cluster.namespace(NAME) as namespace, cluster.volume(namespace, "mlflow-auth"):
        namespace.apply(*_database(str(IMAGES[DATABASE])), *_secrets(cluster))
        namespace.kubectl("rollout", "status", "deployment/database", "--timeout=120s")
        run("kubectl", "apply", "-k", str(folder))
        namespace.kubectl("rollout", "status", "deployment/mlflow", "--timeout=180s")
        yield namespace


def test_runs_artifacts_and_aliases_are_kept_and_a_password_is_asked(server: Namespace) -> None:
    """A run, its artifact, a version and its alias are read back; a wrong password is refused."""
    client = {
        "MLFLOW_TRACKING_URI": "http://mlflow:5000",
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD": "the-first-password",
    }
    env = ("env", *(f"{name}={value}" for name, value in client.items()))
    words = ("exec", "deploy/mlflow", "--", *env, "python", "-c", CLIENT)
    said = server.kubectl(*words).splitlines()
    assert [line for line in said if line.startswith(("KEPT", "REFUSED", "ANYBODY"))] == [
        "KEPT kept 1",
        "REFUSED True",
    ]


def test_runs_outlive_the_server(server: Namespace) -> None:
    """A new pod finds what the last one wrote: all of it lies in the database and in the bucket."""
    server.kubectl("rollout", "restart", "deployment/mlflow")
    server.kubectl("rollout", "status", "deployment/mlflow", "--timeout=240s")
    query = "select count(*) from runs"
    line = ("psql", "-h", "/tmp", "-U", "mlflow", "-tAc", query)
    found = server.kubectl(
        "exec", "deploy/database", "--", "env", "PGPASSWORD=a-database-password", *line
    )
    assert int(found) == 1


def _bucket(cluster: Cluster) -> dict[str, Any]:
    """The object store of the tests in place of the cloud's own."""
    given = cluster.store.environment | {"MLFLOW_S3_ENDPOINT_URL": cluster.store.there}
    env = [{"name": name, "value": value} for name, value in given.items()]
    patch = [
        {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": one} for one in env
    ]
    return {"target": {"kind": "Deployment", "name": "mlflow"}, "patch": json.dumps(patch)}


def _secrets(cluster: Cluster) -> list[dict[str, Any]]:
    uri = "postgresql+psycopg2://mlflow:a-database-password@database:5432/mlflow"
    cluster.store.bucket()
    return [
        _kept("Secret", "mlflow-database", {"uri": uri}),
        _kept(
            "Secret",
            "mlflow-auth",
            {"admin-password": "the-first-password", "flask-secret": "a-flask-secret"},
        ),
        _kept("ConfigMap", "mlflow-artifacts", {"root": f"s3://{BUCKET}/mlflow"}),
    ]


def _kept(kind: str, name: str, values: dict[str, str]) -> dict[str, Any]:
    key = "stringData" if kind == "Secret" else "data"
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, key: values}


def _database(image: str) -> list[dict[str, Any]]:
    container = {
        "name": "database",
        "image": image,
        "env": [{"name": "POSTGRES_PASSWORD", "value": "a-database-password"}],
        "readinessProbe": {"tcpSocket": {"port": 5432}},
        "securityContext": BARE,
    }
    labels = {"app": "database"}
    pod = {"automountServiceAccountToken": False, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "database"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "database"},
        "spec": {"selector": labels, "ports": [{"port": 5432}]},
    }
    return [deployment, service]
