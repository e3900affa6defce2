"""Who may do what on AWS: pods by service account, GitHub's workflows by repository and environment."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from timonel_infra.stacks.cluster import pod_role
from timonel_infra.stacks.storage import StorageStack
from timonel_infra.stage import Bucket, Stage, Workload

ISSUER = "token.actions.githubusercontent.com"
DEPLOYERS = "timonel:deployers"  # bound to its namespace in manifests/platform/timonel
READ = ("s3:GetObject",)
# a Delta table is read, appended to, and vacuumed; no version of an object may be deleted
WRITE = (*READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


class RightsStack(cdk.Stack):
    """Roles that name the buckets and repositories they are for, and nothing else."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        stage: Stage,
        cluster: eks.Cluster,
        storage: StorageStack,
        repositories: Sequence[ecr.Repository],
    ) -> None:
        super().__init__(scope, name)
        for workload in stage.cluster.workloads:
            self._pods(workload, cluster, storage)
        self.deployer = iam.Role(
            self,
            "Deployer",
            assumed_by=self._workflows(stage),
            max_session_duration=cdk.Duration.hours(6),  # as long as a job on GitHub may take
        )
        for repository in repositories:
            repository.grant_pull_push(self.deployer)
        self._may_deploy(cluster)
        cdk.CfnOutput(self, "DeployerRole", value=self.deployer.role_arn)

    def _pods(self, workload: Workload, cluster: eks.Cluster, storage: StorageStack) -> None:
        who = f"{workload.namespace}-{workload.account}"
        role = pod_role(self, who)
        for purpose in workload.reads:
            _allow(role, storage, purpose, READ, "kms:Decrypt")
        for purpose in workload.writes:
            _allow(role, storage, purpose, WRITE, "kms:Decrypt", "kms:GenerateDataKey")
        eks.CfnPodIdentityAssociation(
            self,
            f"{who}-identity",
            cluster_name=cluster.cluster_name,
            namespace=workload.namespace,
            service_account=workload.account,
            role_arn=role.role_arn,
        )

    def _workflows(self, stage: Stage) -> iam.WebIdentityPrincipal:
        """GitHub signs the repository and the environment into the token's subject."""
        hub = stage.github
        subject = f"repo:{hub.repository}:environment:{hub.environment}"
        return iam.WebIdentityPrincipal(
            hub.provider_arn or self._provider(),
            conditions={
                "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
            },
        )

    def _provider(self) -> str:
        provider = iam.CfnOIDCProvider(
            self, "GitHub", url=f"https://{ISSUER}", client_id_list=["sts.amazonaws.com"]
        )
        return provider.attr_arn

    def _may_deploy(self, cluster: eks.Cluster) -> None:
        """AWS's policies of access know no custom resources: rights are Kubernetes' own, by the group."""
        self.deployer.add_to_policy(
            iam.PolicyStatement(actions=["eks:DescribeCluster"], resources=[cluster.cluster_arn])
        )
        eks.CfnAccessEntry(
            self,
            "DeployerEntry",
            cluster_name=cluster.cluster_name,
            principal_arn=self.deployer.role_arn,
            kubernetes_groups=[DEPLOYERS],
        )


def _allow(
    role: iam.Role, storage: StorageStack, purpose: Bucket, objects: Sequence[str], *keys: str
) -> None:
    bucket = storage.buckets[purpose]
    for actions, resource in [
        (["s3:ListBucket", "s3:GetBucketLocation"], bucket.bucket_arn),
        (list(objects), bucket.arn_for_objects("*")),
        (list(keys), storage.key.key_arn),
    ]:
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
