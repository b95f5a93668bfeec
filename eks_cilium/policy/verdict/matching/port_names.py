"""Which port a rule means that names one: it depends on the direction and on the release of the agents.

On ingress it is the pod's own port. On egress, agents from 1.20 on take the port of the peer that the rule
selects (GetEgressNamedPorts in pkg/policy/resolve.go). Older ones take one number for all peers, from the
pods they know; where these differ, the rule matches no peer (GetNamedPort in pkg/endpoint/policy.go,
ErrDuplicateNamedPorts in pkg/types/portmap.go). Agents know the names of another cluster's pods if its
clustermesh-apiserver passes them on, which it does from 1.20 on (clustermesh/converters.go of it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.model import Cluster, Endpoint, Pod
from eks_cilium.policy.verdict.ports import PortNames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eks_cilium.policy.verdict.model import Port

FIRST_NAMES_OF_PEERS = (1, 20)
_NONE = PortNames()


def names_of(endpoint: Endpoint) -> PortNames:
    """The names of an endpoint's own ports; endpoints that are no pods name none."""
    if not isinstance(endpoint, Pod):
        return _NONE
    if endpoint.named_ports is None:
        return PortNames(None, f"which port of {endpoint} is")
    return PortNames(frozenset(endpoint.named_ports.items()))


def names_on_egress(cluster: Cluster, mesh: Mapping[str, Cluster]) -> Callable[[Endpoint], PortNames]:
    """Find the names that count on egress.

    Args:
        cluster: The cluster whose agents decide.
        mesh: All clusters by their names, this one included.

    Returns:
        A function that returns the names for a destination.
    """
    known = {each.name: each for each in mesh.values() if each is cluster or _passes_names_on(each)}
    if _passes_names_on(cluster):
        return lambda peer: names_of(peer) if isinstance(peer, Pod) and peer.cluster in known else _NONE
    of_pods = _together(known.values())
    return lambda _: of_pods


def _passes_names_on(cluster: Cluster) -> bool:
    return cluster.agents.minor >= FIRST_NAMES_OF_PEERS


def _together(clusters: Iterable[Cluster]) -> PortNames:
    found: set[tuple[str, Port]] = set()
    for cluster in clusters:
        if cluster.named_ports is None:
            return PortNames(None, f"which ports of the pods of {cluster.name} are")
        found |= cluster.named_ports
    return PortNames(frozenset(found))
