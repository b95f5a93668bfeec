"""Pods in subnets of their own: how many a node takes, and whether the addresses suffice.

`stacks/new_cluster_base.py` calls it, and mode `new-cluster`, which refuses to move pods that run.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from eks_cilium.cilium.pod_limit import (
    ADDRESSES_OF_A_PREFIX,
    FOR_LARGE_INSTANCES,
    InterfaceLimits,
    beside_the_first_interface,
    with_prefixes,
)
from eks_cilium.settings.model import NewClusterSettings
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.settings.model import NewClusterBaseSettings
    from eks_cilium.settings.model import NodeGroup as NodeGroupSettings

_FEWEST_PODS = 8
_RESERVED = 5
"""Addresses of a subnet that AWS keeps: docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html."""
_OF_THE_AGENT = 2
"""Addresses that an agent takes for its router and its health endpoint."""


def pod_networks(settings: NewClusterBaseSettings) -> list[str]:
    """The network or the subnets that the configuration gives to pods alone, as the stack exports them."""
    network = settings.network
    return [network.pod_cidr] if network.pod_cidr is not None else list(network.pod_subnet_ids)


def masquerades(settings: NewClusterBaseSettings) -> bool:
    """Whether pods leave the VPC with their node's address, from its first interface."""
    if not isinstance(settings, NewClusterSettings):
        return False
    wanted = settings.cilium.masquerade_wanted
    return (
        any(group.subnets == "public" for group in settings.node_groups.values())
        if wanted is None
        else wanted
    )


def refuse_a_late_change(settings: NewClusterBaseSettings, exported: Mapping[str, Any]) -> None:
    """Refuse to move pods of a cluster that exists. `exported` is what the stack exported before.

    Agents that restart with another first interface give up the addresses that running pods have
    (`IsExcludedBySpec` in pkg/aws/eni/types/types.go of cilium/cilium). More subnets may be added. Raises
    `pulumi.RunError`.
    """
    before = (exported.get("network") or {}).get("podNetworks") if exported else None
    if exported and before is None:
        before = []  # a stack of an earlier version had none
    wanted = pod_networks(settings)
    if before is None or set(before) == set(wanted):
        return
    if settings.network.pod_subnet_ids and before and set(before) <= set(wanted):
        return
    key = "podCidr" if settings.network.vpc_id is None else "podSubnetIds"
    path = ("network", key)
    shown: Any = wanted if key == "podSubnetIds" else next(iter(wanted), UNSET)
    held = before if key == "podSubnetIds" else next(iter(before), None)
    allowed = f"{held}, as when the cluster was created" if held else "nothing: the cluster has none"
    fix = set_fix(path, held) if held else remove_command(path)
    raise pulumi.RunError(
        f"pods that run have addresses of the subnets they were given\n  "
        f"{Problem(path, shown or UNSET, allowed, fix)}"
    )


def pods_per_node(
    settings: NewClusterBaseSettings, name: str, group: NodeGroupSettings, provider: aws.Provider
) -> int:
    """How many pods a node of a group takes without the addresses of its first interface.

    Raises `pulumi.RunError` where they are too few, or fewer than the configuration wants.
    """
    prefixes = _prefixes(settings)
    limits = {kind: _limits(kind, provider) for kind in group.instance_types}
    smallest = min(limits, key=lambda kind: beside_the_first_interface(limits[kind], prefixes=prefixes))
    most = beside_the_first_interface(limits[smallest], prefixes=prefixes)
    if most < _FEWEST_PODS:
        place = ("nodeGroups", name, "instanceTypes", group.instance_types.index(smallest))
        allowed = (
            f"a type whose further interfaces have addresses for {_FEWEST_PODS} pods; this one has "
            f"{most}, and the first interface serves no pods"
        )
        raise pulumi.RunError(str(Problem(place, smallest, allowed, set_fix(place, "m7i.large"))))
    if group.max_pods is not None and group.max_pods > most:
        path = ("nodeGroups", name, "maxPods")
        allowed = f"at most {most}: the first interface of {smallest} serves no pods"
        raise pulumi.RunError(str(Problem(path, group.max_pods, allowed, set_fix(path, most))))
    usual = with_prefixes(group.instance_types) if prefixes else None
    return group.max_pods or min(most, usual or FOR_LARGE_INSTANCES)


def warn_of_too_few_addresses(
    settings: NewClusterBaseSettings, pods_of: Mapping[str, int], free: int | None, zones: int
) -> None:
    """Warn where all nodes with all their pods need more addresses than the subnets of pods have.

    Args:
        settings: The configuration of the stack.
        pods_of: How many pods a node of each group takes.
        free: Free addresses of existing subnets; None for those of a new VPC.
        zones: How many zones a new VPC has.
    """
    block = ADDRESSES_OF_A_PREFIX if _prefixes(settings) else 1
    need = sum(
        group.max_size * -(-(pods_of[name] + _OF_THE_AGENT) // block) * block
        for name, group in settings.node_groups.items()
    )
    if free is None:
        assert settings.network.pod_cidr is not None, "a new VPC has pod subnets by podCidr"
        quarter = ipaddress.IPv4Network(settings.network.pod_cidr).num_addresses // 4
        free = zones * (quarter - _RESERVED)
    if need > free:
        pulumi.log.warn(
            f"all node groups at maxSize need {need} addresses for pods, and their subnets have {free}: the "
            "last nodes would get none"
        )


def _prefixes(settings: NewClusterBaseSettings) -> bool:
    return isinstance(settings, NewClusterSettings) and settings.cilium.prefix_delegation


def _limits(kind: str, provider: aws.Provider) -> InterfaceLimits:
    found = aws.ec2.get_instance_type(instance_type=kind, opts=pulumi.InvokeOptions(provider=provider))
    return InterfaceLimits(
        interfaces=found.maximum_network_interfaces, addresses=found.maximum_ipv4_addresses_per_interface
    )
