"""Whom an entry of a policy is about: labels, entities, networks, and what cannot be known beforehand."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.policy.objects.model import CLUSTER_LABEL
from eks_cilium.policy.verdict.labels import (
    ANY,
    KUBERNETES,
    NO,
    RESERVED,
    YES,
    Answer,
    Requirement,
    Selector,
    network,
)
from eks_cilium.policy.verdict.model import Address, Cluster, Endpoint, Entity, Pod

if TYPE_CHECKING:
    from eks_cilium.policy.verdict.labels import Identity

_IN_A_CLUSTER = ("host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver")


@dataclass(frozen=True)
class LabelPeer:
    """Ends whose labels a selector selects."""

    selector: Selector
    section: str

    def answer(self, end: Endpoint, who: Identity, cluster: Cluster) -> Answer:  # noqa: ARG002 - as all peers
        """Whether an end is meant."""
        return self.selector.answer(who)


@dataclass(frozen=True)
class CidrPeer:
    """Addresses in a network. They select no pods and no nodes, unless Cilium is told otherwise."""

    cidr: str
    but: tuple[str, ...] = ()

    def answer(self, end: Endpoint, who: Identity, cluster: Cluster) -> Answer:
        """Whether an end is meant."""
        if isinstance(end, Address):
            address = ipaddress.ip_address(end.address)
            outside = any(address in network(one) for one in self.but)
            return Answer(address in network(self.cidr) and not outside)
        if isinstance(end, Pod):
            return Answer(None, f"the address of {end}") if "pods" in cluster.cidr_selects else NO
        if who.value(RESERVED, "world") is not None:
            # All of IPv4 is known by the label alone.
            return (
                YES if network(self.cidr).prefixlen == 0 and not self.but else Answer(None, _addresses(end))
            )
        nodes = end.name in ("host", "remote-node") and "nodes" in cluster.cidr_selects
        return Answer(None, _addresses(end)) if nodes else NO


def _addresses(entity: Entity) -> str:
    return f"the addresses of {entity.name}"


@dataclass(frozen=True)
class RuntimePeer:
    """Ends that are known only while the agents run."""

    section: str
    words: str

    def answer(self, end: Endpoint, who: Identity, cluster: Cluster) -> Answer:
        """Whether an end is meant: what stands for addresses of the world is never a pod."""
        if self.section in ("toServices", "fromRequires", "toRequires"):
            return Answer(None, self.words)
        if self.section in ("toNodes", "fromNodes"):
            return Answer(None, self.words) if end == Entity("remote-node") else NO
        if isinstance(end, Pod):
            pods = self.section == "cidrGroup" and "pods" in cluster.cidr_selects
            return Answer(None, self.words) if pods else NO
        return Answer(None, self.words) if who.value(RESERVED, "world") is not None else NO


Peer: TypeAlias = LabelPeer | CidrPeer | RuntimePeer


def entity_peers(name: str, cluster: str) -> list[Peer]:
    """What an entity stands for (Cilium's pkg/policy/api/entity.go). `none` is a label nobody has."""
    if name == "all":
        return [LabelPeer(Selector(), "all")]
    names = _IN_A_CLUSTER if name in ("cluster", "cluster-mesh") else (name,)
    requirements = [Requirement(RESERVED, one, "In", ("",)) for one in names]
    if name == "cluster":
        requirements.append(Requirement(KUBERNETES, CLUSTER_LABEL, "In", (cluster,)))
    if name == "cluster-mesh":
        requirements.append(Requirement(ANY, CLUSTER_LABEL, "Exists"))
    return [LabelPeer(Selector((one,)), name) for one in requirements]
