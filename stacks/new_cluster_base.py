"""A new EKS cluster, whatever its CNI: what modes `new-cluster` and `chaining` register in the same way.

The order matters: a control plane without add-ons, then the CNI, which does not wait, then nodes, which
cannot become Ready without it, then a gate that waits for all of them, then CoreDNS, then other add-ons.
`pulumi destroy` deletes in the opposite order, so nodes terminate while their CNI still runs, and the sweep
deletes the network interfaces that were left before the subnets are deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.adjustments import Adjustments
from components.cluster.coredns import CoreDns
from components.cluster.eks_cluster import EksCluster
from components.cluster.node_group import NodeGroup
from components.cluster.node_role import NodeRole
from components.cluster.what_exists import what_exists
from components.naming import CLUSTER_TAG
from components.network.existing_network import ExistingNetwork
from components.network.flow_logs import FlowLogs
from components.network.new_network import Network
from components.network.security_groups import check_security_groups
from components.network.zones import zones_of
from eks_cilium.cilium.pod_limit import with_prefixes, without_interfaces
from eks_cilium.cilium.versions import release_of
from eks_cilium.dynamic.interface_sweep import InterfaceSweep
from eks_cilium.dynamic.readiness_gate import ReadinessGate
from eks_cilium.settings.model import Cilium as CiliumSettings
from eks_cilium.settings.problems import key_path
from eks_cilium.settings.rules.new_cluster.security_groups import wanted_groups
from stacks import cluster_access, iam_roles
from stacks.accounts import aws_provider
from stacks.add_ons import check_add_ons, register_add_ons
from stacks.cilium_upgrades import check_upgrade
from stacks.cilium_versions import warn_about_untested_kubernetes
from stacks.instance_offers import check_instance_types
from stacks.logs_key import check_logs_key
from stacks.node_images import check_images
from stacks.outputs import own_outputs
from stacks.pinned_add_ons import check_pinned_add_ons
from stacks.pod_subnets import masquerades, pod_networks, pods_per_node, warn_of_too_few_addresses
from stacks.secrets_key import check_given_key, check_running_key, running_key, secrets_key
from stacks.vpc_endpoints import endpoint_services, warn_of_registries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi_aws as aws

    from components.cilium import Cilium
    from components.cluster.node_group import NodeGroupArgs, NodeRepair
    from components.cluster.what_exists import Existing, RunningControlPlane
    from eks_cilium.cilium.masquerade import SubnetKind
    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings
    from eks_cilium.settings.model import NodeGroup as NodeGroupSettings


@dataclass(frozen=True)
class ClusterBase:
    """A control plane in its network, before it has a CNI and nodes."""

    aws: aws.Provider
    tags: Mapping[str, str]
    network: Network | ExistingNetwork
    cluster: EksCluster
    sweep: InterfaceSweep
    """A CNI is registered after it, so that `pulumi destroy` sweeps once the CNI is deleted."""
    is_running: bool = False
    """Whether the control plane was there before this run."""
    access: Mapping[str, Any] = field(default_factory=dict)
    """What the stack exports of who may use the cluster."""

    def with_aws(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=[self.aws], depends_on=list(depends_on))

    def subnets(self, kind: SubnetKind) -> Sequence[pulumi.Output[str]]:
        private = kind == "private"
        return self.network.private_subnet_ids if private else self.network.public_subnet_ids

    def node_subnets(self, groups: Mapping[str, NodeGroupSettings]) -> list[pulumi.Output[str]]:
        """Every subnet that holds nodes, private ones first."""
        kinds = {group.subnets for group in groups.values()}
        return [subnet for kind in sorted(kinds) for subnet in self.subnets(kind)]


def check(
    settings: NewClusterBaseSettings, present: str | None, aws_client: ClientOf
) -> dict[str, str | None]:
    """Refuse and warn about what the configuration alone does not show; `present` is the Cilium that runs.

    Returns the version of each add-on of `cluster.addons`, as `check_add_ons` does.
    """
    check_upgrade(present, settings.cilium.version)
    warn_about_untested_kubernetes(release_of(settings.cilium.version), settings.cluster.kubernetes_version)
    check_pinned_add_ons(settings, aws_client)
    check_instance_types(settings, aws_client)
    return check_add_ons(settings, aws_client)


def register_base(settings: NewClusterBaseSettings, aws_client: ClientOf) -> ClusterBase:
    """Register the network and the control plane, on which no pod runs yet."""
    tags = {**settings.tags, CLUSTER_TAG: settings.cluster.name}
    provider = aws_provider("aws", settings)
    existing = what_exists(settings.cluster.name, provider)
    _check_what_exists(settings, existing)
    check_given_key(settings, provider)
    check_logs_key(settings, provider, aws_client)
    check_images(settings, provider)
    if existing.own is not None:
        check_running_key(settings, running_key(settings, aws_client))
    exported = own_outputs().get("cluster") or {}
    access = cluster_access.check_access(settings, existing, exported, aws_client)
    iam_roles.check_limits(settings, exported, aws_client)
    iam_roles.check_roles(settings, aws_client)
    iam_roles.limit_roles(settings.iam)
    _check_security_groups(settings, provider)
    network = _register_network(settings, provider, tags, aws_client)
    cluster = _register_control_plane(settings, provider, tags, network)
    sweep = _register_sweep(settings, network, cluster)
    return ClusterBase(
        provider, tags, network, cluster, sweep, is_running=existing.own is not None, access=access
    )


def register_nodes(
    settings: NewClusterBaseSettings,
    base: ClusterBase,
    cilium: Cilium,
    add_ons: Mapping[str, str | None],
    *,
    cilium_makes_interfaces: bool,
) -> dict[str, NodeGroup]:
    """Register the node groups, the gate that waits for their nodes and the CNI, then CoreDNS and add-ons.

    Args:
        settings: The configuration of the stack.
        base: The control plane and its network.
        cilium: The release that nodes become Ready by.
        add_ons: The version of each add-on of `cluster.addons`, as `check` returned them.
        cilium_makes_interfaces: Whether Cilium makes the network interfaces of nodes.
    """
    name = settings.cluster.name
    role = _register_node_role(settings, base)
    arn = settings.iam.node_role_arn or role[0].arn
    args = partial(_node_group_args, settings, base, arn, cilium_makes_interfaces)
    after = base.with_aws(*role, cilium, base.network)
    limits = _pod_limits(settings, base)
    groups = {
        key: NodeGroup(f"{name}-{key}", args(group, max_pods=limits[key]), after)
        for key, group in settings.node_groups.items()
    }
    gate = _register_gate(settings, base, [cilium, *groups.values()])
    coredns = _register_coredns(settings, base, gate)
    register_add_ons(settings, add_ons, base.cluster, base.tags, base.with_aws(coredns))
    return groups


def exports(
    settings: NewClusterBaseSettings,
    base: ClusterBase,
    node_groups: Mapping[str, NodeGroup],
    pod_addresses: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What other stacks and people need to know about the cluster."""
    cluster, name = base.cluster, settings.cluster.name
    profile = f" --profile {settings.profile}" if settings.profile else ""
    return {
        "kubeconfig": cluster.kubeconfig,
        "cluster": {
            "name": cluster.cluster_name,
            "region": settings.region,
            "ciliumName": name,
            "arn": cluster.arn,
            "endpoint": cluster.endpoint,
            "kubernetesVersion": settings.cluster.kubernetes_version,
            **base.access,
            iam_roles.ROLE_PATH: settings.iam.path,
            "ciliumVersion": settings.cilium.version,
            "nodeGroups": {key: group.node_group_name for key, group in node_groups.items()},
            **({"podAddresses": pod_addresses} if pod_addresses else {}),
        },
        "network": {
            "vpcId": base.network.vpc_id,
            "cidr": base.network.cidr,
            "securityGroupId": cluster.security_group_id,
            **({"podNetworks": pod_networks(settings)} if settings.network.pods_apart else {}),
        },
        "nextCommands": [
            f"aws eks update-kubeconfig --region {settings.region} --name {name}{profile}",
            "kubectl get nodes",
            "cilium status --wait",
        ],
    }


def _check_what_exists(settings: NewClusterBaseSettings, existing: Existing) -> None:
    """Raise RunError for what would fail half-way; warn where the cluster could not be reached."""
    if existing.own is not None:
        _refuse_a_replacement(settings, existing.own)
    if existing.foreign_log_group is not None:
        # EKS writes its last lines after the cluster is deleted, and creates the group again for them
        # (terraform-aws-modules/terraform-aws-eks#920, #2763).
        raise pulumi.RunError(
            f"the log group {existing.foreign_log_group} exists already: an earlier cluster of this name has "
            f"left it. Delete it: aws logs delete-log-group --region {settings.region} --log-group-name "
            f"{existing.foreign_log_group}"
        )
    if (
        not existing.cluster
        and settings.network.vpc_id is None
        and not settings.cluster.endpoint.public_access
    ):
        pulumi.log.warn(
            "cluster.endpoint.publicAccess is false and the VPC does not exist yet, so nothing outside of it "
            "reaches the API server: pulumi up would create the control plane and stop at Cilium. Set "
            "publicAccess to true with your own network in publicAccessCidrs, run pulumi up, connect to the "
            "VPC and set it to false again; or create the VPC before and use network.vpcId"
        )


def _refuse_a_replacement(settings: NewClusterBaseSettings, running: RunningControlPlane) -> None:
    # A replaced cluster has the ARN of the old one, by which Pulumi's Kubernetes provider tells clusters
    # apart. It would take Cilium for installed, and no node of the new cluster would become Ready.
    wanted = settings.network
    changes = [
        ("cluster.serviceCidr", running.service_cidr, settings.cluster.service_cidr),
        ("network.vpcId", running.vpc_id, wanted.vpc_id or running.vpc_id),
        ("network.cidr", running.vpc_cidr, wanted.cidr or running.vpc_cidr),
        ("iam.clusterRoleArn", running.role_arn, _cluster_role(settings, running)),
        ("cluster.authenticationMode", running.authentication_mode, _reachable_mode(settings, running)),
    ]
    changed = [f"{key} is {new}, the cluster has {old}" for key, old, new in changes if old != new]
    if changed:
        raise pulumi.RunError(
            f"{'; '.join(changed)}. EKS cannot change it, and a cluster is never replaced by another of the "
            "same name: set it back, or run pulumi destroy before, or choose another cluster.name"
        )


def _cluster_role(settings: NewClusterBaseSettings, running: RunningControlPlane) -> str:
    """The role that the cluster would have, as far as it can be known before."""
    made = f"/{settings.cluster.name}-eksRole-role-" in running.role_arn
    return settings.iam.cluster_role_arn or (running.role_arn if made else "not set")


def _reachable_mode(settings: NewClusterBaseSettings, running: RunningControlPlane) -> str:
    # docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html: to API, and never back.
    wanted = settings.cluster.authentication_mode
    return running.authentication_mode if wanted == "API" else wanted


def _register_network(
    settings: NewClusterBaseSettings,
    provider: aws.Provider,
    tags: Mapping[str, str],
    aws_client: ClientOf,
) -> Network | ExistingNetwork:
    wanted, opts = settings.network, pulumi.ResourceOptions(providers=[provider])
    if wanted.vpc_id is not None:
        existing = ExistingNetwork(
            settings.cluster.name,
            {
                "vpc_id": wanted.vpc_id,
                "private_subnet_ids": wanted.private_subnet_ids,
                "public_subnet_ids": wanted.public_subnet_ids,
                "service_cidr": settings.cluster.service_cidr,
                "endpoint_services": endpoint_services(settings, aws_client),
                "pod_cidrs": _overlay_of(settings),
                "pod_subnet_ids": wanted.pod_subnet_ids,
                "pods_leave_by_them": not masquerades(settings),
            },
            opts,
        )
        warn_of_registries(existing.isolated)
        return existing
    assert wanted.cidr is not None, "settings refuse a network with neither cidr nor vpcId"
    zones = zones_of(wanted.zones, provider)
    network = Network(
        settings.cluster.name,
        {
            "cidr": wanted.cidr,
            "zones": zones,
            "pod_cidr": wanted.pod_cidr,
            "nat": wanted.nat,
            "tags": tags,
        },
        opts,
    )
    _register_flow_logs(settings, network, tags, opts)
    return network


def _register_flow_logs(
    settings: NewClusterBaseSettings, network: Network, tags: Mapping[str, str], opts: pulumi.ResourceOptions
) -> None:
    wanted = settings.network.flow_logs
    if wanted is not None:
        FlowLogs(
            settings.cluster.name,
            {
                "vpc_id": network.vpc_id,
                "cluster_name": settings.cluster.name,
                "traffic": wanted.traffic,
                "interval": wanted.interval,
                "fields": wanted.fields,
                "bucket_arn": wanted.bucket_arn,
                "retention_days": wanted.retention_days,
                "tags": tags,
            },
            opts,
        )


def _overlay_of(settings: NewClusterBaseSettings) -> Sequence[str]:
    cilium = settings.cilium
    overlay = cilium.overlay if isinstance(cilium, CiliumSettings) else None
    return overlay.pod_cidrs if overlay is not None else ()


def _register_control_plane(
    settings: NewClusterBaseSettings,
    provider: aws.Provider,
    tags: Mapping[str, str],
    network: Network | ExistingNetwork,
) -> EksCluster:
    wanted = settings.cluster
    return EksCluster(
        wanted.name,
        {
            "cluster_name": wanted.name,
            "kubernetes_version": wanted.kubernetes_version,
            "region": settings.region,
            "profile": settings.profile,
            "vpc_id": network.vpc_id,
            "private_subnet_ids": network.private_subnet_ids,
            "public_subnet_ids": network.public_subnet_ids,
            "service_cidr": wanted.service_cidr,
            "private_access": wanted.endpoint.private_access,
            "public_access": wanted.endpoint.public_access,
            "public_access_cidrs": wanted.endpoint.public_access_cidrs,
            "upgrade_policy": wanted.upgrade_policy,
            "kube_proxy_version": settings.kube_proxy.version if settings.kube_proxy else None,
            "log_types": wanted.log_types,
            "log_retention_days": wanted.log_retention_days,
            "logs_key_arn": wanted.logs_key_arn,
            "access_entries": cluster_access.entries(settings),
            "adjustments": _adjustments(settings),
            "role_arn": settings.iam.cluster_role_arn,
            "secrets_key_arn": secrets_key(settings, provider, tags),
            "deletion_protection": wanted.deletion_protection,
            "protect": wanted.protect,
            "tags": tags,
        },
        pulumi.ResourceOptions(providers=[provider], depends_on=[network]),
    )


def _check_security_groups(settings: NewClusterBaseSettings, provider: aws.Provider) -> None:
    if settings.network.vpc_id is not None:
        wanted = {key_path(path): groups for path, groups in wanted_groups(settings)}
        check_security_groups(wanted, settings.network.vpc_id, provider)


def _adjustments(settings: NewClusterBaseSettings) -> Adjustments:
    wanted = settings.cluster
    return Adjustments(
        creator_admin=wanted.creator_admin,
        authentication_mode=wanted.authentication_mode,
        security_group_ids=wanted.security_group_ids,
    )


def _register_sweep(
    settings: NewClusterBaseSettings, network: Network | ExistingNetwork, cluster: EksCluster
) -> InterfaceSweep:
    return InterfaceSweep(
        settings.cluster.name,
        {
            "cluster_name": cluster.cluster_name,
            "region": settings.region,
            "profile": settings.profile,
            "vpc_id": network.vpc_id,
            "tag_key": CLUSTER_TAG,
        },
        pulumi.ResourceOptions(depends_on=[cluster, network]),
    )


def _register_node_role(settings: NewClusterBaseSettings, base: ClusterBase) -> list[NodeRole]:
    """The role of the nodes; none where one that exists is given."""
    if settings.iam.node_role_arn is not None:
        return []
    name = f"{settings.cluster.name}-node"
    return [NodeRole(name, {"region": settings.region, "tags": base.tags}, base.with_aws())]


def _security_groups(base: ClusterBase, group: NodeGroupSettings) -> list[pulumi.Input[str]]:
    """Every group of the nodes; none where EKS's own is the only one, which EKS adds by itself."""
    more = group.security_group_ids
    return [base.cluster.security_group_id, *more] if more else []


def _node_group_args(
    settings: NewClusterBaseSettings,
    base: ClusterBase,
    role_arn: pulumi.Input[str],
    cilium_makes_interfaces: bool,
    group: NodeGroupSettings,
    *,
    max_pods: int | None,
) -> NodeGroupArgs:
    return {
        "cluster_name": base.cluster.cluster_name,
        "kubernetes_version": settings.cluster.kubernetes_version,
        "node_role_arn": role_arn,
        "subnet_ids": base.subnets(group.subnets),
        "security_group_ids": _security_groups(base, group),
        "instance_types": group.instance_types,
        "ami_type": group.ami_type,
        "image_id": group.image_id,
        "joining": {
            "endpoint": base.cluster.endpoint,
            "certificate_authority": base.cluster.certificate_authority,
            "service_cidr": settings.cluster.service_cidr,
        },
        "release_version": group.release_version,
        "capacity_type": group.capacity_type,
        "min_size": group.min_size,
        "desired_size": group.desired_size,
        "max_size": group.max_size,
        "autoscaled": group.autoscaled,
        "disk_size": group.disk_size,
        "max_pods": max_pods,
        "labels": group.labels,
        "taints": [
            {"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in group.taints
        ],
        "max_unavailable": group.max_unavailable,
        "update_strategy": group.update_strategy,
        "node_repair": _node_repair(group),
        "cilium_makes_interfaces": cilium_makes_interfaces,
        "tags": base.tags,
    }


def _node_repair(group: NodeGroupSettings) -> NodeRepair | None:
    wanted = group.node_repair
    if wanted is None:
        return None
    return {
        "enabled": wanted.enabled,
        "max_unhealthy": wanted.max_unhealthy,
        "max_parallel": wanted.max_parallel,
        "overrides": [
            {
                "condition": override.condition,
                "reason": override.reason,
                "wait_minutes": override.wait_minutes,
                "action": override.action,
            }
            for override in wanted.overrides
        ],
    }


def _pod_limits(settings: NewClusterBaseSettings, base: ClusterBase) -> dict[str, int | None]:
    """How many pods a node of each group takes; None leaves it to the image."""
    groups, network = settings.node_groups, base.network
    if not settings.network.pods_apart:
        return {name: _max_pods(settings, group) for name, group in groups.items()}
    limits = {name: pods_per_node(settings, name, group, base.aws) for name, group in groups.items()}
    free = network.free_for_pods if isinstance(network, ExistingNetwork) else None
    warn_of_too_few_addresses(settings, limits, free, zones=len(network.pod_subnet_ids))
    return dict(limits)


def _max_pods(settings: NewClusterBaseSettings, group: NodeGroupSettings) -> int | None:
    cilium = settings.cilium
    if group.max_pods is not None or not isinstance(cilium, CiliumSettings) or group.image_family == "al2":
        return group.max_pods
    if cilium.ipam != "eni":
        return without_interfaces(group.instance_types)
    return with_prefixes(group.instance_types) if cilium.prefix_delegation else None


def _register_gate(
    settings: NewClusterBaseSettings, base: ClusterBase, after: Sequence[pulumi.Resource]
) -> ReadinessGate:
    return ReadinessGate(
        settings.cluster.name,
        {
            "cluster_name": base.cluster.cluster_name,
            "region": settings.region,
            "profile": settings.profile,
            "endpoint": base.cluster.endpoint,
            "certificate_authority": base.cluster.certificate_authority,
            "minimum_nodes": sum(group.dependable_size for group in settings.node_groups.values()),
        },
        pulumi.ResourceOptions(depends_on=list(after)),
    )


def _register_coredns(settings: NewClusterBaseSettings, base: ClusterBase, gate: ReadinessGate) -> CoreDns:
    return CoreDns(
        settings.cluster.name,
        {
            "cluster_name": base.cluster.cluster_name,
            "version": settings.coredns.version,
            "replicas": settings.coredns.replicas,
            "tags": base.tags,
        },
        base.with_aws(gate),
    )
