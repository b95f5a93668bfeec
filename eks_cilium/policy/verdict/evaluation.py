"""Evaluates flows by the policies of each endpoint's own cluster, because clusters do not share policies.

Decides as Cilium's policy engine does: a matching deny rule denies; otherwise a matching allow rule allows;
otherwise the flow is denied if a policy that selects the pod switches default deny on, and allowed if none
does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.hints import hints
from eks_cilium.policy.verdict.labels import YES, Answer, all_of, any_of, identity_of
from eks_cilium.policy.verdict.model import (
    Decision,
    DirectionVerdict,
    Entity,
    Flow,
    Mode,
    Pod,
    RuleName,
    Verdict,
)
from eks_cilium.policy.verdict.ports import ports_match
from eks_cilium.policy.verdict.reading.rules import rules_of
from eks_cilium.policy.verdict.wording import direction_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.policy.verdict.model import Cluster, Endpoint
    from eks_cilium.policy.verdict.reading.rule import NotEvaluated, Rule


@dataclass(frozen=True)
class _ClusterRules:
    cluster: Cluster
    rules: tuple[Rule, ...]


class Evaluator:
    """Evaluates flows in and between clusters that can reach each other.

    The policies are read once, by the constructor; every flow after that is cheap.

    Attributes:
        not_evaluated: Policies, or parts of them, that no verdict takes into account, each with the reason.
    """

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters: dict[str, _ClusterRules] = {}
        not_evaluated: list[NotEvaluated] = []
        for cluster in clusters:
            rules, left_out = rules_of(cluster)
            self._clusters[cluster.name] = _ClusterRules(cluster, rules)
            not_evaluated += left_out
        self.not_evaluated = tuple(not_evaluated)

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters as they were given to the constructor."""
        return tuple(each.cluster for each in self._clusters.values())

    def evaluate(self, flow: Flow) -> Verdict:
        """Evaluate a flow by the policies of its source's and its destination's cluster.

        Args:
            flow: A connection from one endpoint to a port of another.

        Returns:
            The decision on egress and on ingress, with the rules behind each.

        Raises:
            KeyError: An endpoint is a pod of a cluster that the constructor was not given.
        """
        egress = self._direction(flow, flow.source, flow.destination, ingress=False)
        ingress = self._direction(flow, flow.destination, flow.source, ingress=True)
        return Verdict(flow, egress, ingress)

    def _direction(self, flow: Flow, subject: Endpoint, peer: Endpoint, *, ingress: bool) -> DirectionVerdict:
        if not isinstance(subject, Pod):
            return DirectionVerdict(Decision.NOT_ASKED, "no pod")
        enforced = self._clusters[subject.cluster]
        if enforced.cluster.mode is Mode.NEVER:
            return DirectionVerdict(Decision.ALLOWED, "policies are not enforced")
        found = _Direction(enforced, flow, subject, peer, ingress=ingress).verdict()
        if enforced.cluster.agents.audit and found.decision is not Decision.ALLOWED:
            words = f"policy-audit-mode blocks nothing, it only records; else {direction_text(found)}"
            return DirectionVerdict(Decision.ALLOWED, words)
        return found

    def edges(self, flow: Flow) -> set[int]:
        """The ports of the flow's protocol at which a verdict on its endpoints may change."""
        sides = ((flow.source, flow.destination, False), (flow.destination, flow.source, True))
        found: set[int] = set()
        for subject, peer, ingress in sides:
            if isinstance(subject, Pod):
                enforced = self._clusters[subject.cluster]
                found |= _Direction(enforced, flow, subject, peer, ingress=ingress).edges()
        return found


class _Direction:
    """One direction of a flow, evaluated by the rules of the subject's cluster."""

    def __init__(
        self, enforced: _ClusterRules, flow: Flow, subject: Pod, peer: Endpoint, *, ingress: bool
    ) -> None:
        self._cluster, self._flow, self._ingress = enforced.cluster, flow, ingress
        self._peer, self._peer_identity = peer, identity_of(peer)
        self._always = enforced.cluster.mode is Mode.ALWAYS
        subject_identity = identity_of(subject)
        candidates = [rule for rule in enforced.rules if rule.ingress is ingress]
        selected = [(rule, rule.subject.matches(subject_identity)) for rule in candidates]
        self._rules = [(rule, selects) for rule, selects in selected if selects.truth is not False]

    def verdict(self) -> DirectionVerdict:
        if not self._rules and not self._always:
            return DirectionVerdict(Decision.ALLOWED, "no policy selects it")
        denying = self._matching(deny=True)
        if certain := [rule for rule, matches in denying if matches.truth]:
            return DirectionVerdict(Decision.DENIED, "denied", _names(certain))
        allowed = self._without_denials()
        if denying and allowed.decision is not Decision.DENIED:
            return _undecided(denying)
        return allowed

    def edges(self) -> set[int]:
        """Where ports of the rules begin and where they have ended, of rules that may mean the peer."""
        rules = [rule for rule, _ in self._rules if rule.ports and self._peers_match(rule).truth is not False]
        return {edge for rule in rules for port in rule.ports or () for edge in port.edges(self._flow)}

    def _without_denials(self) -> DirectionVerdict:
        allowing = self._matching(deny=False)
        if certain := [rule for rule, matches in allowing if matches.truth]:
            layer7 = dict.fromkeys(word for rule in certain for word in rule.layer7)
            return DirectionVerdict(Decision.ALLOWED, "allowed", _names(certain), tuple(layer7))
        default = self._denies_by_default()
        if default.truth is False:
            return DirectionVerdict(Decision.ALLOWED, "nothing denies it")
        if self._peer == Entity("host") and self._rules and self._ingress:
            return DirectionVerdict(Decision.ALLOWED, "a node may reach its own pods")
        if allowing:
            return _undecided(allowing)
        if default.truth is None:
            return DirectionVerdict(Decision.UNDECIDED, f"depends on {default.why}")
        return self._denied_by_default()

    def _denied_by_default(self) -> DirectionVerdict:
        switching = [rule for rule, selects in self._rules if rule.default_deny and selects.truth]
        rules = [rule for rule, _ in self._rules]
        close = hints(rules, self._flow, self._peer, self._peer_identity, self._cluster)
        reason = "no rule allows it" if switching else "policies are always enforced, and none allows it"
        return DirectionVerdict(Decision.DENIED, reason, _names(switching), hints=close)

    def _denies_by_default(self) -> Answer:
        if self._always:
            return YES
        return any_of(selects for rule, selects in self._rules if rule.default_deny)

    def _matching(self, *, deny: bool) -> list[tuple[Rule, Answer]]:
        """Rules that match the flow, and those of which it is unknown whether they match."""
        found = [
            (rule, all_of((selects, self._peers_match(rule), ports_match(rule.ports, self._flow))))
            for rule, selects in self._rules
            if rule.deny is deny
        ]
        return [(rule, matches) for rule, matches in found if matches.truth is not False]

    def _peers_match(self, rule: Rule) -> Answer:
        if rule.peers is None:
            return YES
        return any_of(peer.matches(self._peer, self._peer_identity, self._cluster) for peer in rule.peers)


def _names(rules: Iterable[Rule]) -> tuple[RuleName, ...]:
    return tuple(dict.fromkeys(rule.name for rule in rules))


def _undecided(found: Sequence[tuple[Rule, Answer]]) -> DirectionVerdict:
    unknown = dict.fromkeys(matches.why for _, matches in found if matches.truth is None)
    reason = f"depends on {', '.join(unknown)}"
    return DirectionVerdict(Decision.UNDECIDED, reason, _names(rule for rule, _ in found))
