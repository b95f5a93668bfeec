"""The rules of a cluster in one direction, and which of them match the ends and the port of a flow.

`Evaluator` has two for each cluster. What an endpoint matches is found once and kept for its identity, so
that a flow between endpoints that were seen before costs a few lookups, whatever the number of policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from eks_cilium.policy.verdict.labels import YES, Identity, any_of, identity_of
from eks_cilium.policy.verdict.matching.selectors import SelectorIndex
from eks_cilium.policy.verdict.matching.sets import Sets, grouped, members, union
from eks_cilium.policy.verdict.model import Cluster, Endpoint, Pod
from eks_cilium.policy.verdict.peers import CidrPeer, LabelPeer, Peer, RuntimePeer
from eks_cilium.policy.verdict.ports import PortNames, ports_match

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from eks_cilium.policy.verdict.labels import Answer
    from eks_cilium.policy.verdict.model import Port
    from eks_cilium.policy.verdict.reading.rule import Rule

_Key = TypeVar("_Key", bound="Hashable")
_Value = TypeVar("_Value")
MOST_KEPT = 50_000
"""How many endpoints, ports and outcomes are kept of each kind, so that memory does not grow with flows."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An endpoint as one end of flows: the rules that select it, or that mean it as their peer."""

    endpoint: Endpoint
    identity: Identity
    rules: Sets
    names: PortNames
    """The names of ports that count where the endpoint is the destination."""


class Side:
    """The rules of one direction, as sets of their numbers.

    Args:
        cluster: The cluster whose agents enforce them.
        rules: The rules, all of the same direction.
        names: Returns the names of ports that count for a destination.

    Attributes:
        denying: The rules that deny.
        default_deny: The rules that switch default deny on for the pods they select.
        with_ports: The rules that match some ports only.
    """

    def __init__(
        self, cluster: Cluster, rules: Sequence[Rule], names: Callable[[Endpoint], PortNames]
    ) -> None:
        self._cluster, self._rules, self._names = cluster, tuple(rules), names
        numbered = [(1 << number, rule) for number, rule in enumerate(rules)]
        self.denying = union(bit for bit, rule in numbered if rule.deny)
        self.default_deny = union(bit for bit, rule in numbered if rule.default_deny)
        self.with_ports = union(bit for bit, rule in numbered if rule.ports)
        self._any_peer = union(bit for bit, rule in numbered if rule.peers is None)
        self._any_port = union(bit for bit, rule in numbered if rule.ports is None)
        self._ports = grouped((rule.ports, bit) for bit, rule in numbered if rule.ports)
        self._names_matter = any(port.name for ports in self._ports for port in ports)
        self._subjects = SelectorIndex(grouped((rule.subject, bit) for bit, rule in numbered))
        peers = grouped((peer, bit) for bit, rule in numbered for peer in rule.peers or ())
        self._labels, self._networks, self._others = _by_kind(peers)
        self._kept: tuple[dict[int, Seen], dict[int, Seen]] = {}, {}
        self._of_identity: tuple[dict[Identity, Sets], dict[Hashable, Sets]] = {}, {}
        self._of_port: dict[Hashable, Sets] = {}

    def subject(self, pod: Pod) -> Seen:
        """A pod with the rules that select it."""
        # By its place in memory, which `Seen` keeps from being reused: comparing labels would take longer.
        found = self._kept[0].get(id(pod))
        return found or keep(self._kept[0], id(pod), self._seen_subject(pod))

    def peer(self, endpoint: Endpoint) -> Seen:
        """An endpoint with the rules that mean it as a peer."""
        found = self._kept[1].get(id(endpoint))
        return found or keep(self._kept[1], id(endpoint), self._seen_peer(endpoint))

    def at(self, port: Port, names: PortNames) -> Sets:
        """The rules that hold a port of a destination with these names of ports."""
        key = (port.number, port.protocol, names if self._names_matter else None)
        found = self._of_port.get(key)
        return found or keep(self._of_port, key, self._holding(port, names))

    def rules(self, numbers: int) -> Iterator[Rule]:
        """The rules of a set, in the order of the policies."""
        return (self._rules[number] for number in members(numbers))

    def peers_match(self, rule: Rule, peer: Seen) -> Answer:
        """Whether a rule means a peer, with what would have to be known."""
        if rule.peers is None:
            return YES
        return any_of(each.matches(peer.endpoint, peer.identity, self._cluster) for each in rule.peers)

    def _seen_subject(self, pod: Pod) -> Seen:
        identity, kept = identity_of(pod), self._of_identity[0]
        rules = kept.get(identity)
        if rules is None:
            rules = keep(kept, identity, self._subjects.rules_selecting(identity))
        return Seen(pod, identity, rules, self._names(pod))

    def _seen_peer(self, endpoint: Endpoint) -> Seen:
        identity, kept = identity_of(endpoint), self._of_identity[1]
        key: Hashable = endpoint
        if isinstance(endpoint, Pod):
            key = (identity, endpoint.addresses) if "pods" in self._cluster.cidr_selects else identity
        rules = kept.get(key)
        if rules is None:
            rules = keep(kept, key, self._meaning(endpoint, identity))
        return Seen(endpoint, identity, rules, self._names(endpoint))

    def _meaning(self, endpoint: Endpoint, identity: Identity) -> Sets:
        found = Sets(self._any_peer, self._any_peer) | self._labels.rules_selecting(identity)
        networks = not isinstance(endpoint, Pod) or "pods" in self._cluster.cidr_selects
        for peers in (self._networks if networks else {}, self._others):
            for peer, rules in peers.items():
                found |= _those(rules, peer.matches(endpoint, identity, self._cluster))
        return found

    def _holding(self, port: Port, names: PortNames) -> Sets:
        found = Sets(self._any_port, self._any_port)
        for ports, rules in self._ports.items():
            found |= _those(rules, ports_match(ports, port, names))
        return found


def keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> _Value:
    """Remember a value, and forget all earlier ones where they are too many; returns the value."""
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = value
    return value


def _those(rules: int, matches: Answer) -> Sets:
    return Sets(rules if matches.truth else 0, 0 if matches.truth is False else rules)


def _by_kind(peers: dict[Peer, int]) -> tuple[SelectorIndex, dict[CidrPeer, int], dict[RuntimePeer, int]]:
    labels = grouped((peer.selector, bits) for peer, bits in peers.items() if isinstance(peer, LabelPeer))
    networks = {peer: bits for peer, bits in peers.items() if isinstance(peer, CidrPeer)}
    others = {peer: bits for peer, bits in peers.items() if not isinstance(peer, LabelPeer | CidrPeer)}
    return SelectorIndex(labels), networks, others
