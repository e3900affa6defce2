"""Kubernetes: managed node groups, and AWS rights by service account (Pod Identity)."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from timonel_infra.stage import Nodes, Stage

# versions are EKS's default for the cluster's version; the network add-on enforces NetworkPolicies
ADDONS: dict[str, str | None] = {
    "eks-pod-identity-agent": None,
    "vpc-cni": '{"enableNetworkPolicy": "true"}',
    "kube-proxy": None,
    "coredns": None,
    "metrics-server": None,
}


class ClusterStack(cdk.Stack):
    """An EKS cluster whose platform is installed by `make platform`, as on any other cluster."""

    def __init__(
        self, scope: Construct, name: str, stage: Stage, vpc: ec2.Vpc, key: kms.Key
    ) -> None:
        super().__init__(scope, name)
        wanted = stage.cluster
        self.cluster = eks.Cluster(
            self,
            "Cluster",
            cluster_name=f"timonel-{stage.name}",
            version=eks.KubernetesVersion.of(wanted.version),
            default_capacity_type=eks.DefaultCapacityType.NODEGROUP,
            default_capacity=0,
            bootstrap_cluster_creator_admin_permissions=False,
            bootstrap_self_managed_addons=False,
            cluster_logging=list(eks.ClusterLoggingTypes),
            endpoint_access=_endpoint(wanted.reachable_from),
            secrets_encryption_key=key,
            vpc=vpc,
            vpc_subnets=[ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)],
        )
        self._add_ons()
        for nodes in wanted.nodes:
            self._nodes(nodes, stage)
        for number, role in enumerate(wanted.administrators):
            self.cluster.grant_access(f"Administrator{number}", role, [_POLICY_ADMIN])

    def _add_ons(self) -> None:
        for addon, settings in ADDONS.items():
            self._addon(addon, configuration_values=settings)
        role = pod_role(self, "Volumes")
        role.add_managed_policy(
            iam.ManagedPolicy.from_aws_managed_policy_name("service-role/AmazonEBSCSIDriverPolicy")
        )
        identity = eks.CfnAddon.PodIdentityAssociationProperty(
            role_arn=role.role_arn, service_account="ebs-csi-controller-sa"
        )
        self._addon("aws-ebs-csi-driver", pod_identity_associations=[identity])

    def _addon(self, addon: str, **more: Any) -> None:
        eks.CfnAddon(
            self,
            f"Addon-{addon}",
            cluster_name=self.cluster.cluster_name,
            addon_name=addon,
            resolve_conflicts="OVERWRITE",
            **more,
        )

    def _nodes(self, nodes: Nodes, stage: Stage) -> None:
        template = self._template(nodes, stage)
        self.cluster.add_nodegroup_capacity(
            nodes.name.capitalize(),
            nodegroup_name=nodes.name,
            ami_type=eks.NodegroupAmiType.BOTTLEROCKET_ARM_64,
            capacity_type=eks.CapacityType.SPOT if nodes.spot else eks.CapacityType.ON_DEMAND,
            instance_types=[ec2.InstanceType(kind) for kind in nodes.instances],
            min_size=nodes.least,
            desired_size=nodes.least,
            max_size=nodes.most,
            labels={"timonel.io/nodes": nodes.name},
            taints=[_taint(nodes.taint)] if nodes.taint else None,
            enable_node_auto_repair=True,
            launch_template_spec=eks.LaunchTemplateSpec(
                id=template.ref, version=template.attr_latest_version_number
            ),
        )

    def _template(self, nodes: Nodes, stage: Stage) -> ec2.CfnLaunchTemplate:
        """Bottlerocket's data disk encrypted; pods cannot reach the node's credentials (one hop)."""
        disk = ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
            device_name="/dev/xvdb",
            ebs=ec2.CfnLaunchTemplate.EbsProperty(
                volume_size=nodes.disk_gib, volume_type="gp3", encrypted=True
            ),
        )
        return ec2.CfnLaunchTemplate(
            self,
            f"Template-{nodes.name}",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                block_device_mappings=[disk],
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1
                ),
                tag_specifications=[_costs_of(stage, "instance"), _costs_of(stage, "volume")],
                monitoring=ec2.CfnLaunchTemplate.MonitoringProperty(enabled=True),
            ),
        )


def _costs_of(stage: Stage, kind: str) -> ec2.CfnLaunchTemplate.TagSpecificationProperty:
    """A group's own tags do not reach its machines, and the budget counts by tag."""
    tag = cdk.CfnTag(key="timonel-stage", value=stage.name)
    return ec2.CfnLaunchTemplate.TagSpecificationProperty(resource_type=kind, tags=[tag])


def pod_role(scope: Construct, name: str) -> iam.Role:
    """Return a role that EKS gives to pods, in this account only."""
    condition = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}
    principal = iam.ServicePrincipal("pods.eks.amazonaws.com", conditions=condition)
    return iam.Role(scope, name, assumed_by=iam.SessionTagsPrincipal(principal))


def _endpoint(reachable_from: tuple[str, ...]) -> eks.EndpointAccess:
    if not reachable_from:
        return eks.EndpointAccess.PRIVATE
    return eks.EndpointAccess.PUBLIC_AND_PRIVATE.only_from(*reachable_from)


def _taint(text: str) -> eks.TaintSpec:
    pair, effect = text.rsplit(":", 1)
    key, value = pair.split("=", 1)
    effects = {"NoSchedule": eks.TaintEffect.NO_SCHEDULE, "NoExecute": eks.TaintEffect.NO_EXECUTE}
    return eks.TaintSpec(key=key, value=value, effect=effects[effect])


_POLICY_ADMIN = eks.AccessPolicy.from_access_policy_name(
    "AmazonEKSClusterAdminPolicy", access_scope_type=eks.AccessScopeType.CLUSTER
)
