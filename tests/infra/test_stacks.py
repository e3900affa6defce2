"""What must hold of the stacks whatever else changes: nothing public, nothing in the clear, no `*`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("aws_cdk", reason="make test-infra runs these in a venv of their own")
from aws_cdk.assertions import Match, Template

STAGES = ("dev", "prod")


def _stack(synthesised: Any, name: str) -> Template:
    return Template.from_json(synthesised.raw[name])


def _of(synthesised: Any, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack, template in synthesised.templates.items():
        for name, part in template["Resources"].items():
            if part["Type"] == kind:
                yield f"{stack}/{name}", part


@pytest.mark.parametrize("stage", STAGES)
def test_buckets_are_closed_versioned_and_encrypted(synthesised: Any, stage: str) -> None:
    """Four buckets; the three with data are encrypted by our key; none is public or unversioned."""
    storage = _stack(synthesised, f"{stage}/storage")
    storage.resource_count_is("AWS::S3::Bucket", 4)
    closed = {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    both = {
        "PublicAccessBlockConfiguration": closed,
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    storage.all_resources_properties("AWS::S3::Bucket", both)
    by_key = [{"ServerSideEncryptionByDefault": Match.object_like({"SSEAlgorithm": "aws:kms"})}]
    rules = {"ServerSideEncryptionConfiguration": [Match.object_like(by_key[0])]}
    encrypted = {"BucketEncryption": rules, "LifecycleConfiguration": Match.any_value()}
    storage.resource_properties_count_is("AWS::S3::Bucket", Match.object_like(encrypted), 3)
    storage.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})


def test_every_bucket_and_topic_refuses_plain_http(synthesised: Any) -> None:
    """Each policy of a bucket denies every request without TLS."""
    policies = list(_of(synthesised, "AWS::S3::BucketPolicy"))
    assert len(policies) == 8
    for name, policy in policies:
        denied = [
            statement
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
            and statement["Condition"].get("Bool") == {"aws:SecureTransport": "false"}
        ]
        assert denied, name
        assert denied[0]["Action"] == "s3:*", name


def test_no_role_may_do_everything_or_touch_everything(synthesised: Any) -> None:
    """No policy of a role allows `*`, and only the login to ECR is allowed on every resource."""
    for name, policy in _of(synthesised, "AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            actions = [actions] if isinstance(actions, str) else actions
            assert not [action for action in actions if action.endswith("*")], name
            if statement["Resource"] == "*":
                assert actions == ["ecr:GetAuthorizationToken"], name


def test_nobody_outside_is_trusted_but_one_repositorys_environment(synthesised: Any) -> None:
    """GitHub's role asks for the very repository and environment, by equality and not by pattern."""
    for stage in STAGES:
        roles = synthesised.templates[f"{stage}/rights"]["Resources"].values()
        web = [
            statement
            for role in roles
            if role["Type"] == "AWS::IAM::Role"
            for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
            if statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        ]
        assert len(web) == 1
        assert web[0]["Condition"] == {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:your-organisation/your-repository"
                f":environment:{stage}",
            }
        }


def test_github_is_a_group_in_the_cluster_and_no_administrator(synthesised: Any) -> None:
    """What the deployer may do there is Kubernetes' own RBAC; no policy of EKS is added to it."""
    for name, entry in _of(synthesised, "AWS::EKS::AccessEntry"):
        assert entry["Properties"]["KubernetesGroups"] == ["timonel:deployers"], name
        assert "AccessPolicies" not in entry["Properties"], name


def test_pods_get_the_buckets_that_the_stage_names(synthesised: Any) -> None:
    """The predictor reads artifacts and nothing else; it may write nothing."""
    rights = synthesised.templates["prod/rights"]["Resources"]
    policy = next(
        part for name, part in rights.items() if name.startswith("timonelpredictorDefault")
    )
    text = json.dumps(policy)
    assert "Artifacts" in text
    assert not any(word in text for word in ("Ledger", "Data6", "s3:Put", "s3:Delete"))


@pytest.mark.parametrize("stage", STAGES)
def test_the_database_is_private_encrypted_and_backed_up(synthesised: Any, stage: str) -> None:
    """No public address, our key, TLS by parameter, backups; prod stands in two zones and is kept."""
    database = _stack(synthesised, f"{stage}/database")
    kept = stage == "prod"
    database.has_resource_properties(
        "AWS::RDS::DBInstance",
        {
            "PubliclyAccessible": False,
            "StorageEncrypted": True,
            "KmsKeyId": Match.any_value(),
            "MultiAZ": kept,
            "DeletionProtection": kept,
            "BackupRetentionPeriod": 35 if kept else 7,
        },
    )
    forced = {"Parameters": Match.object_like({"rds.force_ssl": "1"})}
    database.has_resource_properties("AWS::RDS::DBParameterGroup", forced)
    rule = Match.object_like({"SourceSecurityGroupId": Match.any_value(), "CidrIp": Match.absent()})
    one = {"SecurityGroupIngress": [rule]}  # the nodes' group, no range of addresses
    database.has_resource_properties("AWS::EC2::SecurityGroup", one)


@pytest.mark.parametrize("stage", STAGES)
def test_the_cluster_is_encrypted_logged_and_closed(synthesised: Any, stage: str) -> None:
    """Secrets by our key, all five logs, prod's API from inside only, dev's never from everywhere."""
    properties = next(
        part["Properties"]
        for name, part in _of(synthesised, "AWS::EKS::Cluster")
        if name.startswith(stage)
    )
    assert properties["EncryptionConfig"][0]["Resources"] == ["secrets"]
    assert len(properties["Logging"]["ClusterLogging"]["EnabledTypes"]) == 5
    reach = properties["ResourcesVpcConfig"]
    assert reach["EndpointPublicAccess"] is (stage == "dev")
    assert "0.0.0.0/0" not in reach.get("PublicAccessCidrs", [])
    for name, template in _of(synthesised, "AWS::EC2::LaunchTemplate"):
        data = template["Properties"]["LaunchTemplateData"]
        assert data["MetadataOptions"] == {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 1,
        }, name
        assert all(disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"]), name


def test_nothing_is_open_to_the_world(synthesised: Any) -> None:
    """No security group lets in every address."""
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"):
        for name, part in _of(synthesised, kind):
            rules = part["Properties"].get("SecurityGroupIngress", [part["Properties"]])
            assert not [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0"], name


def test_images_are_scanned_and_their_tags_fixed(synthesised: Any) -> None:
    """Each of the five repositories of a stage scans on push and refuses to move a tag."""
    registry = _stack(synthesised, "prod/registry")
    registry.resource_count_is("AWS::ECR::Repository", 5)
    registry.all_resources_properties(
        "AWS::ECR::Repository",
        {
            "ImageScanningConfiguration": {"ScanOnPush": True},
            "ImageTagMutability": "IMMUTABLE",
            "EncryptionConfiguration": Match.object_like({"EncryptionType": "KMS"}),
        },
    )


@pytest.mark.parametrize("stage", STAGES)
def test_somebody_is_told_before_it_costs(synthesised: Any, stage: str) -> None:
    """A budget with three limits, a watch on anomalies, and backups of database and buckets."""
    guard = _stack(synthesised, f"{stage}/guard")
    budget = next(part for name, part in _of(synthesised, "AWS::Budgets::Budget") if stage in name)
    assert len(budget["Properties"]["NotificationsWithSubscribers"]) == 3
    guard.resource_count_is("AWS::CE::AnomalySubscription", 1)
    chosen = next(
        part for name, part in _of(synthesised, "AWS::Backup::BackupSelection") if stage in name
    )
    assert len(chosen["Properties"]["BackupSelection"]["Resources"]) == 4


def test_the_budget_sees_the_machines(synthesised: Any) -> None:
    """Nodes and their disks bear the tag that budget and anomaly watch count by."""
    for name, template in _of(synthesised, "AWS::EC2::LaunchTemplate"):
        wanted = [{"Key": "timonel-stage", "Value": name.partition("/")[0]}]
        given = template["Properties"]["LaunchTemplateData"]["TagSpecifications"]
        assert [(one["ResourceType"], one["Tags"]) for one in given] == [
            ("instance", wanted),
            ("volume", wanted),
        ], name


def test_prods_data_outlives_its_stack(synthesised: Any) -> None:
    """Deleting a stack of prod leaves key, buckets, images, backups, and a snapshot of the database."""
    kinds = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Backup::BackupVault")
    for kind in kinds:
        for name, part in _of(synthesised, kind):
            wanted = "Retain" if name.startswith("prod") else "Delete"
            assert part["DeletionPolicy"] == wanted, name
    for name, part in _of(synthesised, "AWS::RDS::DBInstance"):
        assert part["DeletionPolicy"] == "Snapshot", name
