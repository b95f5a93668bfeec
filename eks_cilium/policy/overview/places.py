"""Workloads as people name them, and short names for many of them: `shop/checkout`, `every pod of shop`."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.model import Pod
from eks_cilium.policy.why.naming import naming_labels
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from eks_cilium.policy.verdict.live import Workload
    from eks_cilium.policy.verdict.model import Endpoint


@dataclass(frozen=True, order=True)
class Place:
    """A workload in a namespace of a cluster, or an endpoint that is no pod."""

    cluster: str
    """Empty where the endpoint is no pod, as the namespace."""
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(filter(None, (self.cluster, self.namespace, self.name)))


def place_of(endpoint: Endpoint, workload: Workload | None = None) -> Place:
    """The place of an endpoint: its owner, else the label that names it, else its first pod."""
    if not isinstance(endpoint, Pod):
        return Place("", "", str(endpoint))
    by_label = next(iter(naming_labels(endpoint).values()), "")
    names = workload.names if workload else ()
    name = (workload.owner if workload else "") or by_label or next(iter(names), "") or "(no labels)"
    return Place(endpoint.cluster, endpoint.namespace, name)


class Directory:
    """All places of the traffic, to say `every workload` where all of them are meant."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._by_namespace: dict[tuple[str, str], set[Place]] = defaultdict(set)
        for place in places:
            self._by_namespace[place.cluster, place.namespace].add(place)
        self._clusters = {cluster for cluster, _ in self._by_namespace if cluster}

    @property
    def count(self) -> int:
        """The number of different places."""
        return sum(map(len, self._by_namespace.values()))

    def text(self, places: Collection[Place], most: int, *, besides: Place | None = None) -> str:
        """Name places, whole namespaces and clusters by one word each.

        Args:
            places: The places; those that the directory does not have are named one by one.
            most: How many words at most; the others are counted.
            besides: A place that is left out of the question whether a namespace is complete.
        """
        return named(self._words(set(places), most, besides), most)

    def _words(self, places: set[Place], most: int, besides: Place | None) -> list[str]:
        whole = {
            key
            for key, members in self._by_namespace.items()
            if members <= places | {besides} and members & places
        }
        if whole and len(whole) == len(self._by_namespace):
            return ["every workload"]
        # A namespace or cluster with one workload is better named by it.
        counts = Counter(place.cluster for place in places)
        complete = {each for each in self._clusters if counts[each] > 1 and self._is_whole(each, whole)}
        several = {key for key in whole if key[0] and len(self._by_namespace[key] & places) > 1}
        words = [f"{cluster}/*" for cluster in sorted(complete)]
        words += [f"{cluster}/{space}/*" for cluster, space in sorted(several) if cluster not in complete]
        rest: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in sorted(places, key=lambda place: (not place.cluster, place)):
            if place.cluster not in complete and (place.cluster, place.namespace) not in several:
                rest[place.cluster, place.namespace].append(place.name)
        return [*words, *(_together(*key, names, most) for key, names in rest.items())]

    def _is_whole(self, cluster: str, whole: Collection[tuple[str, str]]) -> bool:
        return bool(cluster) and all(key in whole for key in self._by_namespace if key[0] == cluster)


def _together(cluster: str, namespace: str, names: Sequence[str], most: int) -> str:
    """The workloads of a namespace as one word, with braces where there are several: `shop/{cart, web}`."""
    text = names[0] if len(names) == 1 else f"{{{named(names, most)}}}"
    return "/".join(filter(None, (cluster, namespace, text)))
