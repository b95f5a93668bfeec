"""What becomes of a flow: each end's cluster is asked on its own, because policies are not distributed.

As Cilium's policy engine decides: what a rule denies is denied, else what a rule allows is allowed, else it
is denied where a policy that selects the pod denies by default, and allowed where none does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.hints import hints
from eks_cilium.policy.verdict.labels import YES, Answer, Identity, both, either, identity
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
from eks_cilium.policy.verdict.ports import answer
from eks_cilium.policy.verdict.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eks_cilium.policy.verdict.model import Cluster, Endpoint
    from eks_cilium.policy.verdict.rule import NotEvaluated, Rule


@dataclass(frozen=True)
class Enforced:
    """A cluster whose policies have been read."""

    cluster: Cluster
    rules: tuple[Rule, ...]


class Evaluator:
    """Clusters that can reach each other. Read once, asked often."""

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters: dict[str, Enforced] = {}
        unread: list[NotEvaluated] = []
        for cluster in clusters:
            rules, left_out = rules_of(cluster)
            self._clusters[cluster.name] = Enforced(cluster, rules)
            unread += left_out
        self.not_evaluated = tuple(unread)
        """Policies that say nothing here, and why."""

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters, as they were given."""
        return tuple(one.cluster for one in self._clusters.values())

    def evaluate(self, flow: Flow) -> Verdict:
        """What becomes of a flow. Raises KeyError for a pod of a cluster that is not part of this world."""
        egress = self._side(flow, flow.source, flow.destination, ingress=False)
        ingress = self._side(flow, flow.destination, flow.source, ingress=True)
        return Verdict(flow, egress, ingress)

    def _side(self, flow: Flow, subject: Endpoint, peer: Endpoint, *, ingress: bool) -> DirectionVerdict:
        if not isinstance(subject, Pod):
            return DirectionVerdict(Decision.NOT_ASKED, "no pod")
        enforced = self._clusters[subject.cluster]
        if enforced.cluster.mode is Mode.NEVER:
            return DirectionVerdict(Decision.ALLOWED, "policies are not enforced")
        return _Question(enforced, flow, identity(subject), peer, ingress).side()


class _Question:
    """One side of a flow, put to one cluster."""

    def __init__(
        self, enforced: Enforced, flow: Flow, subject: Identity, peer: Endpoint, ingress: bool
    ) -> None:
        self._cluster, self._flow, self._peer, self._who = enforced.cluster, flow, peer, identity(peer)
        self._always = enforced.cluster.mode is Mode.ALWAYS
        asked = [rule for rule in enforced.rules if rule.ingress is ingress]
        chosen = [(rule, rule.subject.answer(subject)) for rule in asked]
        self._rules = [(rule, selects) for rule, selects in chosen if selects.truth is not False]

    def side(self) -> DirectionVerdict:
        """The answer."""
        if not self._rules and not self._always:
            return DirectionVerdict(Decision.ALLOWED, "no policy selects it")
        denying = self._matching(deny=True)
        if surely := [rule for rule, found in denying if found.truth]:
            return DirectionVerdict(Decision.DENIED, "denied", _names(surely))
        allowed = self._without_denials()
        if denying and allowed.decision is not Decision.DENIED:
            return DirectionVerdict(
                Decision.UNDECIDED, _depends(denying), _names(rule for rule, _ in denying)
            )
        return allowed

    def _without_denials(self) -> DirectionVerdict:
        allowing = self._matching(deny=False)
        if surely := [rule for rule, found in allowing if found.truth]:
            layer7 = dict.fromkeys(word for rule in surely for word in rule.layer7)
            return DirectionVerdict(Decision.ALLOWED, "allowed", _names(surely), tuple(layer7))
        default = self._denies_by_default()
        if default.truth is False:
            return DirectionVerdict(Decision.ALLOWED, "nothing denies it")
        if self._peer == Entity("host") and self._rules and self._is_ingress():
            return DirectionVerdict(Decision.ALLOWED, "a node may reach its own pods")
        if allowing:
            return DirectionVerdict(
                Decision.UNDECIDED, _depends(allowing), _names(rule for rule, _ in allowing)
            )
        if default.truth is None:
            return DirectionVerdict(Decision.UNDECIDED, f"depends on {default.why}")
        return self._denied_by_default()

    def _denied_by_default(self) -> DirectionVerdict:
        switching = [rule for rule, selects in self._rules if rule.default_deny and selects.truth]
        near = hints([rule for rule, _ in self._rules], self._flow, self._peer, self._who, self._cluster)
        reason = "no rule allows it" if switching else "policies are always enforced, and none allows it"
        return DirectionVerdict(Decision.DENIED, reason, _names(switching), hints=near)

    def _is_ingress(self) -> bool:
        return any(rule.ingress for rule, _ in self._rules)

    def _denies_by_default(self) -> Answer:
        if self._always:
            return YES
        return either(selects for rule, selects in self._rules if rule.default_deny)

    def _matching(self, *, deny: bool) -> list[tuple[Rule, Answer]]:
        """Rules that match the flow, or of which nobody knows whether they do."""
        found = [
            (rule, both((selects, self._meant(rule), answer(rule.ports, self._flow))))
            for rule, selects in self._rules
            if rule.deny is deny
        ]
        return [(rule, matches) for rule, matches in found if matches.truth is not False]

    def _meant(self, rule: Rule) -> Answer:
        if rule.peers is None:
            return YES
        return either(one.answer(self._peer, self._who, self._cluster) for one in rule.peers)


def _names(rules: Iterable[Rule]) -> tuple[RuleName, ...]:
    return tuple(dict.fromkeys(rule.name for rule in rules))


def _depends(found: Sequence[tuple[Rule, Answer]]) -> str:
    unknown = dict.fromkeys(one.why for _, one in found if one.truth is None)
    return f"depends on {', '.join(unknown)}"
