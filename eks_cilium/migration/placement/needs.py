"""What a pod needs of a node, from its object: the part of its spec that the scheduler's filters read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.node_affinity import REQUIRED
from eks_cilium.cluster.quantities import quantity
from eks_cilium.cluster.selectors import Requirement, Selector, selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from eks_cilium.cluster.objects import Object, Terms
    from eks_cilium.migration.facts.model import Pod, Volume

Port = tuple[str, int, str]
"""Protocol, number and address of a port of the node."""

COMMON = frozenset({"cpu", "memory", "ephemeral-storage", "pods"})
"""Resources that every node has."""
_ANY_ADDRESS = frozenset({"", "0.0.0.0"})  # noqa: S104 - an address in a pod's spec; nothing listens here


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """One required term of an affinity or anti-affinity to other pods."""

    selector: Selector
    topology: str
    """The label of nodes whose value makes nodes one domain."""
    namespaces: tuple[str, ...]
    """Empty for all, unless it selects some."""
    by_labels: Selector | None = None
    """Selects further namespaces by their labels."""


@dataclass(frozen=True, slots=True)
class Spread:
    """One constraint of a pod that the scheduler must not break (`whenUnsatisfiable: DoNotSchedule`)."""

    namespace: str
    selector: Selector
    topology: str
    """The label of nodes whose value makes nodes one domain."""
    most_skew: int
    least_domains: int = 1
    honors_affinity: bool = True
    """Only nodes that suit the pod's own node selector and affinity make domains."""
    honors_taints: bool = False
    """Only nodes whose taints the pod tolerates make domains."""


@dataclass(frozen=True)
class Need:
    """A pod that has to run on another node."""

    pod: Pod
    requirements: tuple[Terms, ...]
    """Its own node requirements, and those of its volumes; each has to hold."""
    volumes: tuple[Volume, ...]
    resources: Mapping[str, Decimal]
    ports: frozenset[Port]
    apart: tuple[AffinityTerm, ...]
    together: tuple[AffinityTerm, ...]
    spread: tuple[Spread, ...]
    labels: Mapping[str, str]
    tolerations: tuple[Mapping[str, Any], ...]

    @property
    def is_particular(self) -> bool:
        """Whether not every node with spare capacity suits it."""
        extended = any(name not in COMMON for name in self.resources)
        near_others = bool(self.apart or self.together or self.spread)
        return bool(self.requirements or self.volumes or self.ports) or near_others or extended

    def tolerates(self, taint: Mapping[str, Any]) -> bool:
        """Whether it can run despite a taint (k8s.io/api/core/v1/toleration.go, ToleratesTaint)."""
        return any(_tolerates(toleration, taint) for toleration in self.tolerations)


def need_of(obj: Object, pod: Pod, volumes: Iterable[Volume]) -> Need:
    """What a pod needs, given as the API server sent it, with the volumes it is bound to."""
    spec, bound = obj["spec"], tuple(volumes)
    affinity = spec.get("affinity") or {}
    written = (pod.node_requirements, *(volume.terms for volume in bound))
    return Need(
        pod=pod,
        requirements=tuple(terms for terms in written if terms),
        volumes=bound,
        resources=requests(spec),
        ports=ports(spec),
        apart=tuple(terms(affinity.get("podAntiAffinity"), pod.namespace)),
        together=tuple(terms(affinity.get("podAffinity"), pod.namespace)),
        spread=tuple(_spreads(obj, pod.namespace)),
        labels=obj["metadata"].get("labels") or {},
        tolerations=tuple(spec.get("tolerations") or ()),
    )


def requests(spec: Mapping[str, Any]) -> dict[str, Decimal]:
    """What a pod requests: its containers and sidecars, or a larger init container, and its overhead.

    As k8s.io/component-helpers/resource/helpers.go, PodRequests, computes it.
    """
    total = _sum(spec.get("containers") or ())
    sidecars: dict[str, Decimal] = {}
    for container in spec.get("initContainers") or ():
        wanted = _sum([container])
        if container.get("restartPolicy") == "Always":
            total, sidecars = _plus(total, wanted), _plus(sidecars, wanted)
        else:
            total = _largest(total, _plus(sidecars, wanted))
    whole = ((spec.get("resources") or {}).get("requests")) or {}
    total |= {name: quantity(amount) for name, amount in whole.items()}
    return _plus(total, {name: quantity(amount) for name, amount in (spec.get("overhead") or {}).items()})


def ports(spec: Mapping[str, Any]) -> frozenset[Port]:
    """The ports of its node that a pod holds."""
    return frozenset(
        (port.get("protocol", "TCP"), port["hostPort"], port.get("hostIP", ""))
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def in_conflict(wanted: Port, held: Port) -> bool:
    """Whether two pods cannot hold these ports on the same node."""
    same_address = wanted[2] == held[2] or not _ANY_ADDRESS.isdisjoint({wanted[2], held[2]})
    return wanted[:2] == held[:2] and same_address


def terms(written: Mapping[str, Any] | None, namespace: str) -> Iterator[AffinityTerm]:
    """The required terms of an affinity or anti-affinity of a pod in a namespace."""
    for term in (written or {}).get(REQUIRED) or ():
        chosen, named = term.get("namespaceSelector"), tuple(term.get("namespaces") or ())
        found = selector(term.get("labelSelector"))
        if found is None:
            continue
        if chosen:
            yield AffinityTerm(found, term["topologyKey"], named, selector(chosen))
        else:
            yield AffinityTerm(found, term["topologyKey"], () if chosen == {} else named or (namespace,))


def _spreads(obj: Object, namespace: str) -> Iterator[Spread]:
    """The hard constraints of a pod, given as the API server sent it."""
    labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
    for written in obj["spec"].get("topologySpreadConstraints") or ():
        chosen = selector(written.get("labelSelector"))
        # A constraint without a selector selects nothing: the pod may run anywhere.
        if written.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule" and chosen is not None:
            keys = [key for key in written.get("matchLabelKeys") or () if key in labels]
            of_keys = [Requirement(key, "In", (labels[key],)) for key in keys]
            yield Spread(
                namespace=namespace,
                selector=Selector((*chosen.requirements, *of_keys)),
                topology=written["topologyKey"],
                most_skew=int(written["maxSkew"]),
                least_domains=int(written.get("minDomains") or 1),
                honors_affinity=written.get("nodeAffinityPolicy", "Honor") == "Honor",
                honors_taints=written.get("nodeTaintsPolicy", "Ignore") == "Honor",
            )


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def _sum(containers: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for container in containers:
        written = (container.get("resources") or {}).get("requests") or {}
        total = _plus(total, {name: quantity(amount) for name, amount in written.items()})
    return total


def _plus(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: left.get(name, Decimal(0)) + right.get(name, Decimal(0)) for name in {*left, *right}}


def _largest(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {name: max(left.get(name, Decimal(0)), right.get(name, Decimal(0))) for name in {*left, *right}}
