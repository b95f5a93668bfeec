"""The peers of an entry of a policy: by labels, by networks, or by what is known only while agents run."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from eks_cilium.policy.objects.model import CLUSTER_LABEL
from eks_cilium.policy.verdict.labels import (
    ANY,
    KUBERNETES,
    NO,
    RESERVED,
    YES,
    Answer,
    Identity,
    Requirement,
    Selector,
    network,
    selector,
)
from eks_cilium.policy.verdict.model import Address, Cluster, Endpoint, Entity, NetworkGroup, Pod

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_IPV4 = 4
# Compared with the text ::/0 in all places up to 1.12; any IPv6 network of length 0 in the others.
_LAST_ALL_OF_IPV6, _ALL_OF_IPV6_IN_SETS = (1, 12), ((1, 17), (1, 18))
_GROUP, _GROUP_NAME = "cidrgroup", "io.cilium.policy.cidrgroupname"
_IN_A_CLUSTER = ("host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver")


@dataclass(frozen=True)
class LabelPeer:
    """Endpoints that a selector selects by the labels of their identity."""

    selector: Selector
    section: str
    """The key of the policy that names them: `toEndpoints`, or the name of an entity."""

    def matches(self, endpoint: Endpoint, identity: Identity, cluster: Cluster) -> Answer:  # noqa: ARG002 - all peers take them
        """Whether the entry means an endpoint with this identity."""
        return self.selector.matches(identity)


@dataclass(frozen=True)
class CidrPeer:
    """Addresses in a network. Pods and nodes are not meant, unless `policy-cidr-match-mode` says so."""

    cidr: str
    excluded: tuple[str, ...] = ()
    """Networks inside of it that are not meant."""
    means_world: bool = False
    """Whether agents take it for every address outside of the clusters, see `network_peer`."""

    def __post_init__(self) -> None:
        """Refuse with a ValueError what is no network, while the policy is read and not at its first flow."""
        for each in (self.cidr, *self.excluded):
            network(each)

    def matches(self, endpoint: Endpoint, identity: Identity, cluster: Cluster) -> Answer:
        """Whether the network holds the endpoint's address; unknown where the address is not known."""
        if isinstance(endpoint, Address):
            return YES if self._holds(endpoint.address) else NO
        if isinstance(endpoint, Pod):
            return self._holds_pod(endpoint, cluster) if "pods" in cluster.cidr_selects else NO
        nodes = endpoint.name in ("host", "remote-node") and "nodes" in cluster.cidr_selects
        if endpoint.address and nodes:
            return YES if self._holds(endpoint.address) else NO
        if identity.value(RESERVED, "world") is not None:
            return YES if self._is_everything else Answer(None, _addresses(endpoint))
        return Answer(None, _addresses(endpoint)) if nodes else NO

    def _holds_pod(self, pod: Pod, cluster: Cluster) -> Answer:
        """Whether the network holds a pod, where networks select pods.

        Agents put the networks that hold a pod of their own into its identity (computeCIDRLabelsRLocked in
        pkg/endpoint/endpoint.go of 1.20). What is in that of another cluster's pod depends on its agents.
        """
        if pod.cluster != cluster.name:
            return Answer(None, f"the networks that agents of {pod.cluster} put into the identity of {pod}")
        if self._is_everything:
            return YES
        held = {self._holds(address) for address in pod.addresses}
        if len(held) != 1:
            return Answer(None, f"the address of {pod}")
        return YES if held.pop() else NO

    @property
    def _is_everything(self) -> bool:
        """Whether every IPv4 address is meant, whichever it is."""
        return self._has_every_address and not any(network(each).version == _IPV4 for each in self.excluded)

    @property
    def _has_every_address(self) -> bool:
        written = network(self.cidr)
        return self.means_world or (written.version == _IPV4 and written.prefixlen == 0)

    def _holds(self, text: str) -> bool:
        address = ipaddress.ip_address(text)
        held = self._has_every_address or address in network(self.cidr)
        return held and not any(address in network(each) for each in self.excluded)


def _is_remote_node(endpoint: Endpoint) -> bool:
    return isinstance(endpoint, Entity) and endpoint.name == "remote-node"


def _addresses(entity: Entity) -> str:
    return f"the addresses of {entity.name}"


@dataclass(frozen=True)
class RuntimePeer:
    """Peers that are known only while agents run: addresses behind names, Services or groups."""

    section: str
    """The key of the policy that names them."""
    words: str
    """What would have to be known."""

    def matches(self, endpoint: Endpoint, identity: Identity, cluster: Cluster) -> Answer:
        """Unknown where the endpoint may be meant; no where it cannot be.

        What stands for addresses outside of the clusters never means a pod.
        """
        if self.section in ("toServices", "fromRequires", "toRequires"):
            return Answer(None, self.words)
        if self.section in ("toNodes", "fromNodes"):
            return Answer(None, self.words) if _is_remote_node(endpoint) else NO
        if isinstance(endpoint, Pod):
            pods = self.section == "cidrGroup" and "pods" in cluster.cidr_selects
            return Answer(None, self.words) if pods else NO
        return Answer(None, self.words) if identity.value(RESERVED, "world") is not None else NO


Peer: TypeAlias = LabelPeer | CidrPeer | RuntimePeer


def entity_peers(name: str, cluster: str) -> list[Peer]:
    """The peers that an entity of a policy stands for (Cilium's pkg/policy/api/entity.go).

    Args:
        name: The entity. `none` becomes a label that no identity carries.
        cluster: Name of the policy's cluster, for the entity `cluster`.

    Returns:
        Peers of which any one may match.
    """
    if name == "all":
        return [LabelPeer(Selector(), "all")]
    names = _IN_A_CLUSTER if name in ("cluster", "cluster-mesh") else (name,)
    requirements = [Requirement(RESERVED, label, "In", ("",)) for label in names]
    if name == "cluster":
        requirements.append(Requirement(KUBERNETES, CLUSTER_LABEL, "In", (cluster,)))
    if name == "cluster-mesh":
        requirements.append(Requirement(ANY, CLUSTER_LABEL, "Exists"))
    return [LabelPeer(Selector((requirement,)), name) for requirement in requirements]


def network_peer(
    cidr: str, excluded: Iterable[str], minor: tuple[int, int], *, in_list: bool = False
) -> CidrPeer:
    """A network as agents read it.

    Where there is no IPv6, some releases take the network of all IPv6 addresses for the world, that is for
    every address (GetAsEndpointSelectors in pkg/policy/api/cidr.go).

    Args:
        cidr: The network.
        excluded: Networks inside of it that are not meant.
        minor: Release of the agents.
        in_list: Whether it is in `toCIDR` or `fromCIDR`, and not in `toCIDRSet`, `fromCIDRSet` or `ipBlock`.

    Returns:
        The peer.

    Raises:
        ValueError: One of the networks is none.
    """
    outside = tuple(excluded)
    written = network(cidr)
    every_ipv6 = written.version != _IPV4 and written.prefixlen == 0
    in_sets = minor in _ALL_OF_IPV6_IN_SETS and not in_list
    everywhere = minor <= _LAST_ALL_OF_IPV6 and not outside
    return CidrPeer(cidr, outside, every_ipv6 and (in_sets or everywhere))


def network_peers(
    rule: Mapping[str, Any], groups: tuple[NetworkGroup, ...] | None, minor: tuple[int, int]
) -> list[Peer]:
    """The peers of an entry of `toCIDRSet`: a network, or those of CiliumCIDRGroups (pkg/policy/api/cidr.go).

    Args:
        rule: The entry.
        groups: The groups of the cluster; None where they are not known.
        minor: Release of the agents.

    Returns:
        Peers of which any one may match. A group that does not exist, or is empty, matches no endpoint.
    """
    excluded = tuple(rule.get("except") or ())
    if rule.get("cidr"):
        return [network_peer(rule["cidr"], excluded, minor)]
    if groups is None:
        return [RuntimePeer("cidrGroup", "the addresses of a CiliumCIDRGroup")]
    meant = [network for group in groups if _means(rule, group) for network in group.networks]
    return [CidrPeer(network, excluded) for network in meant] or entity_peers("none", "")


def _means(rule: Mapping[str, Any], group: NetworkGroup) -> bool:
    if name := rule.get("cidrGroupRef"):
        return bool(name == group.name)
    labels = {**group.labels, f"{_GROUP_NAME}/{group.name}": ""}
    identity = Identity(tuple((_GROUP, key, value) for key, value in labels.items()))
    return bool(selector(rule.get("cidrGroupSelector"), _GROUP).matches(identity).truth)
