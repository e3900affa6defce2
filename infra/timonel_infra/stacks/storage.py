"""Buckets for ledger, data versions and MLflow's artifacts, and the key of everything at rest."""

from __future__ import annotations

from typing import Any, get_args

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from timonel_infra.stage import Bucket, Stage


class StorageStack(cdk.Stack):
    """Versioned, encrypted by our key, TLS only, closed to the public, logged; old versions expire."""

    def __init__(self, scope: Construct, name: str, stage: Stage) -> None:
        super().__init__(scope, name)
        self._stage = stage
        self._removal = cdk.RemovalPolicy.RETAIN if stage.keep else cdk.RemovalPolicy.DESTROY
        self.key = kms.Key(
            self,
            "Key",
            enable_key_rotation=True,
            removal_policy=self._removal,
            alias=f"timonel-{stage.name}",
        )
        self._open_key_to_services()
        self.log = self._access_log()
        self.buckets: dict[Bucket, s3.Bucket] = {
            purpose: self._bucket(purpose) for purpose in get_args(Bucket)
        }

    def _open_key_to_services(self) -> None:
        """Alarms and budgets publish to an encrypted topic, flow logs are encrypted."""
        own = {"StringEquals": {"aws:SourceAccount": self.account}}
        alarms = ["budgets.amazonaws.com", "cloudwatch.amazonaws.com", "costalerts.amazonaws.com"]
        self._open_key(alarms, ["kms:Decrypt", "kms:GenerateDataKey*"], own)
        group = f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:*"
        use = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:Describe*"]
        within = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group}}
        self._open_key([f"logs.{self.region}.amazonaws.com"], use, within)

    def _open_key(
        self, services: list[str], actions: list[str], conditions: dict[str, dict[str, str]]
    ) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service) for service in services],
                actions=actions,
                resources=["*"],  # in a key's own policy: this key
                conditions=conditions,
            )
        )

    def _access_log(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "AccessLog",
            encryption=s3.BucketEncryption.S3_MANAGED,  # S3 delivers access logs to no other
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(self._stage.retention.logs),
                    noncurrent_version_expiration=cdk.Duration.days(1),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                )
            ],
            **self._closed(),
        )

    def _bucket(self, purpose: Bucket) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            purpose.capitalize(),
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            versioned=True,
            lifecycle_rules=[self._lifecycle(purpose)],
            server_access_logs_bucket=self.log,
            server_access_logs_prefix=f"{purpose}/",
            **self._closed(),
        )
        cdk.CfnOutput(self, f"{purpose.capitalize()}Bucket", value=bucket.bucket_name)
        return bucket

    def _lifecycle(self, purpose: Bucket) -> s3.LifecycleRule:
        """Old versions expire: what `timonel ledger erase` erases is then gone from here too."""
        cold = s3.Transition(
            storage_class=s3.StorageClass.INTELLIGENT_TIERING,
            transition_after=cdk.Duration.days(30),
        )
        return s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=cdk.Duration.days(3),
            noncurrent_version_expiration=cdk.Duration.days(self._stage.retention.old_versions),
            transitions=[] if purpose == "artifacts" else [cold],
        )

    def _closed(self) -> dict[str, Any]:
        return {
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            "enforce_ssl": True,
            "minimum_tls_version": 1.2,
            "removal_policy": self._removal,
        }
