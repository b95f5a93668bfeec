"""Mode `new-cluster`: an EKS cluster whose only CNI is Cilium, in ENI mode or with an overlay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from components.cilium import OperatorRole
from components.cluster.add_on import AddOn
from eks_cilium.cilium.masquerade import Masquerade, decide
from eks_cilium.clients.aws import client
from eks_cilium.settings.instance_types import is_metal
from eks_cilium.settings.rules.new_cluster.pod_identity import AGENT, POD_IDENTITY
from stacks.cilium_eni import EniCluster, register_eni_cilium
from stacks.cilium_overlay import OverlayCluster, register_overlay_cilium
from stacks.cilium_upgrades import present_release
from stacks.new_cluster_base import check, exports, register_base, register_nodes
from stacks.outputs import own_outputs
from stacks.pod_addresses import addresses_of, exported, refuse_other_addresses
from stacks.pod_subnets import refuse_a_late_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.cilium import Cilium, PodIdentityArgs
    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterSettings
    from stacks.new_cluster_base import ClusterBase


def run(
    settings: NewClusterSettings,
    present_release: Callable[[NewClusterSettings], str | None] = present_release,
    aws_client: ClientOf = client,
) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    present = present_release(settings)
    add_ons = check(settings, present, aws_client)
    base = register_base(settings, aws_client)
    refuse_other_addresses(settings, is_running=base.is_running)
    refuse_a_late_change(settings, own_outputs())
    in_eni_mode = settings.cilium.ipam == "eni"
    register = _register_in_eni_mode if in_eni_mode else _register_with_an_overlay
    cilium = register(settings, base, present)
    node_groups = register_nodes(settings, base, cilium, add_ons, cilium_makes_interfaces=in_eni_mode)
    return exports(settings, base, node_groups, exported(addresses_of(settings.cilium)))


def _register_with_an_overlay(settings: NewClusterSettings, base: ClusterBase, present: str | None) -> Cilium:
    cluster = OverlayCluster(
        endpoint=base.cluster.endpoint,
        security_group_id=base.cluster.security_group_id,
        tags=base.tags,
        present=present,
    )
    after = pulumi.ResourceOptions(
        providers=[base.cluster.kubernetes_provider], depends_on=[base.cluster, base.sweep]
    )
    return register_overlay_cilium(settings, cluster, base.with_aws(base.cluster), after)


def _register_in_eni_mode(settings: NewClusterSettings, base: ClusterBase, present: str | None) -> Cilium:
    role = _register_operator_role(settings, base)
    cluster = EniCluster(
        name=settings.cluster.name,
        region=settings.region,
        endpoint=base.cluster.endpoint,
        vpc_cidrs=base.network.cidrs,
        node_subnet_ids=base.node_subnets(settings.node_groups),
        pod_subnet_ids=base.network.pod_subnet_ids,
        pod_networks=base.network.pod_networks,
        masquerade=_masquerade(settings),
        tags=base.tags,
        present=present,
        pod_identity=settings.cilium.operator_identity == POD_IDENTITY,
    )
    before = [base.cluster, base.sweep, role, *_register_agent(settings, base, role)]
    after = pulumi.ResourceOptions(providers=[base.cluster.kubernetes_provider], depends_on=before)
    return register_eni_cilium(cluster, settings.cilium, role, after)


def _register_operator_role(settings: NewClusterSettings, base: ClusterBase) -> OperatorRole:
    return OperatorRole(
        f"{settings.cluster.name}-cilium-operator",
        {
            "cluster_name": settings.cluster.name,
            "region": settings.region,
            "account": base.cluster.arn.apply(lambda arn: arn.split(":")[4]),
            "vpc_id": base.network.vpc_id,
            "subnet_ids": [*base.node_subnets(settings.node_groups), *base.network.pod_subnet_ids],
            "oidc_provider_arn": base.cluster.oidc_provider_arn,
            "oidc_issuer": base.cluster.oidc_issuer,
            "pod_identity": _pod_identity(settings, base),
            "tags": base.tags,
        },
        base.with_aws(),
    )


def _pod_identity(settings: NewClusterSettings, base: ClusterBase) -> PodIdentityArgs | None:
    if settings.cilium.operator_identity != POD_IDENTITY:
        return None
    return {"cluster_name": base.cluster.cluster_name, "cluster_arn": base.cluster.arn}


def _register_agent(settings: NewClusterSettings, base: ClusterBase, role: OperatorRole) -> list[AddOn]:
    """Register the agent of Pod Identity, before Cilium and the nodes; none where it is not configured.

    Its pods need no CNI and tolerate every taint (aws/eks-pod-identity-agent, charts/eks-pod-identity-agent:
    hostNetwork, operator Exists). It comes after the role: an association takes "several seconds to be
    effective" (API reference of EKS, CreatePodIdentityAssociation), and the operator's pods need it when they
    are created.
    """
    if settings.pod_identity_agent is None:
        return []
    agent = AddOn(
        f"{settings.cluster.name}-{AGENT}",
        {
            "cluster_name": base.cluster.cluster_name,
            "addon_name": AGENT,
            "version": settings.pod_identity_agent.version,
            "configuration": {},
            "conflicts_on_create": "NONE",
            "conflicts_on_update": "OVERWRITE",
            "preserve": False,
            "tags": base.tags,
        },
        base.with_aws(base.cluster, role),
    )
    return [agent]


def _masquerade(settings: NewClusterSettings) -> Masquerade:
    groups, wanted = settings.node_groups.values(), settings.cilium
    return decide(
        {group.subnets for group in groups},
        {group.image_family for group in groups},
        wanted=wanted.masquerade_wanted,
        interfaces=wanted.egress_masquerade_interfaces,
        metal=any(is_metal(kind) for group in groups for kind in group.instance_types),
    )
