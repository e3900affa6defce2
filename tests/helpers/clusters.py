"""A Kubernetes cluster to test on: reached by kubectl and helm, as people reach it."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from pyarrow import fs

from packages import Built

CHART = Path(__file__).parents[2] / "helm" / "timonel"
BUCKET = "timonel-tests"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@dataclass(frozen=True)
class Store:
    """An object store that both this machine and the cluster's pods reach."""

    here: str
    there: str
    key: str
    secret: str

    def put(self, folder: Path, name: str) -> str:
        """Upload a folder; its address for pods."""
        files = self.bucket()
        for path in filter(Path.is_file, folder.rglob("*")):
            with files.open_output_stream(f"{BUCKET}/{name}/{path.relative_to(folder)}") as stream:
                stream.write(path.read_bytes())
        return f"s3://{BUCKET}/{name}"

    def bucket(self) -> fs.S3FileSystem:
        """Its files, with the tests' bucket among them."""
        files = fs.S3FileSystem(
            access_key=self.key,
            secret_key=self.secret,
            endpoint_override=self.here,
            region="us-east-1",
            allow_bucket_creation=True,
        )
        files.create_dir(BUCKET)
        return files

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which pods find it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.there,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }


@dataclass(frozen=True)
class Model:
    """Versions of one model, as training leaves them in the store."""

    built: Built
    uris: dict[str, tuple[str, str]]
    """The address and the digest of each version: 1 and 2 are equally good, 3 refuses a third of the rows."""

    def source(self, version: int) -> dict[str, str]:
        """A version as the chart's values have it."""
        uri, digest = self.uris[str(version)]
        return {"version": str(version), "storageUri": uri, "digest": digest}


@dataclass(frozen=True)
class Namespace:
    """A namespace of the cluster, made for a test."""

    name: str

    def kubectl(self, *words: str, given: str | None = None, check: bool = True) -> str:
        """What kubectl prints; fails with what it says."""
        return run("kubectl", "--namespace", self.name, *words, given=given, check=check)

    def helm(self, *words: str, check: bool = True) -> str:
        """The same of helm."""
        return run("helm", "--namespace", self.name, *words, check=check)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Create or change objects."""
        self.kubectl("apply", "-f", "-", given=yaml.safe_dump_all(objects))

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """An object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "-o", "json"))
        return found

    def names(self, kinds: str, selector: str = "") -> set[str]:
        """The names of objects, as kind/name."""
        chosen = ("-l", selector) if selector else ()
        return set(self.kubectl("get", kinds, *chosen, "-o", "name").split())

    def ready(self, name: str, seconds: int = 180) -> None:
        """Wait until an InferenceService is ready."""
        self.kubectl("wait", f"isvc/{name}", "--for=condition=Ready", f"--timeout={seconds}s")

    def install(self, release: str, values: dict[str, Any], *, wait: bool = True) -> str:
        """Install or upgrade a release of the chart; wait until it is ready."""
        words = ["upgrade", "--install", release, str(CHART), "--values", "-"]
        words += ["--wait", "--timeout", "240s"] if wait else []
        return run("helm", "--namespace", self.name, *words, given=yaml.safe_dump(values))

    def situation(self) -> str:
        """What a person would look at when something does not come up."""
        lines = [self.kubectl("get", "pods,isvc,httproute", "-o", "wide", check=False)]
        lines.append(self.kubectl("get", "events", "--sort-by=.lastTimestamp", check=False))
        for pod in self.names("pods"):
            lines.append(f"{pod}:")
            words = ("logs", pod, "--all-containers", "--prefix", "--tail=15")
            lines.append(self.kubectl(*words, check=False))
        return "\n".join(lines)

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[str]:
        """A port of a Service or pod on loopback: its address."""
        command = ["kubectl", "--namespace", self.name, "port-forward", target, f":{port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                said = process.stdout.readline()
                yield f"http://127.0.0.1:{said.split(' -> ')[0].rpartition(':')[2]}"
            finally:
                process.terminate()


@dataclass(frozen=True)
class Cluster:
    """The cluster of KUBECONFIG."""

    gateway: str
    """Where requests for all its hosts go."""
    store: Store
    tag: str
    """Of the images."""

    @contextmanager
    def namespace(self, name: str, labels: dict[str, str] | None = None) -> Iterator[Namespace]:
        """A new namespace, with restricted Pod Security; removed at the end."""
        made = {"name": name, "labels": RESTRICTED | (labels or {})}
        found = Namespace(name)
        run("kubectl", "delete", "namespace", name, "--ignore-not-found", "--timeout=120s")
        found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": made})
        try:
            yield found
        except BaseException:
            print(found.situation())  # noqa: T201  shown by pytest beside what failed
            raise
        finally:
            run("kubectl", "delete", "namespace", name, "--wait=false")

    @contextmanager
    def volume(self, namespace: Namespace, claim: str) -> Iterator[None]:
        """A volume for a claim, where the cluster makes none: a folder of this machine, its node."""
        if run("kubectl", "get", "storageclass", "-o", "name"):
            yield
            return
        node = run("kubectl", "get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
        name = f"{namespace.name}-{claim}"
        run("kubectl", "delete", "pv", name, "--ignore-not-found", "--timeout=120s")
        with tempfile.TemporaryDirectory() as folder:
            namespace.apply(_local_volume(name, folder, node, (namespace.name, claim)))
            try:
                yield
            finally:
                run("kubectl", "delete", "pv", name, "--wait=false")

    def ask(self, host: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request through the gateway."""
        method = "GET" if body is None else "POST"
        named = {"Host": host, **headers}
        return httpx.request(method, self.gateway + path, json=body, headers=named, timeout=30)


def _local_volume(name: str, folder: str, node: str, claim: tuple[str, str]) -> dict[str, Any]:
    there = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": claim[0], "name": claim[1]},
            "local": {"path": folder},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": there}]}},
        },
    }


def cluster_of(environment: dict[str, str]) -> Cluster:
    """As the variables of `make test-cluster` say."""
    store = Store(
        environment["CLUSTER_S3"],
        environment["CLUSTER_S3_INSIDE"],
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
    )
    return Cluster(environment["CLUSTER_GATEWAY"], store, environment.get("TAG", "0.1.0"))


def run(*command: str, given: str | None = None, check: bool = True) -> str:
    """What a command prints; fails with what it said."""
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=300, check=False
    )
    if check and done.returncode != 0:
        said = f"{' '.join(command)}\nended with {done.returncode}\n{done.stdout}{done.stderr}"
        raise AssertionError(said)
    return done.stdout + ("" if check else done.stderr)


def until(done: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait until it is true; what it was."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(1)
    return found


NAMED = ("KUBECONFIG", "CLUSTER_GATEWAY", "CLUSTER_S3", "CLUSTER_S3_INSIDE")


def missing() -> str | None:
    """Why no cluster can be tested."""
    lacking = [name for name in NAMED if not os.environ.get(name)]
    return f"needs a cluster: set {', '.join(lacking)}" if lacking else None
