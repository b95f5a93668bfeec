"""Which pods the policies of a stack put into default deny that had no such restriction before.

A pod that no policy selects may open, or accept, every connection in that direction. The first policy that
selects it changes this, so a policy that is meant to allow also denies (page "Policy Enforcement Modes" of
Cilium's documentation, "Endpoint default policy"). The preview of the mesh stack shows what is found here.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from eks_cilium.policy.objects import dns
from eks_cilium.policy.objects.pods import from_kubernetes
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.labels import identity_of
from eks_cilium.policy.verdict.matching.selectors import SelectorIndex
from eks_cilium.policy.verdict.matching.sets import grouped, members
from eks_cilium.policy.verdict.model import Cluster, Decision, Flow, Mode, Pod, Port
from eks_cilium.policy.verdict.reading.rules import rules_of
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.labels import Identity
    from eks_cilium.policy.verdict.live import LiveCluster, Workload
    from eks_cilium.policy.verdict.reading.rule import Rule

Direction: TypeAlias = Literal["egress", "ingress"]
_DIRECTIONS: tuple[Direction, ...] = ("egress", "ingress")
_MOST_NAMED = 4


@dataclass(frozen=True)
class NewlyDenied:
    """Pods of which one direction is denied by default once the policies exist, and was not before."""

    cluster: str
    direction: Direction
    policies: tuple[str, ...]
    """The policies that switch the default, as `namespace/name`."""
    pods: tuple[str, ...]
    """Names of running pods, as `namespace/name`; empty where none is known."""
    selected: str = ""
    """The pods in words, where no running one is known."""
    read: bool = True
    """Whether the pods of the cluster could be read; otherwise the policies may exist already."""
    dns: Decision | None = None
    """For egress, whether the pods may still ask the cluster's DNS; None where that is not known."""
    dns_on_nodes: bool = False
    """Whether a NodeLocal DNSCache runs on the network of the nodes, which no generated policy allows."""

    def __str__(self) -> str:
        pods = named(self.pods, _MOST_NAMED) if self.pods else self.selected
        now = ", which no pod is now" if self.read and not self.pods else ""
        return f"{self.cluster}: {self.direction} of {pods}{now} (by {', '.join(self.policies)}){self._dns}"

    @property
    def _dns(self) -> str:
        if self.dns is Decision.DENIED:
            return f"; DNS is denied too: allow port {dns.PORT} of k8s-app: kube-dns in {dns.NAMESPACE}"
        if self.dns is Decision.ALLOWED and self.dns_on_nodes:
            return "; DNS stays allowed, but not by the NodeLocal DNSCache on the network of nodes"
        return "; DNS stays allowed" if self.dns is Decision.ALLOWED else ""


def newly_denied(
    policies: Iterable[Policy], clusters: Iterable[Cluster], live: Mapping[str, LiveCluster]
) -> tuple[NewlyDenied, ...]:
    """Compare the default of every pod before and after the policies exist.

    Args:
        policies: The policies of the stack, for any of the clusters.
        clusters: The clusters; their own policies do not matter.
        live: What runs in a cluster now, by its name. Of a cluster that is missing, or of which no pod is
            known, the pods are named by their labels.

    Returns:
        One entry for all pods of a cluster that the same policies switch in the same direction.
    """
    wanted = list(policies)
    found: list[NewlyDenied] = []
    for cluster in clusters:
        here = [policy for policy in wanted if policy.cluster == cluster.name]
        running = live.get(cluster.name)
        if running is not None and running.workloads:
            found += _of_pods(here, running)
        else:
            found += _by_labels(here, dataclasses.replace(cluster, policies=tuple(here)), read=False)
    return tuple(found)


def _of_pods(policies: Sequence[Policy], running: LiveCluster) -> Iterator[NewlyDenied]:
    now = running.cluster
    if now.mode is not Mode.DEFAULT:
        return  # either every pod is in default deny already, or none ever is
    replaced = set(map(_key, policies))
    kept = tuple(policy for policy in now.policies if _key(policy) not in replaced)
    later = dataclasses.replace(now, policies=(*kept, *policies))
    new_rules = rules_of(dataclasses.replace(now, policies=tuple(policies)))[0]
    groups = _groups(running.workloads, rules_of(now)[0], new_rules)
    evaluator = Evaluator([later])
    for (direction, names), workloads in groups.items():
        allowed = _dns(evaluator, workloads[0].pod, running.workloads) if direction == "egress" else None
        pods = tuple(_names(workloads))
        yield NewlyDenied(now.name, direction, names, pods, dns=allowed, dns_on_nodes=running.dns_on_nodes)
    new = [policy for policy in policies if _key(policy) not in set(map(_key, now.policies))]
    selecting = {name for _, names in groups for name in names}
    unused = [each for each in new if _name(each) not in selecting and not _selects(each, running)]
    yield from _by_labels(unused, later, read=True)


def _groups(
    workloads: Iterable[Workload], before: Sequence[Rule], new: Sequence[Rule]
) -> Mapping[tuple[Direction, tuple[str, ...]], list[Workload]]:
    """Workloads that become denied by default, by the direction and the policies that switch it."""
    groups: dict[tuple[Direction, tuple[str, ...]], list[Workload]] = defaultdict(list)
    switches = [(way, _Switches(before, way), _Switches(new, way)) for way in _DIRECTIONS]
    for workload in workloads:
        identity = identity_of(workload.pod)
        for direction, earlier, later in switches:
            names = later.policies(identity)
            if names and not earlier.policies(identity):
                groups[direction, names].append(workload)
    return groups


class _Switches:
    """The rules that put pods into default deny in one direction, found by the pods they select."""

    def __init__(self, rules: Iterable[Rule], direction: Direction) -> None:
        ingress = direction == "ingress"
        self._rules = [rule for rule in rules if rule.default_deny and rule.ingress is ingress]
        subjects = ((rule.subject, 1 << number) for number, rule in enumerate(self._rules))
        self._selecting = SelectorIndex(grouped(subjects))

    def policies(self, identity: Identity) -> tuple[str, ...]:
        """The policies that switch the default of pods with an identity."""
        found = members(self._selecting.rules_selecting(identity).possible)
        return tuple(dict.fromkeys(self._rules[number].name.short_policy for number in found))


def _selects(policy: Policy, running: LiveCluster) -> bool:
    alone = rules_of(dataclasses.replace(running.cluster, policies=(policy,)))[0]
    switches = [_Switches(alone, direction) for direction in _DIRECTIONS]
    identities = (identity_of(workload.pod) for workload in running.workloads)
    return any(each.policies(identity) for identity in identities for each in switches)


def _by_labels(policies: Iterable[Policy], cluster: Cluster, *, read: bool) -> Iterator[NewlyDenied]:
    evaluator = Evaluator([cluster])
    for policy in policies:
        rules = rules_of(dataclasses.replace(cluster, policies=(policy,)))[0]
        for direction in _DIRECTIONS:
            if any(rule.default_deny and rule.ingress is (direction == "ingress") for rule in rules):
                pod = _described(policy)
                allowed = _dns(evaluator, pod, ()) if pod and direction == "egress" else None
                yield NewlyDenied(
                    cluster.name, direction, (_name(policy),), (), _in_words(policy), read, allowed
                )


def _described(policy: Policy) -> Pod | None:
    """A pod that the policy selects, where its selector consists of labels of pods alone."""
    rules = [rule for _, rule in policy.rules()]
    selector = (rules[0].get("endpointSelector") or {}) if len(rules) == 1 else None
    if selector is None or not policy.namespace or selector.get("matchExpressions"):
        return None
    return Pod(policy.cluster, policy.namespace, from_kubernetes(selector.get("matchLabels") or {}))


def _in_words(policy: Policy) -> str:
    where = f" in {policy.namespace}" if policy.namespace else ""
    pod = _described(policy)
    if pod is None:
        return f"the pods{where} that it selects"
    labels = ",".join(f"{key}={value}" for key, value in sorted(pod.labels.items()))
    return f"pods{where} with {labels}" if labels else f"every pod{where}"


def _dns(evaluator: Evaluator, pod: Pod, workloads: Iterable[Workload]) -> Decision:
    server = Pod(pod.cluster, dns.NAMESPACE, {"k8s-app": dns.SERVERS[0]})
    running = (each.pod for each in workloads if _is_dns_server(each.pod))
    flow = Flow(pod, next(running, server), Port(dns.PORT, "UDP"))
    return evaluator.evaluate(flow).egress.decision


def _is_dns_server(pod: Pod) -> bool:
    return pod.namespace == dns.NAMESPACE and pod.labels.get("k8s-app") == dns.SERVERS[0]


def _names(workloads: Iterable[Workload]) -> Iterator[str]:
    for workload in workloads:
        yield from (f"{workload.pod.namespace}/{name}" for name in workload.names)


def _key(policy: Policy) -> tuple[str, str, str]:
    return policy.kind, policy.namespace, policy.name


def _name(policy: Policy) -> str:
    """The name as `RuleName.short_policy` has it."""
    kind, _, name = str(policy).partition(" ")
    return name if kind == "CiliumNetworkPolicy" else str(policy)
