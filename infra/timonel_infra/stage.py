"""What a stage is: the only thing in which dev and prod differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

STAGES = Path(__file__).resolve().parents[1] / "stages"
Bucket = Literal["ledger", "data", "artifacts"]


class Part(BaseModel):
    """A section of a stage: closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(Part):
    """The private network."""

    cidr: str
    zones: Annotated[tuple[str, ...], Field(min_length=2)]  # EKS and RDS want two at least
    nat_gateways: Annotated[int, Field(ge=1)]  # as many as zones: a zone's loss harms no other
    interface_endpoints: tuple[str, ...] = ()  # AWS services reached without the NAT gateway


class Nodes(Part):
    """A managed group of nodes."""

    name: str
    instances: Annotated[tuple[str, ...], Field(min_length=1)]
    least: Annotated[int, Field(ge=0)]
    most: Annotated[int, Field(ge=1)]
    disk_gib: Annotated[int, Field(ge=20)] = 50
    spot: bool = False
    taint: str | None = None  # `dedicated=VALUE:NoSchedule`; pods ask for it by a toleration


class Workload(Part):
    """A service account in the cluster, and the buckets it may use."""

    namespace: str
    account: str
    reads: tuple[Bucket, ...] = ()
    writes: tuple[Bucket, ...] = ()


class Cluster(Part):
    """The Kubernetes cluster."""

    version: str
    reachable_from: tuple[str, ...] = ()  # networks that may ask its API; none: from inside only
    administrators: tuple[str, ...] = ()  # ARNs of roles
    nodes: Annotated[tuple[Nodes, ...], Field(min_length=1)]
    workloads: tuple[Workload, ...] = ()


class Database(Part):
    """PostgreSQL for MLflow."""

    instance: str
    storage_gib: Annotated[int, Field(ge=20)]
    most_storage_gib: Annotated[int, Field(ge=21)]
    two_zones: bool
    backup_days: Annotated[int, Field(ge=1, le=35)]


class GitHub(Part):
    """Which workflows may deploy: those of one environment of one repository."""

    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    environment: Annotated[str, Field(pattern=r"^[\w-]+$")]
    provider_arn: str | None = None  # an account has one OIDC provider for GitHub: name it if there


class Retention(Part):
    """How long things are kept, in days."""

    old_versions: Annotated[int, Field(ge=1)]  # of objects; erasure is complete after them
    logs: Literal[30, 90, 180, 365]
    backups: Annotated[int, Field(ge=7)]


class Stage(Part):
    """A stage: one cluster, its stores, and who is told of costs and faults."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,7}$")]
    region: str
    keep: bool  # nothing that holds data is deleted with its stack, and deletion is refused
    network: Network
    cluster: Cluster
    database: Database
    github: GitHub
    retention: Retention
    budget_usd: Annotated[int, Field(ge=1)]  # a month
    tell: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]  # the address for alarms


def read_stage(name: str) -> Stage:
    """Return the stage in `stages/NAME.yaml`; an unknown key or a wrong value is an error."""
    return Stage.model_validate(yaml.safe_load((STAGES / f"{name}.yaml").read_text()))


def stage_names() -> list[str]:
    """Return the names of all stages."""
    return sorted(path.stem for path in STAGES.glob("*.yaml"))
