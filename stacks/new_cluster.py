"""Mode `new-cluster`: an EKS cluster whose only CNI is Cilium in ENI mode.

The order is the point: a control plane without add-ons, then Cilium without waiting, then nodes (which
cannot become Ready earlier), then a gate that waits for all of it, then CoreDNS. Destroying runs it
backwards, so that nodes go while Cilium still runs, and what interfaces Cilium left are swept before the
subnets go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from cilium.masquerade import Masquerade, SubnetKind, decide
from cilium.values import EniMode, eni_values
from cilium.versions import RELEASES
from components.cilium import Cilium, OperatorRole
from components.coredns import CoreDns
from components.eks_cluster import EksCluster
from components.existing_network import ExistingNetwork
from components.naming import CLUSTER_TAG
from components.network import Network
from components.node_group import NodeGroup
from components.node_role import NodeRole
from components.zones import first_zones
from providers.interface_sweep import InterfaceSweep
from providers.readiness_gate import ReadinessGate
from stacks.kubernetes_versions import warn_about_untested_kubernetes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from settings.model import NewClusterSettings
    from settings.model import NodeGroup as NodeGroupSettings


def run(settings: NewClusterSettings) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    return NewCluster(settings).exports()


class NewCluster:
    """The resources of one stack in this mode, in the order in which they are made."""

    def __init__(self, settings: NewClusterSettings) -> None:
        self._settings, self._name = settings, settings.cluster.name
        warn_about_untested_kubernetes(RELEASES[settings.cilium.version], settings.cluster.kubernetes_version)
        self._tags = {**settings.tags, CLUSTER_TAG: self._name}
        self._aws = aws.Provider("aws", region=settings.region, profile=settings.profile)
        self._network = self._make_network()
        self._cluster = self._make_cluster()
        self._cilium = self._make_cilium()
        self._node_groups = self._make_node_groups()
        self._make_coredns(self._make_gate())

    def exports(self) -> dict[str, Any]:
        """What other stacks and people need to know about the cluster."""
        settings, cluster = self._settings, self._cluster
        profile = f" --profile {settings.profile}" if settings.profile else ""
        return {
            "kubeconfig": cluster.kubeconfig,
            "cluster": {
                "name": cluster.cluster_name,
                "region": settings.region,
                "ciliumName": self._name,
                "arn": cluster.arn,
                "endpoint": cluster.endpoint,
                "kubernetesVersion": settings.cluster.kubernetes_version,
                "ciliumVersion": settings.cilium.version,
                "nodeGroups": {name: group.node_group_name for name, group in self._node_groups.items()},
            },
            "network": {
                "vpcId": self._network.vpc_id,
                "cidr": self._network.cidr,
                "securityGroupId": cluster.security_group_id,
            },
            "nextCommands": [
                f"aws eks update-kubeconfig --region {settings.region} --name {self._name}{profile}",
                "kubectl get nodes",
                "cilium status --wait",
            ],
        }

    def _with_aws(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[self._aws], depends_on=list(depends_on))

    def _make_network(self) -> Network | ExistingNetwork:
        wanted = self._settings.network
        if wanted.vpc_id is not None:
            return ExistingNetwork(
                self._name,
                {
                    "vpc_id": wanted.vpc_id,
                    "private_subnet_ids": wanted.private_subnet_ids,
                    "public_subnet_ids": wanted.public_subnet_ids,
                    "service_cidr": self._settings.cluster.service_cidr,
                },
                self._with_aws(),
            )
        assert wanted.cidr is not None, "settings refuse a network with neither cidr nor vpcId"
        zones = first_zones(wanted.zones, self._aws) if isinstance(wanted.zones, int) else wanted.zones
        return Network(
            self._name,
            {"cidr": wanted.cidr, "zones": zones, "nat": wanted.nat, "tags": self._tags},
            self._with_aws(),
        )

    def _make_cluster(self) -> EksCluster:
        settings, wanted = self._settings, self._settings.cluster
        return EksCluster(
            self._name,
            {
                "cluster_name": self._name,
                "kubernetes_version": wanted.kubernetes_version,
                "region": settings.region,
                "profile": settings.profile,
                "vpc_id": self._network.vpc_id,
                "private_subnet_ids": self._network.private_subnet_ids,
                "public_subnet_ids": self._network.public_subnet_ids,
                "service_cidr": wanted.service_cidr,
                "private_access": wanted.endpoint.private_access,
                "public_access": wanted.endpoint.public_access,
                "public_access_cidrs": wanted.endpoint.public_access_cidrs,
                "kube_proxy_version": settings.kube_proxy.version if settings.kube_proxy else None,
                "log_types": wanted.log_types,
                "log_retention_days": wanted.log_retention_days,
                "admins": wanted.admins,
                "secrets_key_arn": wanted.secrets_key_arn,
                "deletion_protection": wanted.deletion_protection,
                "protect": wanted.protect,
                "tags": self._tags,
            },
            self._with_aws(self._network),
        )

    def _make_cilium(self) -> Cilium:
        """The sweep comes first, so that on the way back it runs when Cilium and its nodes are gone."""
        sweep = InterfaceSweep(
            self._name,
            {
                "cluster_name": self._cluster.cluster_name,
                "region": self._settings.region,
                "profile": self._settings.profile,
                "vpc_id": self._network.vpc_id,
                "tag_key": CLUSTER_TAG,
            },
            pulumi.ResourceOptions(depends_on=[self._cluster, self._network]),
        )
        role = self._make_operator_role()
        return Cilium(
            f"{self._name}-cilium",
            {
                "version": self._settings.cilium.version,
                "chart_repository": self._settings.cilium.chart_repository,
                "values": eni_values(self._eni_mode(role)),
            },
            pulumi.ResourceOptions(
                providers=[self._cluster.kubernetes_provider], depends_on=[self._cluster, sweep, role]
            ),
        )

    def _make_operator_role(self) -> OperatorRole:
        return OperatorRole(
            f"{self._name}-cilium-operator",
            {
                "cluster_name": self._name,
                "region": self._settings.region,
                "account": self._cluster.arn.apply(lambda arn: arn.split(":")[4]),
                "vpc_id": self._network.vpc_id,
                "subnet_ids": self._node_subnets(),
                "oidc_provider_arn": self._cluster.oidc_provider_arn,
                "oidc_issuer": self._cluster.oidc_issuer,
                "tags": self._tags,
            },
            self._with_aws(),
        )

    def _eni_mode(self, role: OperatorRole) -> EniMode:
        wanted, release = self._settings.cilium, RELEASES[self._settings.cilium.version]
        subnets = self._node_subnets()
        return EniMode(
            release=release,
            cluster_name=self._name,
            region=self._settings.region,
            api_host=self._cluster.endpoint.apply(lambda url: urlsplit(url).hostname),
            api_port=self._cluster.endpoint.apply(lambda url: str(urlsplit(url).port or 443)),
            operator_role_arn=role.arn,
            subnet_filter=subnets if release.filters_are_lists else _spaced(subnets),
            vpc_cidr=self._network.cidr,
            masquerade=self._masquerade(),
            interface_tags=self._tags,
            cluster_id=wanted.cluster_id,
            kube_proxy_replacement=wanted.kube_proxy_replacement,
            prefix_delegation=wanted.prefix_delegation,
            encryption=wanted.encryption,
            operator_replicas=wanted.operator_replicas,
            hubble_enabled=wanted.hubble.enabled,
            hubble_relay=wanted.hubble.relay,
            hubble_ui=wanted.hubble.ui,
            extra=wanted.values,
        )

    def _masquerade(self) -> Masquerade:
        groups = self._settings.node_groups.values()
        return decide(
            {group.subnets for group in groups},
            {group.image_family for group in groups},
            wanted=self._settings.cilium.masquerade_wanted,
            interfaces=self._settings.cilium.egress_masquerade_interfaces,
        )

    def _make_node_groups(self) -> dict[str, NodeGroup]:
        role = NodeRole(
            f"{self._name}-node", {"region": self._settings.region, "tags": self._tags}, self._with_aws()
        )
        after = self._with_aws(role, self._cilium, self._network)
        return {
            name: self._make_node_group(f"{self._name}-{name}", group, role, after)
            for name, group in self._settings.node_groups.items()
        }

    def _make_node_group(
        self, name: str, wanted: NodeGroupSettings, role: NodeRole, opts: pulumi.ResourceOptions
    ) -> NodeGroup:
        return NodeGroup(
            name,
            {
                "cluster_name": self._cluster.cluster_name,
                "kubernetes_version": self._settings.cluster.kubernetes_version,
                "node_role_arn": role.arn,
                "subnet_ids": self._subnets(wanted.subnets),
                "instance_types": wanted.instance_types,
                "ami_type": wanted.ami_type,
                "release_version": wanted.release_version,
                "capacity_type": wanted.capacity_type,
                "min_size": wanted.min_size,
                "desired_size": wanted.desired_size,
                "max_size": wanted.max_size,
                "autoscaled": wanted.autoscaled,
                "disk_size": wanted.disk_size,
                "labels": wanted.labels,
                "taints": [
                    {"key": taint.key, "value": taint.value, "effect": taint.effect}
                    for taint in wanted.taints
                ],
                "max_unavailable": wanted.max_unavailable,
                "tags": self._tags,
            },
            opts,
        )

    def _subnets(self, kind: SubnetKind) -> Sequence[pulumi.Output[str]]:
        private = kind == "private"
        return self._network.private_subnet_ids if private else self._network.public_subnet_ids

    def _node_subnets(self) -> list[pulumi.Output[str]]:
        """Every subnet that holds nodes, private ones first."""
        kinds = {group.subnets for group in self._settings.node_groups.values()}
        return [subnet for kind in sorted(kinds) for subnet in self._subnets(kind)]

    def _make_gate(self) -> ReadinessGate:
        groups = self._settings.node_groups.values()
        return ReadinessGate(
            self._name,
            {
                "cluster_name": self._cluster.cluster_name,
                "region": self._settings.region,
                "profile": self._settings.profile,
                "endpoint": self._cluster.endpoint,
                "certificate_authority": self._cluster.certificate_authority,
                "minimum_nodes": sum(group.dependable_size for group in groups),
            },
            pulumi.ResourceOptions(depends_on=[self._cilium, *self._node_groups.values()]),
        )

    def _make_coredns(self, gate: ReadinessGate) -> CoreDns:
        return CoreDns(
            self._name,
            {
                "cluster_name": self._cluster.cluster_name,
                "version": self._settings.coredns.version,
                "replicas": self._settings.coredns.replicas,
                "tags": self._tags,
            },
            self._with_aws(gate),
        )


def _spaced(texts: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*texts).apply(" ".join)
