"""A stage's stacks, and the app of all stages."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from timonel_infra.stacks.cluster import ClusterStack
from timonel_infra.stacks.database import DatabaseStack
from timonel_infra.stacks.guard import GuardStack
from timonel_infra.stacks.network import NetworkStack
from timonel_infra.stacks.registry import RegistryStack
from timonel_infra.stacks.rights import RightsStack
from timonel_infra.stacks.storage import StorageStack
from timonel_infra.stage import Stage, read_stage, stage_names


class Timonel(cdk.Stage):
    """Everything of one stage; `timonel-dev/*` deploys it, one stack after the other."""

    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, f"timonel-{stage.name}", env=cdk.Environment(region=stage.region))
        storage = StorageStack(self, "storage", stage)
        network = NetworkStack(self, "network", stage, storage.key)
        registry = RegistryStack(self, "registry", stage, storage.key)
        cluster = ClusterStack(self, "cluster", stage, network.vpc, storage.key)
        database = DatabaseStack(self, "database", stage, network.vpc, storage.key, cluster.cluster)
        RightsStack(self, "rights", stage, cluster.cluster, storage, registry.repositories)
        GuardStack(self, "guard", stage, storage.key, database.instance, storage.buckets.values())
        cdk.Tags.of(self).add("timonel-stage", stage.name)


def build(*names: str, outdir: str | None = None) -> cdk.App:
    """Return the app with the stages named, or all; its flags are those of `cdk.json`."""
    flags = json.loads((Path(__file__).parents[1] / "cdk.json").read_text())["context"]
    app = cdk.App(context=flags, outdir=outdir, analytics_reporting=False)
    for name in names or stage_names():
        Timonel(app, read_stage(name))
    return app
