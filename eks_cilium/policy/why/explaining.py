"""Finds the policies that select the pods of a flow, and what in their entries means or misses the flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from eks_cilium.policy.verdict.labels import YES, Answer, Identity, all_of, any_of, identity_of
from eks_cilium.policy.verdict.matching.port_names import names_of, names_on_egress
from eks_cilium.policy.verdict.model import Address, Cluster, Decision, Endpoint, Flow, Mode, Pod
from eks_cilium.policy.verdict.peers import CidrPeer, LabelPeer, Peer
from eks_cilium.policy.verdict.ports import ports_match
from eks_cilium.policy.verdict.reading.rules import rules_of
from eks_cilium.policy.why.changes import changes_to_allow, changes_to_deny
from eks_cilium.policy.why.model import Entry, Explanation, Selecting, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eks_cilium.policy.verdict.hints import Target
    from eks_cilium.policy.verdict.labels import Selector
    from eks_cilium.policy.verdict.model import DirectionVerdict, Verdict
    from eks_cilium.policy.verdict.reading.rule import Rule

_MOST_ENTRIES = 6
_MOST_PEERS = 3


class Explainer:
    """Explains verdicts on flows between clusters. Their policies are read once, by the constructor."""

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._rules = {name: rules_of(cluster)[0] for name, cluster in self._clusters.items()}

    def explain(self, verdict: Verdict) -> Explanation:
        """The reasons for a verdict.

        Args:
            verdict: A verdict on a flow between endpoints of the clusters, by the same policies.

        Returns:
            The policies and entries behind each side, and the smallest change to the opposite verdict.

        Raises:
            KeyError: An endpoint is a pod of a cluster that the constructor was not given.
        """
        flow = verdict.flow
        egress = self._side("egress", flow, flow.source, flow.destination, verdict.egress)
        ingress = self._side("ingress", flow, flow.destination, flow.source, verdict.ingress)
        if verdict.decision is Decision.DENIED:
            changes = changes_to_allow(verdict, self._clusters)
        elif verdict.decision is Decision.ALLOWED:
            changes = changes_to_deny(verdict, self._clusters)
        else:
            changes = ()
        return Explanation(verdict, egress, ingress, changes)

    def _side(
        self,
        direction: Literal["egress", "ingress"],
        flow: Flow,
        subject: Endpoint,
        peer: Endpoint,
        found: DirectionVerdict,
    ) -> Side:
        if not isinstance(subject, Pod):
            return Side(direction, subject, found)
        cluster = self._clusters[subject.cluster]
        if cluster.mode is Mode.NEVER:
            return Side(direction, subject, found)
        identity, ingress = identity_of(subject), direction == "ingress"
        rules = [
            rule
            for rule in self._rules[subject.cluster]
            if rule.ingress is ingress and rule.subject.matches(identity).truth is not False
        ]
        names = names_of(subject) if ingress else names_on_egress(cluster, self._clusters)(peer)
        entries = [_entry(rule, (flow.port, names), peer, cluster) for rule in rules]
        kept, left_off = _worth_showing(entries)
        return Side(direction, subject, found, tuple(_selecting(rules)), kept, left_off)


def _selecting(rules: Iterable[Rule]) -> Iterator[Selecting]:
    """The policies of the rules; one of several rules may select by several selectors."""
    found: dict[tuple[str, str], bool] = {}
    for rule in rules:
        key = rule.name.policy, _text(rule.subject)
        found[key] = found.get(key, False) or rule.default_deny
    for (policy, selector), default_deny in found.items():
        yield Selecting(policy, selector, default_deny)


def _worth_showing(entries: list[Entry]) -> tuple[tuple[Entry, ...], int]:
    """Entries that mean the flow, and where none allows it, the ones that miss it as well."""
    meant = [entry for entry in entries if entry.meant is not False]
    if meant:
        return tuple(meant), 0
    missing = sorted((entry for entry in entries if not entry.deny), key=lambda entry: len(entry.because))
    return tuple(missing[:_MOST_ENTRIES]), max(0, len(missing) - _MOST_ENTRIES)


def _entry(rule: Rule, to: Target, peer: Endpoint, cluster: Cluster) -> Entry:
    identity = identity_of(peer)
    peers, ports = _peers_match(rule, peer, identity, cluster), ports_match(rule.ports, *to)
    meant = all_of((peers, ports)).truth
    if meant is False:
        return Entry(rule.name, rule.deny, meant, tuple(_missed(rule, to, peer, cluster)))
    because = [*_meaning(rule, peer, identity, cluster), _ports_text(rule)]
    return Entry(rule.name, rule.deny, meant, tuple(because))


def _peers_match(rule: Rule, peer: Endpoint, identity: Identity, cluster: Cluster) -> Answer:
    if rule.peers is None:
        return YES
    return any_of(each.matches(peer, identity, cluster) for each in rule.peers)


def _meaning(rule: Rule, peer: Endpoint, identity: Identity, cluster: Cluster) -> Iterator[str]:
    """The selectors of an entry that mean the peer, or of which it is unknown."""
    if rule.peers is None:
        yield "every peer"
        return
    answers = [
        (place, each, each.matches(peer, identity, cluster))
        for place, each in zip(rule.places, rule.peers, strict=True)
    ]
    certain = [(place, each) for place, each, answer in answers if answer.truth]
    if certain:
        place, each = certain[0]
        yield f"{place} means it: {_peer_text(each)}"
        return
    yield from dict.fromkeys(
        f"{place} may mean it, depending on {answer.why}"
        for place, _, answer in answers
        if answer.truth is None
    )


def _missed(rule: Rule, to: Target, peer: Endpoint, cluster: Cluster) -> Iterator[str]:
    """What of an entry does not mean the flow."""
    identity = identity_of(peer)
    if _peers_match(rule, peer, identity, cluster).truth is False:
        if not rule.peers:
            yield "it names no peer"
        texts = dict.fromkeys(
            _missed_by(place, each, peer, identity)
            for place, each in zip(rule.places, rule.peers or (), strict=True)
        )
        yield from list(texts)[:_MOST_PEERS]
        if len(texts) > _MOST_PEERS:
            yield f"and {len(texts) - _MOST_PEERS} more peers"
    if ports_match(rule.ports, *to).truth is False:
        yield f"it is {_ports_text(rule)}"


def _missed_by(place: str, each: Peer, peer: Endpoint, identity: Identity) -> str:
    if isinstance(each, CidrPeer):
        if isinstance(peer, Address):
            return f"{place}, {_peer_text(each)}, does not hold {peer}"
        return f"{place}, {_peer_text(each)}, means addresses outside of the clusters"
    if isinstance(each, LabelPeer):
        unmet = each.selector.unmet(identity)
        wanted = " and ".join(
            f"{requirement} ({requirement.added})" if requirement.added else str(requirement)
            for requirement in unmet
        )
        return f"{place} wants {wanted}"
    return f"{place} means {each.words}"


def _peer_text(peer: Peer) -> str:
    if isinstance(peer, CidrPeer):
        return peer.cidr + (f" without {', '.join(peer.excluded)}" if peer.excluded else "")
    if isinstance(peer, LabelPeer):
        return _text(peer.selector)
    return peer.words


def _text(selector: Selector) -> str:
    return ", ".join(map(str, selector.requirements)) or "everything"


def _ports_text(rule: Rule) -> str:
    if rule.ports is None:
        return "at every port"
    return f"only at {', '.join(map(str, rule.ports))}" if rule.ports else "at no port"
