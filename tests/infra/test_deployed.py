"""The stacks that hold data, created by CloudFormation on a moto server over HTTP.

moto creates keys with rotation, buckets with encryption, repositories, exports and imports. It ignores bucket
policies, versioning, lifecycle and scanning in a template: those are asserted on it (test_stacks.py).
"""

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
        body = _without_tags_of_keys(synthesised.raw[f"dev/{name}"])
        stack = f"timonel-dev-{name}"
        formation.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        described = formation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"] == "CREATE_COMPLETE"
        found |= {out["OutputKey"]: out["OutputValue"] for out in described["Outputs"]}
    return found


def _without_tags_of_keys(template: dict[str, Any]) -> str:
    """moto 5.2 reads the tags of a key in CloudFormation as KMS's own API writes them, and fails."""
    copy = json.loads(json.dumps(template))
    for part in copy["Resources"].values():
        if part["Type"] == "AWS::KMS::Key":
            del part["Properties"]["Tags"]
    return json.dumps(copy)


def test_buckets_are_encrypted_by_the_stacks_key(client: Any, outputs: dict[str, str]) -> None:
    """What is written to a bucket is encrypted by the key of the stack, which rotates."""
    s3 = client("s3")
    for bucket in (outputs["LedgerBucket"], outputs["DataBucket"], outputs["ArtifactsBucket"]):
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
            "Rules"
        ]
        key = rules[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        assert client("kms").get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
        s3.put_object(Bucket=bucket, Key="_delta_log/0.json", Body=b"{}")
        assert s3.get_object(Bucket=bucket, Key="_delta_log/0.json")["Body"].read() == b"{}"


def test_repositories_stand_on_the_other_stacks_key(client: Any, outputs: dict[str, str]) -> None:
    """Five repositories, named by stage and image, in a stack that imports what storage exports."""
    found = client("ecr").describe_repositories()["repositories"]
    images = ("component", "detector", "monitor", "predictor", "release")
    names = sorted(one["repositoryName"] for one in found)
    assert names == [f"timonel/dev/{image}" for image in images]
    exported = [one["Name"] for one in client("cloudformation").list_exports()["Exports"]]
    assert any("Key" in name for name in exported)
    assert outputs["PredictorUri"].endswith("timonel/dev/predictor")


def test_stacks_go_in_the_other_order(client: Any, outputs: dict[str, str]) -> None:
    """dev can be deleted again: the importing stack first, then the exporting one when it is empty."""
    for output, bucket in outputs.items():
        if output.endswith("Bucket"):
            client("s3").delete_object(Bucket=bucket, Key="_delta_log/0.json")
    formation = client("cloudformation")
    for name in ("registry", "storage"):
        formation.delete_stack(StackName=f"timonel-dev-{name}")
    assert formation.list_exports()["Exports"] == []
    assert client("ecr").describe_repositories()["repositories"] == []
