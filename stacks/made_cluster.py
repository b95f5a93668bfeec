"""What stacks that make their cluster share: everything but the CNI.

The order is the point: a control plane without add-ons, then the CNI without waiting, then nodes (which
cannot become Ready earlier), then a gate that waits for all of it, then CoreDNS. Destroying runs it
backwards, so that nodes go while their CNI still runs, and what interfaces it left are swept before the
subnets go.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi
import pulumi_aws as aws

from components.cluster.coredns import CoreDns
from components.cluster.eks_cluster import EksCluster
from components.cluster.node_group import NodeGroup
from components.cluster.node_role import NodeRole
from components.naming import CLUSTER_TAG
from components.network.existing_network import ExistingNetwork
from components.network.new_network import Network
from components.network.zones import first_zones
from eks_cilium.cilium.versions import RELEASES
from eks_cilium.dynamic.interface_sweep import InterfaceSweep
from eks_cilium.dynamic.readiness_gate import ReadinessGate
from stacks.kubernetes_versions import warn_about_untested_kubernetes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.cilium import Cilium
    from eks_cilium.cilium.masquerade import SubnetKind
    from eks_cilium.settings.model import MadeClusterSettings
    from eks_cilium.settings.model import NodeGroup as NodeGroupSettings


class MadeCluster(ABC):
    """The resources of such a stack, in the order in which they are made."""

    interfaces_are_ciliums: ClassVar[bool]
    """Whether Cilium makes the interfaces of nodes and sets them up."""

    def __init__(self, settings: MadeClusterSettings) -> None:
        self._settings, self._name = settings, settings.cluster.name
        warn_about_untested_kubernetes(RELEASES[settings.cilium.version], settings.cluster.kubernetes_version)
        self._tags = {**settings.tags, CLUSTER_TAG: self._name}
        self._aws = aws.Provider("aws", region=settings.region, profile=settings.profile)
        self._network = self._make_network()
        self._cluster = self._make_cluster()
        self._sweep = self._make_sweep()
        self._cilium = self._make_cni()
        self._node_groups = self._make_node_groups()
        self._make_coredns(self._make_gate())

    @abstractmethod
    def _make_cni(self) -> Cilium:
        """What nodes become Ready by, after the sweep, so that on the way back that runs when all is gone."""

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

    def _make_sweep(self) -> InterfaceSweep:
        return InterfaceSweep(
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
                "interfaces_are_ciliums": self.interfaces_are_ciliums,
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
