"""What runs by itself: a training in a pod, compaction on a schedule, and a retraining that is not due."""

import base64
import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
import yaml
from pyarrow import parquet

from argo_objects import BASE, applied, ended, printed, submitted
from clusters import BUCKET, Cluster, Namespace, until
from projects import EXAMPLE
from served import DAY
from timonel.ledger import Ledger, Place
from turned import DAYS, FAST, SERVED, table

pytestmark = pytest.mark.timeout(600)  # a training in a pod, and a minute until the schedule's turn
SPACE, NAME = "timonel-crons", "accidents"
WRITES = 3
"""Commits of rows of all days: each day has so many files."""
SERVE = f"""
import os, sys
from datetime import timedelta
from pathlib import Path
import pyarrow.parquet as parquet
from timonel.config import load_config
from timonel.contract import FeatureReader
from timonel.ledger import Ledger, Place
from timonel_components.learning.scoring import probabilities
from timonel_components.learning.skops_io import load_model
from timonel_components.registry import resolve
config = load_config(Path("/etc/timonel/timonel.yaml"))
number, package = resolve(config, "champion")
rows = parquet.read_table("/etc/timonel/served.parquet")
batch = FeatureReader(package.contract).from_table(rows)
score = probabilities(load_model(package.path / "model.skops"), batch, package.contract)[:, 1]
times = rows["occurred_at"].to_pylist()
said = {{
    "prediction_id": [f"p{{i}}" for i in range(rows.num_rows)],
    "event_time": times,
    "arrival_time": times,
    "model": [config.model.name] * rows.num_rows,
    "version": [str(number)] * rows.num_rows,
    "score": score.tolist(),
    "prediction": [str(int(s >= package.manifest.threshold)) for s in score],
    **{{c.name: rows[c.name].to_pylist() for c in package.contract.features}},
}}
told = {{
    "prediction_id": said["prediction_id"],
    "label": [str(v) for v in rows["severe"].to_pylist()],
    "event_time": times,
    "arrival_time": [t + timedelta(days=1) for t in times],
}}
ledger = Ledger(Place.of(config.ledger, os.environ))
for part in range({WRITES}):
    for name, columns in (("predictions", said), ("labels", told)):
        ledger.append(name, {{k: v[part::{WRITES}] for k, v in columns.items()}})
"""


@dataclass(frozen=True)
class Site:
    """A trained model in a namespace, and its ledger on the object store."""

    space: Namespace
    ledger: Ledger

    def files(self) -> dict[str, int]:
        """Of each table that has rows."""
        kinds = ("predictions", "labels")
        return {name: len(self.ledger.rows(name).files) for name in kinds}

    def counted(self) -> list[dict[str, Any]]:
        """What compaction must not change."""
        asked = "SELECT count(*) n, round(sum(score), 6) s, count(DISTINCT prediction_id) d"
        found: list[dict[str, Any]] = self.ledger.query(f"{asked} FROM predictions").to_pylist()
        return found


@pytest.fixture(scope="module")
def site(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The schedules' templates, a champion that `timonel-train` made, and two months that it served."""
    uri = f"s3://{BUCKET}/{uuid.uuid4().hex}/ledger"
    here = cluster.store.environment | {"AWS_ENDPOINT_URL": cluster.store.here}
    folder, claim = tmp_path_factory.mktemp("overlay"), f"{NAME}-training"
    cluster.store.bucket()
    with cluster.namespace(SPACE) as space, cluster.volume(space, claim):
        space.apply(*_objects(cluster, uri, claim))
        with applied(space, NAME, folder):
            submitted(space, "train", {"workflowTemplateRef": {"name": f"{NAME}-timonel-train"}})
            assert ended(space, "train") == "Succeeded", printed(space, "train")
            space.apply(_serving())
            space.kubectl(
                "wait", "pod/served", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=120s"
            )
            yield Site(space, Ledger(Place.of(uri, here)))


def test_a_training_in_a_pod_registers_a_version(site: Site) -> None:
    """`timonel-train` without Kubeflow: all steps in one restricted pod, a version at the end."""
    assert "version 1 is registered" in printed(site.space, "train")


def test_the_ledger_is_compacted_when_the_schedule_says_so(site: Site) -> None:
    """The cron itself starts it; fewer files, and the same rows."""
    before, rows = site.files(), site.counted()
    assert min(before.values()) >= WRITES * DAYS
    cron = f"{NAME}-timonel-compact"
    _schedule(site, cron, "* * * * *", rest=False)
    chosen = f"workflows.argoproj.io/cron-workflow={cron}"
    name = until(lambda: next(iter(site.space.names("workflows", chosen)), None), 120, "its turn")
    _schedule(site, cron, "47 2 * * *", rest=True)
    name = name.partition("/")[2]
    assert ended(site.space, name) == "Succeeded", printed(site.space, name)
    after = site.files()
    assert all(after[table] < before[table] for table in before), (before, after)
    assert site.counted() == rows
    assert f"predictions: files {before['predictions']:,} -> {after['predictions']:,}" in printed(
        site.space, name
    )


def test_a_retraining_that_is_not_due_is_decided_and_recorded(site: Site) -> None:
    """Nothing changed in the log: the schedule's workflow succeeds, trains nothing, and says why."""
    cron = site.space.get("cronworkflow", f"{NAME}-timonel-retrain")
    submitted(site.space, "retrain", cron["spec"]["workflowSpec"])
    assert ended(site.space, "retrain") == "Succeeded", printed(site.space, "retrain")
    said = printed(site.space, "retrain")
    assert "nothing asks for a retraining" in said, said
    steps = [
        json.loads(r.details).get("step") for r in site.ledger.decisions() if r.kind == "retraining"
    ]
    assert steps == ["decided"]
    assert site.ledger.verify().whole


def _schedule(site: Site, cron: str, when: str, *, rest: bool) -> None:
    patch = json.dumps({"spec": {"schedules": [when], "suspend": rest}})
    site.space.kubectl("patch", "cronworkflow", cron, "--type", "merge", "-p", patch)


def _objects(cluster: Cluster, uri: str, claim: str) -> list[dict[str, Any]]:
    """What docs/how-to/argo.md asks for, and the rows: those to train on, and those served."""
    settings = yaml.safe_load((EXAMPLE / "timonel.yaml").read_text())
    settings["data"] |= {"label_delay": "1d", "time_order": "sort"}
    settings["train"] = FAST
    settings["evaluation"] = {"bootstrap": 50, "gates": [{"metric": "roc_auc", "at_least": 0.1}]}
    settings["storage"] = {"directory": "/var/lib/timonel/files", "ledger": uri}
    rows = {"data": table(SERVED - DAYS * DAY, 0), "served": table(SERVED, 1)}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": claim},
            "data": {"timonel.yaml": yaml.safe_dump(settings)},
            "binaryData": {f"{name}.parquet": _packed(held) for name, held in rows.items()},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": claim},
            "stringData": cluster.store.environment,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        },
    ]


def _packed(rows: pa.Table) -> str:
    stream = io.BytesIO()
    parquet.write_table(rows, stream)
    return base64.b64encode(stream.getvalue()).decode()


def _serving() -> dict[str, Any]:
    """A pod as the template's, which scores rows by the champion and writes them in many small commits."""
    text = (BASE / "train.yaml").read_text()
    text = text.replace("{{workflow.parameters.image}}", "timonel/component:0.1.0")
    for name in ("settings", "workspace", "environment"):
        text = text.replace(f"{{{{workflow.parameters.{name}}}}}", f"{NAME}-training")
    spec = yaml.safe_load(text)["spec"]
    container = next(one["container"] for one in spec["templates"] if "container" in one)
    container |= {"name": "main", "command": ["python", "-c", SERVE], "args": []}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "served"},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": spec["securityContext"],
            "volumes": spec["volumes"],
            "containers": [container],
        },
    }
