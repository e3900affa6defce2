"""A repository for each image: scanned when pushed, tags that nobody can move."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from timonel_infra.stage import Stage

IMAGES = ("component", "predictor", "detector", "monitor", "release")


class RegistryStack(cdk.Stack):
    """`timonel/STAGE/IMAGE`; images without a tag go after two weeks."""

    def __init__(self, scope: Construct, name: str, stage: Stage, key: kms.Key) -> None:
        super().__init__(scope, name)
        self.repositories = [self._repository(image, stage, key) for image in IMAGES]

    def _repository(self, image: str, stage: Stage, key: kms.Key) -> ecr.Repository:
        repository = ecr.Repository(
            self,
            image.capitalize(),
            repository_name=f"timonel/{stage.name}/{image}",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            removal_policy=cdk.RemovalPolicy.RETAIN if stage.keep else cdk.RemovalPolicy.DESTROY,
        )
        repository.add_lifecycle_rule(
            tag_status=ecr.TagStatus.UNTAGGED, max_image_age=cdk.Duration.days(14)
        )
        cdk.CfnOutput(self, f"{image.capitalize()}Uri", value=repository.repository_uri)
        return repository
