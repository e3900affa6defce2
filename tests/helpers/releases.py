"""A release of the chart on a cluster: its values, its answers, its monitor, a load on it."""

import base64
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from clusters import Cluster, Model, Namespace
from rollouts import Load, said

SCRIPT = Path(__file__).parents[2] / "scripts" / "release.py"
NAME = "loans"


def values(cluster: Cluster, model: Model, **more: Any) -> dict[str, Any]:
    """What a release says: version 1 from the store, blocks of six seconds."""
    settings = {key: value for key, value in said(0).items() if key != "release"}
    del settings["monitoring"]["detector"]["name"]  # each pod has its own
    # the pods hand over once a second, each at its own moment: short blocks would see shares that are none
    settings["rollout"] |= {"block": "6s", "largest_imbalance": 0.9}
    port = urlsplit(cluster.store.there).port
    return {
        "stable": model.source(1),
        "settings": settings,
        "storage": {"secret": "store"},
        "monitor": {"storage": {"size": "1Gi"}, "ledger": {"type": "pvc"}},
        "networkPolicy": {"storagePorts": [port]},
    } | more


@dataclass(frozen=True)
class Released:
    """A release on the cluster."""

    cluster: Cluster
    space: Namespace
    model: Model
    name: str = NAME
    strategy: str = "gateway"
    judge: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the rollout other than those of `values`."""

    @property
    def host(self) -> str:
        """Under which the gateway knows it."""
        knative = self.strategy == "knative"
        middle = f"-predictor.{self.space.name}" if knative else f"-{self.space.name}"
        return f"{self.name}{middle}.example.com"

    def values(self, **more: Any) -> dict[str, Any]:
        """What it is installed with."""
        strategy = {"strategy": self.strategy}
        found = values(self.cluster, self.model, rollout=strategy, **more)
        found["settings"]["rollout"] |= self.judge
        return found

    def predict(self, rows: list[dict[str, Any]]) -> httpx.Response:
        """V1, through the gateway."""
        body = {"instances": rows}
        return self.cluster.ask(self.host, f"/v1/models/{NAME}:predict", body)

    def serving(self) -> str | None:
        """The version that answers now."""
        return self.predict(self.model.built.rows(1)).headers.get("x-timonel-version")

    def token(self) -> str:
        """The monitor's."""
        found = self.space.get("secret", f"{self.name}-token")["data"]["token"]
        return base64.b64decode(found).decode()

    @contextmanager
    def monitor(self) -> Iterator[httpx.Client]:
        """The monitor's API."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        with self.space.forwarded(f"svc/{self.name}-monitor", 9400) as url:
            with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
                yield client

    def counted(self) -> int:
        """Predictions that the monitor has counted."""
        with self.monitor() as client:
            lines = client.get("/metrics").text.splitlines()
        found = [x for x in lines if x.startswith("timonel_predictions_total{")]
        return round(sum(float(x.rpartition(" ")[2]) for x in found))

    def release(self, stable: int, canary: int, folder: Path) -> subprocess.CompletedProcess[str]:
        """What the GitHub workflow runs."""
        given = folder / "values.yaml"
        given.write_text(yaml.safe_dump(self.values()))
        source = self.model.source(canary)
        flags = {
            "--release": self.name,
            "--model": self.name,
            "--stable": str(stable),
            "--canary": str(canary),
            "--namespace": self.space.name,
            "--chart": str(SCRIPT.parents[1] / "helm" / "timonel"),
            "--values": str(given),
            "--interval": "2",
            "--deadline": "240",
            "--settle": "3",
            "--id": f"{self.name}-{uuid.uuid4().hex[:8]}",  # a release may be done again
            "--report": str(folder / "release.md"),
        }
        words = [sys.executable, str(SCRIPT), *(part for pair in flags.items() for part in pair)]
        for key in ("storageUri", "digest"):
            words += ["--canary-set", f"canary.{key}={source[key]}"]
        with self.space.forwarded(f"svc/{self.name}-monitor", 9400) as url:
            return subprocess.run(
                [*words, "--monitor", url],
                env=os.environ | {"TIMONEL_TOKEN": self.token()},
                capture_output=True,
                text=True,
                timeout=400,
                check=False,
            )


def store_secret(cluster: Cluster) -> dict[str, Any]:
    """How pods reach the packages."""
    meta = {"name": "store"}
    environment = cluster.store.environment
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": environment}


@contextmanager
def loaded(released: Released, threads: int = 2) -> Iterator[Load]:
    """A steady load through the gateway."""
    url = f"{released.cluster.gateway}/v1/models/{NAME}:predict"
    rows = released.model.built.rows(300)
    load = Load(url, rows, headers={"Host": released.host}, threads=threads, pause=0.02)
    with load.running():
        yield load
