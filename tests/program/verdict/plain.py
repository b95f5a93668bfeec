"""The evaluation rule by rule and flow by flow, which the evaluator with its sets has to agree with.

It asks every rule about every flow, in the words of Cilium's documentation, and keeps nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.hints import hints
from eks_cilium.policy.verdict.labels import YES, Answer, all_of, any_of, identity_of
from eks_cilium.policy.verdict.matching.port_names import names_of, names_on_egress
from eks_cilium.policy.verdict.model import (
    Cluster,
    Decision,
    DirectionVerdict,
    Endpoint,
    Entity,
    Flow,
    Mode,
    Pod,
    RuleName,
    Verdict,
)
from eks_cilium.policy.verdict.ports import PortNames, ports_match
from eks_cilium.policy.verdict.reading.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.policy.verdict.reading.rule import Rule


class PlainEvaluator:
    """Reads the policies once; asks every rule about every flow."""

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._rules = {cluster.name: rules_of(cluster)[0] for cluster in self._clusters.values()}

    def evaluate(self, flow: Flow) -> Verdict:
        egress = self._side(flow, flow.source, flow.destination, ingress=False)
        return Verdict(flow, egress, self._side(flow, flow.destination, flow.source, ingress=True))

    def _side(self, flow: Flow, subject: Endpoint, peer: Endpoint, *, ingress: bool) -> DirectionVerdict:
        if not isinstance(subject, Pod):
            return DirectionVerdict(Decision.NOT_ASKED, "no pod")
        cluster = self._clusters[subject.cluster]
        if cluster.mode is Mode.NEVER:
            return DirectionVerdict(Decision.ALLOWED, "policies are not enforced")
        names = (names_of if ingress else names_on_egress(cluster, self._clusters))(flow.destination)
        identity = identity_of(subject)
        rules = (rule for rule in self._rules[cluster.name] if rule.ingress is ingress)
        asked = [(rule, rule.subject.matches(identity)) for rule in rules]
        selected = [(rule, selects) for rule, selects in asked if selects.truth is not False]
        return _Plain(cluster, selected, flow, peer, names, ingress=ingress).verdict()


@dataclass
class _Plain:
    cluster: Cluster
    rules: Sequence[tuple[Rule, Answer]]
    flow: Flow
    peer: Endpoint
    names: PortNames
    ingress: bool

    def verdict(self) -> DirectionVerdict:
        if not self.rules and self.cluster.mode is not Mode.ALWAYS:
            return DirectionVerdict(Decision.ALLOWED, "no policy selects it")
        denying = self._matching(deny=True)
        if certain := [rule for rule, matches in denying if matches.truth]:
            return DirectionVerdict(Decision.DENIED, "denied", _names(certain))
        allowed = self._without_denials()
        if denying and allowed.decision is not Decision.DENIED:
            return _undecided(denying)
        return allowed

    def _without_denials(self) -> DirectionVerdict:
        allowing = self._matching(deny=False)
        if certain := [rule for rule, matches in allowing if matches.truth]:
            layer7 = dict.fromkeys(word for rule in certain for word in rule.layer7)
            return DirectionVerdict(Decision.ALLOWED, "allowed", _names(certain), tuple(layer7))
        default = self._denies_by_default()
        if default.truth is False:
            return DirectionVerdict(Decision.ALLOWED, "nothing denies it")
        older = self.cluster.agents.minor < (1, 20)
        if self.peer == Entity("host") and (self.rules or older) and self.ingress:
            return DirectionVerdict(Decision.ALLOWED, "a node may reach its own pods")
        if allowing:
            return _undecided(allowing)
        if default.truth is None:
            return DirectionVerdict(Decision.UNDECIDED, f"depends on {default.why}")
        return self._denied_by_default()

    def _denied_by_default(self) -> DirectionVerdict:
        switching = [rule for rule, selects in self.rules if rule.default_deny and selects.truth]
        to = (self.flow.port, self.names)
        close = hints([rule for rule, _ in self.rules], to, self.peer, identity_of(self.peer), self.cluster)
        reason = "no rule allows it" if switching else "policies are always enforced, and none allows it"
        return DirectionVerdict(Decision.DENIED, reason, _names(switching), (), lambda: close)

    def _denies_by_default(self) -> Answer:
        if self.cluster.mode is Mode.ALWAYS:
            return YES
        return any_of(selects for rule, selects in self.rules if rule.default_deny)

    def _matching(self, *, deny: bool) -> list[tuple[Rule, Answer]]:
        found = [
            (
                rule,
                all_of((selects, self._peers(rule), ports_match(rule.ports, self.flow.port, self.names))),
            )
            for rule, selects in self.rules
            if rule.deny is deny
        ]
        return [(rule, matches) for rule, matches in found if matches.truth is not False]

    def _peers(self, rule: Rule) -> Answer:
        if rule.peers is None:
            return YES
        identity = identity_of(self.peer)
        return any_of(peer.matches(self.peer, identity, self.cluster) for peer in rule.peers)


def _names(rules: Iterable[Rule]) -> tuple[RuleName, ...]:
    return tuple(dict.fromkeys(rule.name for rule in rules))


def _undecided(found: Sequence[tuple[Rule, Answer]]) -> DirectionVerdict:
    unknown = dict.fromkeys(matches.why for _, matches in found if matches.truth is None)
    reason = f"depends on {', '.join(unknown)}"
    return DirectionVerdict(Decision.UNDECIDED, reason, _names(rule for rule, _ in found))
