"""Backups, a budget, and alarms: somebody is told before it costs or is lost."""

from __future__ import annotations

from collections.abc import Iterable

import aws_cdk as cdk
from aws_cdk import aws_backup as backup
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as costs
from aws_cdk import aws_cloudwatch as watch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as mail
from constructs import Construct

from timonel_infra.stage import Stage


class GuardStack(cdk.Stack):
    """One topic for all alarms; daily backups in a vault of their own."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        stage: Stage,
        key: kms.Key,
        database: rds.DatabaseInstance,
        buckets: Iterable[s3.Bucket],
    ) -> None:
        super().__init__(scope, name)
        self.topic = self._topic(stage, key)
        self._backups(stage, key, database, buckets)
        self._budget(stage)
        self._anomalies(stage)
        self._database_alarms(stage, database)

    def _topic(self, stage: Stage, key: kms.Key) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", master_key=key, enforce_ssl=True)
        topic.add_subscription(mail.EmailSubscription(stage.tell))
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[
                    iam.ServicePrincipal(f"{service}.amazonaws.com")
                    for service in ("budgets", "cloudwatch", "costalerts")
                ],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return topic

    def _backups(
        self,
        stage: Stage,
        key: kms.Key,
        database: rds.DatabaseInstance,
        buckets: Iterable[s3.Bucket],
    ) -> None:
        vault = backup.BackupVault(
            self,
            "Vault",
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.RETAIN if stage.keep else cdk.RemovalPolicy.DESTROY,
            block_recovery_point_deletion=stage.keep,
        )
        plan = backup.BackupPlan(self, "Daily", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                schedule_expression=events.Schedule.cron(hour="3", minute="0"),
                delete_after=cdk.Duration.days(stage.retention.backups),
            )
        )
        kept = [backup.BackupResource.from_rds_database_instance(database)]
        kept += [backup.BackupResource.from_arn(bucket.bucket_arn) for bucket in buckets]
        plan.add_selection("Kept", resources=kept, role=self._backup_role())

    def _backup_role(self) -> iam.Role:
        policies = [
            "service-role/AWSBackupServiceRolePolicyForBackup",
            "service-role/AWSBackupServiceRolePolicyForRestores",
            "AWSBackupServiceRolePolicyForS3Backup",
            "AWSBackupServiceRolePolicyForS3Restore",
        ]
        named = iam.ManagedPolicy.from_aws_managed_policy_name
        return iam.Role(
            self,
            "BackupRole",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[named(policy) for policy in policies],
        )

    def _budget(self, stage: Stage) -> None:
        told = [
            budgets.CfnBudget.SubscriberProperty(
                address=self.topic.topic_arn, subscription_type="SNS"
            )
        ]
        limits = [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=stage.budget_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:timonel-stage${stage.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=told,
                )
                for kind, percent in limits
            ],
        )

    def _anomalies(self, stage: Stage) -> None:
        monitor = costs.CfnAnomalyMonitor(
            self,
            "Costs",
            monitor_name=f"timonel-{stage.name}",
            monitor_type="CUSTOM",
            monitor_specification=self.to_json_string(
                {"Tags": {"Key": "timonel-stage", "Values": [stage.name]}}
            ),
        )
        costs.CfnAnomalySubscription(
            self,
            "CostsTold",
            subscription_name=f"timonel-{stage.name}",
            frequency="IMMEDIATE",
            monitor_arn_list=[monitor.attr_monitor_arn],
            subscribers=[
                costs.CfnAnomalySubscription.SubscriberProperty(
                    address=self.topic.topic_arn, type="SNS"
                )
            ],
            threshold_expression=self.to_json_string(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [str(max(20, stage.budget_usd // 20))],
                    }
                }
            ),
        )

    def _database_alarms(self, stage: Stage, database: rds.DatabaseInstance) -> None:
        gib = 1024**3
        room = database.metric_free_storage_space().create_alarm(
            self,
            "DatabaseFull",
            threshold=stage.database.storage_gib * gib / 10,
            evaluation_periods=3,
            comparison_operator=watch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        busy = database.metric_cpu_utilization().create_alarm(
            self, "DatabaseBusy", threshold=90, evaluation_periods=6
        )
        for alarm in (room, busy):
            alarm.add_alarm_action(actions.SnsAction(self.topic))
