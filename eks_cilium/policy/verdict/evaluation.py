"""Evaluates flows by the policies of each endpoint's own cluster, because clusters do not share policies.

Decides as Cilium's policy engine does: a matching deny rule denies; otherwise a matching allow rule allows;
otherwise the flow is denied if a policy that selects the pod switches default deny on, and allowed if none
does. Which rules match comes from `matching`, as sets.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.hints import hints
from eks_cilium.policy.verdict.labels import all_of
from eks_cilium.policy.verdict.matching.port_names import names_of, names_on_egress
from eks_cilium.policy.verdict.matching.side import Side, keep
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
from eks_cilium.policy.verdict.reading import cluster_policies
from eks_cilium.policy.verdict.reading.rules import rules_of
from eks_cilium.policy.verdict.wording import direction_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eks_cilium.policy.verdict.hints import Target
    from eks_cilium.policy.verdict.labels import Answer
    from eks_cilium.policy.verdict.matching.side import Seen
    from eks_cilium.policy.verdict.model import Cluster, Endpoint, Port
    from eks_cilium.policy.verdict.reading.rule import NotEvaluated, Rule

_NOT_ASKED = DirectionVerdict(Decision.NOT_ASKED, "no pod")
_NOT_ENFORCED = DirectionVerdict(Decision.ALLOWED, "policies are not enforced")
_NOT_SELECTED = DirectionVerdict(Decision.ALLOWED, "no policy selects it")
_NOT_DENIED = DirectionVerdict(Decision.ALLOWED, "nothing denies it")
_FIRST_OWN_NODE_BY_RULES = (1, 20)
_OWN_NODE = DirectionVerdict(Decision.ALLOWED, "a node may reach its own pods")


class Evaluator:
    """Evaluates flows in and between clusters that can reach each other.

    The policies are read once, by the constructor. What an endpoint matches is found when it is first seen,
    so that a table of many flows between the same endpoints takes some microseconds a flow. Endpoints must
    not change between calls. Memory grows with endpoints and rules, not with flows.

    Attributes:
        not_evaluated: Policies, or parts of them, that no verdict takes into account, each with the reason.
    """

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._directions: dict[str, tuple[_Direction, _Direction]] = {}
        not_evaluated: list[NotEvaluated] = []
        for cluster in self._clusters.values():
            rules, left_out = rules_of(cluster)
            self._directions[cluster.name] = _directions(cluster, self._clusters, rules)
            not_evaluated += left_out
        self.not_evaluated = tuple(not_evaluated)

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The clusters as they were given to the constructor."""
        return tuple(self._clusters.values())

    def evaluate(self, flow: Flow) -> Verdict:
        """Evaluate a flow by the policies of its source's and its destination's cluster.

        Args:
            flow: A connection from one endpoint to a port of another.

        Returns:
            The decision on egress and on ingress, with the rules behind each.

        Raises:
            KeyError: An endpoint is a pod of a cluster that the constructor was not given.
        """
        source, destination = flow.source, flow.destination
        egress = ingress = _NOT_ASKED
        if isinstance(source, Pod):
            egress = self._directions[source.cluster][0].verdict(source, destination, flow.port)
        if isinstance(destination, Pod):
            ingress = self._directions[destination.cluster][1].verdict(destination, source, flow.port)
        return Verdict(flow, egress, ingress)

    def has_ports(self, flow: Flow) -> bool:
        """Whether it depends on port and protocol what the policies say of the flow's endpoints."""
        return any(direction.has_ports(pod, peer) for direction, pod, peer in self._sides(flow))

    def edges(self, flow: Flow) -> set[int]:
        """The ports of the flow's protocol at which a verdict on its endpoints may change."""
        sides = self._sides(flow)
        return {edge for direction, pod, peer in sides for edge in direction.edges(pod, peer, flow.port)}

    def _sides(self, flow: Flow) -> Iterator[tuple[_Direction, Pod, Endpoint]]:
        source, destination = flow.source, flow.destination
        if isinstance(source, Pod):
            yield self._directions[source.cluster][0], source, destination
        if isinstance(destination, Pod):
            yield self._directions[destination.cluster][1], destination, source


class _Direction:
    """One direction of flows, decided by the rules of one cluster."""

    def __init__(self, cluster: Cluster, side: Side, *, ingress: bool) -> None:
        self._cluster, self._side, self._ingress = cluster, side, ingress
        self._always = cluster.mode is Mode.ALWAYS
        self._enforced = cluster.mode is not Mode.NEVER
        self._outcomes: dict[tuple[bool, int], DirectionVerdict] = {}
        self._names: dict[int, tuple[RuleName, ...]] = {}
        self._not_judged = cluster_policies.undecided(cluster, ingress=ingress)

    def verdict(self, pod: Pod, peer: Endpoint, port: Port) -> DirectionVerdict:
        if not self._enforced:
            return _NOT_ENFORCED
        subject = self._side.subject(pod)
        found = self._depends_on_others(subject) if self._not_judged else None
        found = found or self._decided(subject, self._side.peer(peer), port)
        if self._cluster.agents.audit and found.decision is not Decision.ALLOWED:
            words = f"policy-audit-mode blocks nothing, it only records; else {direction_text(found)}"
            return DirectionVerdict(Decision.ALLOWED, words)
        return found

    def edges(self, pod: Pod, peer: Endpoint, port: Port) -> set[int]:
        """Where ports of the rules begin and where they have ended, of rules that may mean the peer."""
        names = (self._side.subject(pod) if self._ingress else self._side.peer(peer)).names
        rules = self._side.rules(self._with_ports(pod, peer))
        return {edge for rule in rules for each in rule.ports or () for edge in each.edges(port, names)}

    def has_ports(self, pod: Pod, peer: Endpoint) -> bool:
        """Whether a rule that may match the two matches some ports only."""
        return bool(self._with_ports(pod, peer))

    def _with_ports(self, pod: Pod, peer: Endpoint) -> int:
        possible = self._side.subject(pod).rules.possible & self._side.peer(peer).rules.possible
        return possible & self._side.with_ports

    def _decided(self, subject: Seen, peer: Seen, port: Port) -> DirectionVerdict:
        if not subject.rules.possible and not self._always:
            return _NOT_SELECTED
        names = (subject if self._ingress else peer).names
        certain, possible = subject.rules & peer.rules & self._side.at(port, names)
        if denying := certain & self._side.denying:
            return self._outcome(denying, denied=True)
        found = self._without_denials(subject, peer, (port, names), certain, possible)
        if (denying := possible & self._side.denying) and found.decision is not Decision.DENIED:
            return self._undecided(denying, subject, peer, (port, names))
        return found

    def _without_denials(
        self, subject: Seen, peer: Seen, to: Target, certain: int, possible: int
    ) -> DirectionVerdict:
        if certain:
            return self._outcome(certain, denied=False)
        switching = subject.rules.possible & self._side.default_deny
        if not switching and not self._always:
            return _NOT_DENIED
        if self._ingress and self._from_own_node(subject, peer):
            return _OWN_NODE
        if allowing := possible & ~self._side.denying:
            return self._undecided(allowing, subject, peer, to)
        switching &= subject.rules.certain
        if not switching and not self._always:
            return self._depends_on_the_default(subject)
        return self._denied_by_default(switching, subject, peer, to)

    def _from_own_node(self, subject: Seen, peer: Seen) -> bool:
        # determineAllowLocalhostIngress in pkg/policy/mapstate.go up to 1.19. From 1.20 on a rule has to
        # select the pod, which makes a difference where policies are always enforced.
        older = self._cluster.agents.minor < _FIRST_OWN_NODE_BY_RULES
        return _is_host(peer.endpoint) and (older or subject.rules.possible != 0)

    def _denied_by_default(self, switching: int, subject: Seen, peer: Seen, to: Target) -> DirectionVerdict:
        reason = "no rule allows it" if switching else "policies are always enforced, and none allows it"
        explain = partial(self._hints, subject, peer, to)
        return DirectionVerdict(Decision.DENIED, reason, self._names_of(switching), (), explain)

    def _depends_on_others(self, subject: Seen) -> DirectionVerdict | None:
        """Undecided where a policy that is not judged here may select the pod; it decides before or after."""
        names = [
            name
            for name, selector in self._not_judged
            if selector.matches(subject.identity).truth is not False
        ]
        if not names:
            return None
        return DirectionVerdict(Decision.UNDECIDED, f"depends on {', '.join(names)}, not judged here")

    def _depends_on_the_default(self, subject: Seen) -> DirectionVerdict:
        rules = self._side.rules(subject.rules.possible & self._side.default_deny)
        why = next(rule.subject.matches(subject.identity).why for rule in rules)
        return DirectionVerdict(Decision.UNDECIDED, f"depends on {why}")

    def _undecided(self, rules: int, subject: Seen, peer: Seen, to: Target) -> DirectionVerdict:
        found = [self._matches(rule, subject, peer, to) for rule in self._side.rules(rules)]
        unknown = dict.fromkeys(matches.why for matches in found if matches.truth is None)
        reason = f"depends on {', '.join(unknown)}"
        return DirectionVerdict(Decision.UNDECIDED, reason, self._names_of(rules))

    def _matches(self, rule: Rule, subject: Seen, peer: Seen, to: Target) -> Answer:
        selects = rule.subject.matches(subject.identity)
        return all_of((selects, self._side.peers_match(rule, peer), ports_match(rule.ports, *to)))

    def _hints(self, subject: Seen, peer: Seen, to: Target) -> tuple[str, ...]:
        rules = self._side.rules(subject.rules.possible)
        return hints(rules, to, peer.endpoint, peer.identity, self._cluster)

    def _outcome(self, rules: int, *, denied: bool) -> DirectionVerdict:
        """What rules that certainly match decide. Many flows match the same rules and share it."""
        found = self._outcomes.get((denied, rules))
        return found or keep(self._outcomes, (denied, rules), self._new_outcome(rules, denied=denied))

    def _new_outcome(self, rules: int, *, denied: bool) -> DirectionVerdict:
        if denied:
            return DirectionVerdict(Decision.DENIED, "denied", self._names_of(rules))
        layer7 = dict.fromkeys(word for rule in self._side.rules(rules) for word in rule.layer7)
        return DirectionVerdict(Decision.ALLOWED, "allowed", self._names_of(rules), tuple(layer7))

    def _names_of(self, rules: int) -> tuple[RuleName, ...]:
        found = self._names.get(rules)
        if found is None:
            names = tuple(dict.fromkeys(rule.name for rule in self._side.rules(rules)))
            found = keep(self._names, rules, names)
        return found


def _directions(
    cluster: Cluster, mesh: Mapping[str, Cluster], rules: Iterable[Rule]
) -> tuple[_Direction, _Direction]:
    """Egress and ingress of a cluster."""
    kept = tuple(rules)
    egress = Side(cluster, [rule for rule in kept if not rule.ingress], names_on_egress(cluster, mesh))
    ingress = Side(cluster, [rule for rule in kept if rule.ingress], names_of)
    return _Direction(cluster, egress, ingress=False), _Direction(cluster, ingress, ingress=True)


def _is_host(endpoint: Endpoint) -> bool:
    return isinstance(endpoint, Entity) and endpoint.name == "host"
