"""The private network: nodes have no public address, the database no way out."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from timonel_infra.stage import Stage

_RETENTION = {
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


class NetworkStack(cdk.Stack):
    """A VPC in named zones: public subnets for load balancers, private for nodes, isolated for data."""

    def __init__(self, scope: Construct, name: str, stage: Stage, key: kms.Key) -> None:
        super().__init__(scope, name)
        wanted = stage.network
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(wanted.cidr),
            availability_zones=list(wanted.zones),
            nat_gateways=wanted.nat_gateways,
            restrict_default_security_group=False,  # it would bring a Lambda; nothing uses the group
            subnet_configuration=_subnets(),
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        self._log_flows(stage, key)
        for service in wanted.interface_endpoints:
            self._reach(service, wanted.cidr)

    def _log_flows(self, stage: Stage, key: kms.Key) -> None:
        group = logs.LogGroup(
            self,
            "Flows",
            encryption_key=key,
            retention=_RETENTION[stage.retention.logs],
            removal_policy=cdk.RemovalPolicy.RETAIN if stage.keep else cdk.RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log(
            "FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group)
        )

    def _reach(self, service: str, cidr: str) -> None:
        endpoint = self.vpc.add_interface_endpoint(
            service.replace(".", "-"),
            service=ec2.InterfaceVpcEndpointAwsService(service),
            open=False,
        )
        endpoint.connections.allow_default_port_from(ec2.Peer.ipv4(cidr))


def _subnets() -> list[ec2.SubnetConfiguration]:
    kinds = [
        ("public", ec2.SubnetType.PUBLIC, 24),
        ("nodes", ec2.SubnetType.PRIVATE_WITH_EGRESS, 20),
        ("data", ec2.SubnetType.PRIVATE_ISOLATED, 24),
    ]
    return [
        ec2.SubnetConfiguration(
            name=name,
            subnet_type=kind,
            cidr_mask=mask,
            map_public_ip_on_launch=False if kind == ec2.SubnetType.PUBLIC else None,
        )
        for name, kind, mask in kinds
    ]
