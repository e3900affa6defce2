"""The stacks that hold data, created by CloudFormation on a moto server over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("aws_cdk", reason="make test-infra runs these in a venv of their own")
import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION)
    yield lambda service: session.client(service, endpoint_url=f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="module")
def outputs(client: Any, synthesised: Any) -> dict[str, str]:
    """Deploys key and buckets, then the repositories, which import the key; outputs of both."""
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String")
    formation = client("cloudformation")
    found: dict[str, str] = {}
    for name in ("storage", "registry"):
        body = json.dumps(synthesised.raw[f"dev/{name}"])
        stack = f"timonel-dev-{name}"
        formation.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        described = formation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE"
        found |= {out["OutputKey"]: out["OutputValue"] for out in described["Outputs"]}
    return found


def test_buckets_hold_versions_encrypted_by_the_stacks_key(
    client: Any, outputs: dict[str, str]
) -> None:
    """An object written twice has two versions; the bucket encrypts by a key that rotates."""
    s3 = client("s3")
    bucket = outputs["LedgerBucket"]
    for body in (b"one", b"two"):
        s3.put_object(Bucket=bucket, Key="_delta_log/0.json", Body=body)
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    key = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
    assert client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_buckets_expire_old_versions_and_are_closed(client: Any, outputs: dict[str, str]) -> None:
    """What is erased is gone after the stage's days; public access is blocked in all four ways."""
    s3 = client("s3")
    for bucket in (outputs["LedgerBucket"], outputs["DataBucket"], outputs["ArtifactsBucket"]):
        rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert all(block.values())
        policy = s3.get_bucket_policy(Bucket=bucket)["Policy"]
        assert "aws:SecureTransport" in policy


def test_repositories_are_there_for_each_image(client: Any, outputs: dict[str, str]) -> None:
    """Five repositories, named by stage and image, scanning on push."""
    found = client("ecr").describe_repositories()["repositories"]
    names = sorted(one["repositoryName"] for one in found)
    images = ("components", "detector", "explainer", "monitor", "predictor")
    assert names == [f"timonel/dev/{image}" for image in images]
    assert all(one["imageScanningConfiguration"]["scanOnPush"] for one in found)
    assert outputs["PredictorUri"].endswith("timonel/dev/predictor")
