"""PostgreSQL for MLflow, in subnets without a way out."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from timonel_infra.stage import Stage


class DatabaseStack(cdk.Stack):
    """Encrypted, TLS only, backed up; the cluster's nodes may connect, nobody else."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        stage: Stage,
        vpc: ec2.Vpc,
        key: kms.Key,
        cluster: eks.Cluster,
    ) -> None:
        super().__init__(scope, name)
        engine = rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_9)
        self.secret = secrets.Secret(
            self,
            "Login",
            encryption_key=key,
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template='{"username": "mlflow"}',  # noqa: S106 - the name, not the word
                generate_string_key="password",
                exclude_punctuation=True,  # it becomes a part of a URI
                password_length=40,
            ),
        )
        inside = ec2.SecurityGroup(self, "Group", vpc=vpc, allow_all_outbound=False)
        nodes = ec2.Peer.security_group_id(cluster.cluster_security_group_id)
        inside.add_ingress_rule(nodes, ec2.Port.tcp(5432), "MLflow")
        self.instance = self._instance(stage, vpc, key, engine, inside)
        cdk.CfnOutput(self, "Endpoint", value=self.instance.instance_endpoint.hostname)
        cdk.CfnOutput(self, "LoginSecret", value=self.secret.secret_name)

    def _instance(
        self,
        stage: Stage,
        vpc: ec2.Vpc,
        key: kms.Key,
        engine: rds.IInstanceEngine,
        inside: ec2.SecurityGroup,
    ) -> rds.DatabaseInstance:
        wanted = stage.database
        return rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            database_name="mlflow",
            credentials=rds.Credentials.from_secret(self.secret),
            instance_type=ec2.InstanceType(wanted.instance),
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            security_groups=[inside],
            allocated_storage=wanted.storage_gib,
            max_allocated_storage=wanted.most_storage_gib,
            storage_type=rds.StorageType.GP3,
            storage_encryption_key=key,
            multi_az=wanted.two_zones,
            backup_retention=cdk.Duration.days(wanted.backup_days),
            copy_tags_to_snapshot=True,
            deletion_protection=stage.keep,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            enable_performance_insights=True,
            performance_insight_encryption_key=key,
            monitoring_interval=cdk.Duration.minutes(1),
            parameter_group=self._strict(engine),
        )

    def _strict(self, engine: rds.IInstanceEngine) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            parameters={
                "rds.force_ssl": "1",
                "log_statement": "ddl",
                "log_min_duration_statement": "1000",
            },
        )
