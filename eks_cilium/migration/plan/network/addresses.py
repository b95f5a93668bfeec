"""Whether new nodes and their subnets have an address for every pod, once Cilium assigns them.

A node has what its instance type's interfaces hold: each has its own first address, which no pod gets
(`GetMaximumAllocatableIPv4` in Cilium's pkg/aws/eni/node.go). With prefix delegation each of the others is a
/28 block. Cilium uses two addresses of every node itself, for its router and its health endpoint, and keeps
eight more ready for the next pods (`IPAMPreAllocation` in pkg/defaults/defaults.go).

A zone's subnets are one pool: the operator creates interfaces in any of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import INSTANCE_TYPE, Reference
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code
from eks_cilium.settings.model import width
from eks_cilium.texts import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.migration.facts.model import Facts, Group, Node
    from eks_cilium.migration.facts.network.model import InterfaceLimits, Subnet
    from eks_cilium.migration.options import CiliumChoices
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.settings.model.migration import MigrationOptions

_OWN = 2
"""Addresses of each node that Cilium uses itself."""
_READY = 8
"""Addresses that Cilium keeps ready on each node."""
_OF_A_PREFIX = 16
_BEYOND_INTERFACES = 2
"""Pods with the node's address that kubelet's usual limit counts on (eni_max_pods.go of amazon-eks-ami)."""


@dataclass(frozen=True, slots=True)
class NodeAddresses:
    """What Cilium can assign on one instance type."""

    limits: InterfaceLimits
    prefixes: bool

    @property
    def most(self) -> int:
        """Addresses of all interfaces, Cilium's own two included."""
        return self.limits.interfaces * self._of_interface

    @property
    def for_pods(self) -> int:
        return max(self.most - _OWN, 0)

    @property
    def usual_most_pods(self) -> int:
        """Kubelet's limit where nodes are not sized for prefixes."""
        return self.limits.interfaces * (self.limits.addresses - 1) + _BEYOND_INTERFACES

    def blocks(self, pods: int) -> int:
        """How many /28 blocks a node with so many pods takes."""
        return ceil(min(pods + _OWN + _READY, self.most) / _OF_A_PREFIX)

    def taken(self, pods: int) -> int:
        """How many addresses of its subnets a node with so many pods takes, its interfaces' own included."""
        wanted = min(pods + _OWN + _READY, self.most)
        if self.prefixes:
            wanted = self.blocks(pods) * _OF_A_PREFIX
        return wanted + ceil(wanted / self._of_interface)

    @property
    def _of_interface(self) -> int:
        usable = max(self.limits.addresses - 1, 1)
        return usable * _OF_A_PREFIX if self.prefixes else usable


@dataclass(frozen=True, slots=True)
class _Members:
    """The old nodes of one group, and what their replacements will have."""

    group: Group
    nodes: tuple[Node, ...]
    pods: Mapping[str, int]
    """Pods with addresses of their own, by node."""
    addresses: NodeAddresses
    """Those of its instance type with the fewest."""
    kind: str

    @property
    def total(self) -> int:
        return sum(self.pods[node.name] for node in self.nodes)

    @property
    def fullest(self) -> int:
        return max(self.pods[node.name] for node in self.nodes)

    @property
    def usual(self) -> int:
        """Pods on a node of this group, on average."""
        return ceil(self.total / len(self.nodes))


@dataclass(slots=True)
class _Zone:
    """What nodes take from the subnets of one zone, and what they leave."""

    subnets: list[Subnet] = field(default_factory=list)
    first: int = 0
    """Addresses that the extra nodes take before an old one has left."""
    first_blocks: int = 0
    at_once: int = 0
    """The same while as many nodes as allowed are replaced at once."""
    in_all: int = 0
    nodes: int = 0
    held: int = 0
    """Addresses that old nodes give back."""


def check(
    facts: Facts,
    options: MigrationOptions,
    cilium: CiliumChoices,
    order: Sequence[tuple[Node, Group]],
    findings: Findings,
    *,
    extra: int | str,
) -> None:
    """Add findings about nodes and subnets that have fewer addresses than the pods need.

    `extra` nodes, or that share of it, are still to be added to each group before the first old one leaves.
    """
    network = facts.network
    if network.untold:
        cluster = Reference("Cluster", "", facts.cluster.name)
        for sentence in network.untold:
            findings.add(Code.ADDRESSES_UNKNOWN, cluster, detail=sentence)
    pods = _with_own_addresses(facts)
    members = []
    for group, nodes in _by_group(order):
        known = _members(facts, cilium, group, nodes, pods)
        if known is not None:
            members.append(known)
            _check_nodes(known, options, findings)
        elif facts.aws_node and facts.aws_node.prefixes and not cilium.prefix_delegation:
            _note_lost_prefixes(group, nodes, pods, findings)
    for name, zone in _zones(facts, options, cilium, members, extra).items():
        _check_zone(name, zone, options, cilium, findings)


def _by_group(order: Sequence[tuple[Node, Group]]) -> list[tuple[Group, tuple[Node, ...]]]:
    nodes: dict[str, list[Node]] = defaultdict(list)
    for node, group in order:
        nodes[group.name].append(node)
    groups = {group.name: group for _, group in order}
    return [(groups[name], tuple(members)) for name, members in nodes.items()]


def _with_own_addresses(facts: Facts) -> Mapping[str, int]:
    """How many pods have an address of their own, by node."""
    return Counter(pod.node for pod in facts.pods if not pod.terminal and not pod.host_network)


def _members(
    facts: Facts, cilium: CiliumChoices, group: Group, nodes: tuple[Node, ...], pods: Mapping[str, int]
) -> _Members | None:
    """The nodes of a group; None where the limits of none of its instance types are known."""
    known = {
        kind: NodeAddresses(limits, cilium.prefix_delegation and limits.takes_prefixes)
        for kind in {node.labels.get(INSTANCE_TYPE, "") for node in nodes}
        if (limits := facts.network.limits.get(kind))
    }
    if not known:
        return None
    kind = min(known, key=lambda each: (known[each].most, each))
    return _Members(group, nodes, pods, known[kind], kind)


def _note_lost_prefixes(
    group: Group, nodes: tuple[Node, ...], pods: Mapping[str, int], findings: Findings
) -> None:
    fullest = max(pods[node.name] for node in nodes)
    limit = max((node.most_pods or 0 for node in nodes), default=0)
    detail = (
        f"{counted(len(nodes), 'node')} have up to {fullest} pods with addresses of their "
        f"own and a limit of {limit or 'unknown'} pods each, from prefixes of the VPC CNI; "
        "cilium.prefixDelegation is false, and how many addresses Cilium then has there is not known"
    )
    findings.add(Code.ADDRESSES_SCARCE, Reference("Auto Scaling group", "", group.name), detail=detail)


def _check_nodes(members: _Members, options: MigrationOptions, findings: Findings) -> None:
    """Kubelet's limit and the pods against addresses. A limit by AWS's own formula lets at most two wait."""
    about = Reference("Auto Scaling group", "", members.group.name)
    addresses, nodes = members.addresses, len(members.nodes)
    limit = max((node.most_pods or 0 for node in members.nodes), default=0)
    too_many = limit > max(addresses.usual_most_pods, addresses.most)
    too_full = members.fullest > (addresses.for_pods if too_many else addresses.most)
    if not too_many and members.fullest <= addresses.for_pods:
        return
    detail = (
        f"{counted(nodes, 'node')} of {members.kind} with up to {members.fullest} pods that have addresses "
        f"of their own, {members.total} in all, and a limit of {limit or 'unknown'} pods each; Cilium has "
        f"{addresses.most} addresses there {'with' if addresses.prefixes else 'without'} prefixes, {_OWN} of "
        "them its own"
    )
    if not too_full:
        findings.add(Code.ADDRESSES_SCARCE, about, detail=detail)
    else:
        permitted = covers(options.allow.addresses, about)
        findings.add(Code.ADDRESSES_SCARCE if permitted else Code.NODE_ADDRESSES, about, detail=detail)


def _zones(
    facts: Facts,
    options: MigrationOptions,
    cilium: CiliumChoices,
    members: Sequence[_Members],
    extra: int | str,
) -> Mapping[str, _Zone]:
    """The zones whose subnets AWS has described."""
    network = facts.network
    chosen = cilium.subnets or tuple({subnet for each in members for subnet in each.group.subnets})
    zones: dict[str, _Zone] = defaultdict(_Zone)
    for subnet in sorted(chosen):
        if known := network.subnets.get(subnet):
            zones[known.zone].subnets.append(known)
    for each in members:
        nodes = len(each.nodes)
        first = min(width.besides(extra, nodes), nodes) if extra else 0
        _count_group(each, width.at_once(options.parallel, nodes), first, zones)
        for node in each.nodes:
            held = network.held.get(node.instance or "", {})
            if node.zone in zones:
                zone = zones[node.zone]
                zone.held += sum(held.get(subnet.id, 0) for subnet in zone.subnets)
    return {name: zone for name, zone in zones.items() if zone.subnets}


def _count_group(members: _Members, parallel: int, extra: int, zones: Mapping[str, _Zone]) -> None:
    taken = members.addresses.taken(members.usual)
    for name in members.group.zones:
        if name not in zones:
            continue
        zone, first = zones[name], ceil(extra / len(members.group.zones))
        here = sum(node.zone == name for node in members.nodes)
        zone.first += first * taken
        zone.first_blocks += first * members.addresses.blocks(members.usual)
        zone.at_once += (first + min(parallel, here)) * taken
        zone.in_all += here * taken
        zone.nodes += here


def _check_zone(
    name: str, zone: _Zone, options: MigrationOptions, cilium: CiliumChoices, findings: Findings
) -> None:
    about = Reference("Zone", "", name)
    free, blocks = sum(each.free for each in zone.subnets), [each.blocks for each in zone.subnets]
    room = ", ".join(f"{each.id} {each.free} of {each.cidr}" for each in zone.subnets)
    short = []
    if zone.first > free:
        short.append(f"the first new nodes take {zone.first} addresses")
    if zone.held and zone.in_all > free + zone.held:
        given = f"{free + zone.held} with the {zone.held} that its old nodes give back"
        short.append(f"its {counted(zone.nodes, 'new node')} take {zone.in_all} in all, of {given}")
    whole = sum(each for each in blocks if each is not None)
    if cilium.prefix_delegation and None not in blocks and zone.first_blocks > whole:
        short.append(f"the first new nodes take {zone.first_blocks} whole /28 blocks, and {whole} are free")
    permitted = covers(options.allow.addresses, about)
    if short:
        code = Code.ADDRESSES_SCARCE if permitted else Code.SUBNET_ADDRESSES
        findings.add(code, about, detail=f"free are {room}; {'; '.join(short)}")
    elif zone.at_once > free:
        text = f"free are {room}; up to {zone.at_once} are taken while nodes are replaced at once"
        findings.add(Code.ADDRESSES_SCARCE, about, detail=text)
