"""A node that pods may move to, and why it does not suit one: the scheduler's filters, one after another.

pkg/scheduler/framework/plugins: nodeunschedulable, tainttoleration, nodeaffinity, volumebinding, nodeports,
noderesources, nodevolumelimits, interpodaffinity. What a filter needs is read when it is first asked, so that
pods are listed of nodes alone that suit otherwise.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import HOSTNAME, condition, is_cordoned
from eks_cilium.cluster.quantities import quantity
from eks_cilium.migration.facts.nodes import is_silent, volume_limits
from eks_cilium.migration.placement.needs import COMMON, in_conflict, ports, requests, terms
from eks_cilium.migration.placement.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object, Terms
    from eks_cilium.migration.placement.needs import AffinityTerm, Need, Port
    from eks_cilium.runtime.context import World

_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})
_CORDON = "node.kubernetes.io/unschedulable"
_ENDED = frozenset({"Succeeded", "Failed"})
_CSI = "kubernetes.io/csi/"


class Candidate:
    """One node, with what is left on it; pods that `take` it are counted."""

    def __init__(self, world: World, obj: Object, surroundings: Surroundings | None = None) -> None:
        """With the `surroundings` that several candidates share."""
        self._world, self._obj = world, obj
        self._surroundings = surroundings or Surroundings(world)
        self.name: str = obj["metadata"]["name"]
        labels = obj["metadata"].get("labels") or {}
        self.labels: Mapping[str, str] = {HOSTNAME: self.name, **labels}

    @property
    def is_open(self) -> bool:
        """Whether pods can be scheduled to it at all."""
        return condition(self._obj, "Ready").get("status") == "True" and not is_cordoned(self._obj)

    @property
    def is_silent(self) -> bool:
        return is_silent(self._obj)

    def why_not(self, need: Need) -> str:
        """Why it does not suit a pod, in a few words; empty where it does. Other pods are not looked at."""
        return self.why_not_by_its_object(need) or self._by_its_pods(need)

    def why_not_by_its_object(self, need: Need, *, without: str = "") -> str:
        """The same by its labels, taints and zone alone, apart from one taint."""
        return self._by_taints_and_labels(need, without=without) or self._by_zone(need)

    def is_only_in_another_zone(self, need: Need) -> bool:
        """Whether a pod's volume is in another zone, and labels and taints suit the pod."""
        return not self._by_taints_and_labels(need) and bool(self._by_zone(need))

    def suits_but_for_its_cordon(self, need: Need) -> bool:
        """Whether its labels, taints and zone suit a pod, apart from the taint that a cordon gives it."""
        return not self.why_not_by_its_object(need, without=_CORDON)

    def matches(self, need: Need) -> bool:
        """Whether its labels suit the node selector and affinity of a pod."""
        required = need.pod.node_requirements
        return not required or _any_holds(required, self.labels)

    def taint_against(self, need: Need, *, without: str = "") -> str:
        """The key of a taint that keeps a pod out; empty without one."""
        return next(
            (
                str(taint["key"])
                for taint in self._obj["spec"].get("taints") or ()
                if taint["effect"] in _KEEPS_OUT and taint["key"] != without and not need.tolerates(taint)
            ),
            "",
        )

    def take(self, need: Need) -> None:
        """Count a pod that will run here."""
        _subtract(self._free, need.resources)
        self._ports.update(need.ports)
        self._attached.update(volume.driver for volume in need.volumes)

    def _by_taints_and_labels(self, need: Need, *, without: str = "") -> str:
        taint = self.taint_against(need, without=without)
        if taint:
            return f"has the taint {taint}"
        if not self.matches(need):
            return "does not match its node selector or affinity"
        return ""

    def _by_zone(self, need: Need) -> str:
        for volume in need.volumes:
            if volume.terms and not _any_holds(volume.terms, self.labels):
                return f"is not in the zone of its volume {volume.name}"
        return ""

    def _by_its_pods(self, need: Need) -> str:
        if any(in_conflict(wanted, held) for wanted in need.ports for held in self._ports):
            return "has no free host port"
        for name, amount in _with_itself(need.resources).items():
            # What every node has is only compared where its kubelet has stated it.
            free = self._free.get(name, amount if name in COMMON else Decimal(0))
            if amount > max(free, Decimal(0)):
                return f"has too little {name}"
        for driver, count in Counter(volume.driver for volume in need.volumes).items():
            if self._attached[driver] + count > self._limits.get(driver, self._attached[driver] + count):
                return f"can attach no further volume of {driver}"
        if any(self._forbids(pod, need) for pod in self._pods):
            return "has a pod that must not run beside it"
        return ""

    def _forbids(self, other: Object, need: Need) -> bool:
        """Whether a pod that runs here keeps another off, by the labels of this node."""
        written = (other["spec"].get("affinity") or {}).get("podAntiAffinity")
        return any(
            term.topology in self.labels and self._is_about(term, need)
            for term in terms(written, other["metadata"]["namespace"])
        )

    def _is_about(self, term: AffinityTerm, need: Need) -> bool:
        names = self._surroundings.namespaces_of(term)
        return (names is None or need.pod.namespace in names) and term.selector.matches(need.labels)

    @cached_property
    def _pods(self) -> list[Object]:
        found = self._surroundings.pods_on(self.name)
        return [pod for pod in found if pod.get("status", {}).get("phase") not in _ENDED]

    @cached_property
    def _free(self) -> dict[str, Decimal]:
        written = self._obj.get("status", {}).get("allocatable") or {}
        free = {name: quantity(amount) for name, amount in written.items()}
        for pod in self._pods:
            _subtract(free, requests(pod["spec"]))
        return free

    @cached_property
    def _ports(self) -> set[Port]:
        return {port for pod in self._pods for port in ports(pod["spec"])}

    @cached_property
    def _attached(self) -> Counter[str]:
        listed = self._obj.get("status", {}).get("volumesAttached") or ()
        names = (each["name"].removeprefix(_CSI) for each in listed if each["name"].startswith(_CSI))
        return Counter(name.partition("^")[0] for name in names)

    @cached_property
    def _limits(self) -> Mapping[str, int]:
        found = self._world.seen.get(f"/apis/storage.k8s.io/v1/csinodes/{self.name}")
        return volume_limits(found)[1] if found else {}


def _any_holds(terms: Terms, labels: Mapping[str, str]) -> bool:
    return any(all(requirement.matches(labels) for requirement in term) for term in terms)


def _subtract(free: dict[str, Decimal], resources: Mapping[str, Decimal]) -> None:
    for name, amount in _with_itself(resources).items():
        if name in free:
            free[name] -= amount


def _with_itself(resources: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """A pod takes one place of the node's `pods` as well."""
    return {**resources, "pods": Decimal(1)}
