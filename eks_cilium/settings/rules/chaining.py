"""Rules about chaining Cilium to the VPC CNI, as far as the configuration alone shows them.

What the cluster shows (its network, its VPC CNI, its pods) is refused in the preview.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.cilium.chaining import DEFAULT_POOL, OLDEST_VPC_CNI, nodes_in, overlaps
from eks_cilium.settings.model import ChainingSettings, NewChainedClusterSettings
from eks_cilium.settings.problems import Problem, remove_command, set_command
from eks_cilium.settings.rules.running_cluster import cilium_takes_the_name, patterns_twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    Chained = ChainingSettings | NewChainedClusterSettings

_LARGEST, _SMALLEST = 10, 20


def pool_fits(settings: Chained) -> Iterator[Problem]:
    """Agents' addresses that a peer has as well would be taken for the peer's, on every node."""
    pool, path = settings.cilium.pool, ("cilium", "pool")
    if not _LARGEST <= ipaddress.IPv4Network(pool).prefixlen <= _SMALLEST:
        allowed = f"a network of /{_LARGEST} to /{_SMALLEST}: every node takes a /27 of it"
        yield Problem(path, pool, allowed, set_command(path, DEFAULT_POOL))
    shared = list(overlaps(pool, _networks(settings)))
    if shared:
        allowed = f"a network without addresses of any other; shared with {', '.join(shared)}"
        yield Problem(path, pool, allowed, set_command(path, DEFAULT_POOL))


def _networks(settings: Chained) -> Iterator[tuple[str, str]]:
    """What is known of the networks around; a running cluster's own are compared in the preview."""
    yield from (("peer", cidr) for cidr in settings.peer_cidrs)
    if isinstance(settings, NewChainedClusterSettings):
        yield "the network of Services", settings.cluster.service_cidr
        if settings.network.cidr is not None:
            yield "the VPC", settings.network.cidr


def pool_has_room_for_every_node(settings: NewChainedClusterSettings) -> Iterator[Problem]:
    """A node that finds the pool exhausted never gets an agent that is ready."""
    largest = sum(group.max_size for group in settings.node_groups.values())
    pool, path = settings.cilium.pool, ("cilium", "pool")
    room = nodes_in(pool)
    if room < largest:
        allowed = f"room for the {largest} nodes there may be; this one has room for {room}"
        yield Problem(path, pool, allowed, set_command(path, DEFAULT_POOL))


def vpc_cni_can_be_chained_to(settings: NewChainedClusterSettings) -> Iterator[Problem]:
    """A VPC CNI that Cilium's documentation of this chain takes."""
    version, path = settings.vpc_cni.version, ("vpcCni", "version")
    if tuple(map(int, version[1:].partition("-")[0].split("."))) < OLDEST_VPC_CNI:
        allowed = (
            f"a build of v{'.'.join(map(str, OLDEST_VPC_CNI))} or newer, so that Cilium can be chained to it"
        )
        yield Problem(path, version, allowed, set_command(path, "v1.20.5-eksbuild.1"))


def peers_are_given_once(settings: Chained) -> Iterator[Problem]:
    """A network written twice is a slip: perhaps another one was meant."""
    for index, cidr in enumerate(settings.peer_cidrs):
        if cidr in settings.peer_cidrs[:index]:
            path = ("peerCidrs", index)
            yield Problem(path, cidr, "every network once", remove_command(path))


def patterns_are_given_once(settings: ChainingSettings) -> Iterator[Problem]:
    """A pattern written twice is a slip: perhaps another one was meant."""
    yield from patterns_twice(settings.refresh, ("refresh",))
    yield from patterns_twice(settings.refresh.allow, ("refresh", "allow"))


RULES = (cilium_takes_the_name, pool_fits, peers_are_given_once, patterns_are_given_once)
FOR_A_NEW_CLUSTER = (pool_fits, pool_has_room_for_every_node, vpc_cni_can_be_chained_to, peers_are_given_once)
