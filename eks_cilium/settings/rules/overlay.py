"""Rules about an overlay (`cilium.ipam: cluster-pool`) in a new cluster: its pool, keys of the other mode.

What an existing VPC shows (further networks, routes) is checked in the preview, by `ExistingNetwork`; other
clusters by the checks of a mesh.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.overlay.pools import PRIVATE, PodNetwork, is_private, mask_size_for, proposal, shared
from eks_cilium.cilium.pod_limit import without_interfaces
from eks_cilium.settings.model import Overlay
from eks_cilium.settings.node_count import most_nodes
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterSettings, NodeGroup

_CIDRS = ("cilium", "overlay", "podCidrs")
_MASK_SIZE = ("cilium", "overlay", "nodeMaskSize")

# The keys of ENI mode, each with its value when it is not set.
_OF_ENI_MODE: tuple[tuple[str, str, Any], ...] = (
    ("prefix_delegation", "prefixDelegation", False),
    ("egress_masquerade_interfaces", "egressMasqueradeInterfaces", None),
    ("native_routing_cidr", "nativeRoutingCidr", None),
)


def keys_fit_the_addresses(settings: NewClusterSettings) -> Iterator[Problem]:
    wanted = settings.cilium
    if wanted.ipam == "eni":
        if wanted.overlay is not None:
            path = ("cilium", "overlay")
            instead = set_fix(("cilium", "ipam"), "cluster-pool")
            value = wanted.overlay.model_dump(by_alias=True, exclude_defaults=True, mode="json")
            allowed = "nothing while cilium.ipam is eni"
            yield Problem(path, value, allowed, f"{remove_command(path)}, or {instead}")
        return
    for field, name, unset in _OF_ENI_MODE:
        given, path = getattr(wanted, field), ("cilium", name)
        if given != unset:
            allowed = "nothing while cilium.ipam is cluster-pool: Cilium makes no network interfaces then"
            yield Problem(path, given, allowed, remove_command(path))


def pods_are_masqueraded(settings: NewClusterSettings) -> Iterator[Problem]:
    # The VPC has no route to an address of the overlay.
    path = ("cilium", "masquerade")
    if settings.cilium.ipam == "cluster-pool" and settings.cilium.masquerade == "off":
        allowed = "auto or on: the VPC drops what leaves a node with an address of the overlay"
        yield Problem(path, "off", allowed, set_fix(path, "auto"))


def pool_is_given(settings: NewClusterSettings) -> Iterator[Problem]:
    if settings.cilium.ipam == "cluster-pool" and not _overlay(settings).pod_cidrs:
        allowed = "networks for pods' addresses while cilium.ipam is cluster-pool; they can never be changed"
        yield Problem(_CIDRS, UNSET, allowed, set_fix(_CIDRS, [_proposal(settings)]))


def pool_is_free(settings: NewClusterSettings) -> Iterator[Problem]:
    """Addresses of the pool belong to pods on every node, whatever else has them."""
    taken = list(_networks(settings))
    for index, cidr in enumerate(_pool(settings).cidrs):
        path: tuple[str | int, ...] = (*_CIDRS, index)
        earlier = [("podCidrs", other) for other in _pool(settings).cidrs[:index]]
        found = list(shared(cidr, [*taken, *earlier]))
        if not is_private(cidr):
            allowed = f"a network inside {PRIVATE}"
            yield Problem(path, cidr, allowed, set_fix(path, _proposal(settings)))
        elif found:
            allowed = f"a network without addresses of any other; shared with {', '.join(found)}"
            yield Problem(path, cidr, allowed, set_fix(path, _proposal(settings)))
        elif not _pool(settings).nodes_in(cidr):
            allowed = f"a network that holds a /{_pool(settings).mask_size} for each node"
            yield Problem(path, cidr, allowed, set_fix(path, _proposal(settings)))


def pool_suffices_for_every_node(settings: NewClusterSettings) -> Iterator[Problem]:
    # The agent of a node that finds the pool exhausted waits for ever.
    pool, largest = _pool(settings), most_nodes(settings)
    if pool.cidrs and all(map(pool.nodes_in, pool.cidrs)) and pool.nodes < largest:
        allowed = (
            f"networks for the {largest} nodes there may be, those included that EKS adds during an update; "
            f"these suffice for {pool.nodes}, as each takes a /{pool.mask_size}"
        )
        yield Problem(_CIDRS, list(pool.cidrs), allowed, set_fix(_CIDRS, [_proposal(settings)]))


def parts_suffice_for_every_pod(settings: NewClusterSettings) -> Iterator[Problem]:
    # More pods than addresses would be bound to a node, and wait there for ever.
    if settings.cilium.ipam != "cluster-pool":
        return
    pool = _pool(settings)
    limits = {name: _max_pods(group) for name, group in settings.node_groups.items()}
    name, most = max(limits.items(), key=lambda item: item[1])
    if most > pool.pods_of_a_node:
        allowed = (
            f"{mask_size_for(most)} or less, as nodes of {name} take {most} pods, or a smaller maxPods "
            f"there: a /{pool.mask_size} has addresses for {pool.pods_of_a_node}"
        )
        yield Problem(_MASK_SIZE, pool.mask_size, allowed, set_fix(_MASK_SIZE, mask_size_for(most)))


def services_fit_the_tunnels(settings: NewClusterSettings) -> Iterator[Problem]:
    # Agents end otherwise: pkg/kpr/initializer, "Node Port mode cannot be used with vxlan tunneling", "Tunnel
    # routing with Node Port mode requires geneve dispatch".
    balancing = settings.cilium.values.get("loadBalancer")
    if settings.cilium.ipam != "cluster-pool" or not isinstance(balancing, Mapping):
        return
    mode, path = balancing.get("mode"), ("cilium", "values", "loadBalancer", "mode")
    geneve = (_overlay(settings).protocol, balancing.get("dsrDispatch")) == ("geneve", "geneve")
    if mode in ("dsr", "hybrid") and not geneve:
        allowed = (
            "snat where nodes have VXLAN tunnels; dsr and hybrid need cilium.overlay.protocol geneve and "
            "loadBalancer.dsrDispatch geneve"
        )
        yield Problem(path, mode, allowed, set_fix(path, "snat"))


def _max_pods(group: NodeGroup) -> int:
    return group.max_pods or without_interfaces(group.instance_types)


def _overlay(settings: NewClusterSettings) -> Overlay:
    return settings.cilium.overlay or Overlay()


def _pool(settings: NewClusterSettings) -> PodNetwork:
    """The pool of the configuration; empty where there is no overlay."""
    wanted = _overlay(settings)
    cidrs = wanted.pod_cidrs if settings.cilium.ipam == "cluster-pool" else ()
    return PodNetwork(cidrs, wanted.node_mask_size)


def _networks(settings: NewClusterSettings) -> Iterator[tuple[str, str]]:
    """The networks that are known without AWS."""
    yield "cluster.serviceCidr", settings.cluster.service_cidr
    if settings.network.cidr is not None:
        yield "network.cidr", settings.network.cidr


def _proposal(settings: NewClusterSettings) -> str:
    taken = [cidr for _, cidr in _networks(settings)]
    return proposal(most_nodes(settings), _overlay(settings).node_mask_size, taken)


RULES = (
    keys_fit_the_addresses,
    pods_are_masqueraded,
    pool_is_given,
    pool_is_free,
    pool_suffices_for_every_node,
    parts_suffice_for_every_pod,
    services_fit_the_tunnels,
)
