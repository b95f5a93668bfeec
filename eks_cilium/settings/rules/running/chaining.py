"""Rules about chaining Cilium to the VPC CNI that need nothing but the configuration.

What the cluster shows (its network, its VPC CNI, its pods) is checked in the preview.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.cilium.chaining import DEFAULT_POOL, OLDEST_VPC_CNI, nodes_in, overlaps
from eks_cilium.settings.model import ChainingSettings, NewChainedClusterSettings
from eks_cilium.settings.node_count import most_nodes
from eks_cilium.settings.problems import Problem, remove_command, set_fix
from eks_cilium.settings.rules.running.both_modes import cluster_name_suits_cilium, patterns_twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    Chained = ChainingSettings | NewChainedClusterSettings

_LARGEST, _SMALLEST = 10, 20


def pool_fits(settings: Chained) -> Iterator[Problem]:
    # Every node would send packets for a peer with such an address to an agent.
    pool, path = settings.cilium.pool, ("cilium", "pool")
    if not _LARGEST <= ipaddress.IPv4Network(pool).prefixlen <= _SMALLEST:
        allowed = f"a network of /{_LARGEST} to /{_SMALLEST}: every node takes a /27 of it"
        yield Problem(path, pool, allowed, set_fix(path, DEFAULT_POOL))
    shared = list(overlaps(pool, _networks(settings)))
    if shared:
        allowed = f"a network without addresses of any other; shared with {', '.join(shared)}"
        yield Problem(path, pool, allowed, set_fix(path, DEFAULT_POOL))


def _networks(settings: Chained) -> Iterator[tuple[str, str]]:
    """The networks that are known here; those of a running cluster are compared in the preview."""
    yield from (("peer", cidr) for cidr in settings.peer_cidrs)
    if isinstance(settings, NewChainedClusterSettings):
        yield "the network of Services", settings.cluster.service_cidr
        if settings.network.cidr is not None:
            yield "the VPC", settings.network.cidr


def pool_suffices_for_every_node(settings: NewChainedClusterSettings) -> Iterator[Problem]:
    # The agent of a node that finds the pool exhausted never becomes Ready.
    largest, nodes = most_nodes(settings), nodes_in(settings.cilium.pool)
    pool, path = settings.cilium.pool, ("cilium", "pool")
    if nodes < largest:
        allowed = f"a network for the {largest} nodes there may be; this one suffices for {nodes}"
        yield Problem(path, pool, allowed, set_fix(path, DEFAULT_POOL))


def vpc_cni_can_be_chained_to(settings: NewChainedClusterSettings) -> Iterator[Problem]:
    # The oldest release that Cilium's documentation of AWS VPC CNI chaining names.
    version, path = settings.vpc_cni.version, ("vpcCni", "version")
    if tuple(map(int, version[1:].partition("-")[0].split("."))) < OLDEST_VPC_CNI:
        allowed = (
            f"a build of v{'.'.join(map(str, OLDEST_VPC_CNI))} or newer, so that Cilium can be chained to it"
        )
        yield Problem(path, version, allowed, set_fix(path, "v1.20.5-eksbuild.1"))


def peers_are_given_once(settings: Chained) -> Iterator[Problem]:
    # A network written twice may stand for another one that is missing.
    for index, cidr in enumerate(settings.peer_cidrs):
        if cidr in settings.peer_cidrs[:index]:
            path = ("peerCidrs", index)
            yield Problem(path, cidr, "every network once", remove_command(path))


def patterns_are_given_once(settings: ChainingSettings) -> Iterator[Problem]:
    # A pattern written twice may stand for another one that is missing.
    yield from patterns_twice(settings.refresh, ("refresh",))
    yield from patterns_twice(settings.refresh.allow, ("refresh", "allow"))


RULES = (cluster_name_suits_cilium, pool_fits, peers_are_given_once, patterns_are_given_once)
FOR_A_NEW_CLUSTER = (pool_fits, pool_suffices_for_every_node, vpc_cni_can_be_chained_to, peers_are_given_once)
