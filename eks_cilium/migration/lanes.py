"""How many nodes are in work at once, and which node follows which: the lanes of `migration.parallel`.

A number is for all nodes together, a percentage for the nodes of each Auto Scaling group. The plan counts by
these lanes. The component registers more resources at once: a node has a resource of its own until its
workloads have settled, and its place is free before that, for a node whose resource waits for it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from eks_cilium.settings.model import width

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.runtime.locks import Places

_RESOURCES = 2
"""Resources in work for each place."""


class Lanes:
    """The lanes of nodes.

    Args:
        groups: The group of each node, by name, in the order of work.
        parallel: As in the configuration.
    """

    def __init__(self, groups: Mapping[str, str], parallel: int | str) -> None:
        self._parallel, self._nodes = parallel, Counter(groups.values())
        nodes = self._nodes
        if isinstance(parallel, int):
            self.in_all = parallel
            """How many nodes are in work at once."""
        else:
            self.in_all = sum(width.at_once(parallel, count) for count in nodes.values())
        self._before: dict[str, str] = {}
        self._registered: dict[str, str] = {}
        begun: dict[str, list[str]] = defaultdict(list)
        for node, group in groups.items():
            lane = "" if isinstance(parallel, int) else group
            places = width.at_once(parallel, nodes[group])
            if len(begun[lane]) >= places:
                self._before[node] = begun[lane][-places]
            if len(begun[lane]) >= _RESOURCES * places:
                self._registered[node] = begun[lane][-_RESOURCES * places]
            begun[lane].append(node)

    def place_of(self, group: str) -> tuple[str, int]:
        """The name of the places that nodes of a group take, and how many of them there are."""
        if isinstance(self._parallel, int):
            return "nodes in work", self._parallel
        return f"nodes of {group} in work", width.at_once(self._parallel, self._nodes[group])

    def before(self, node: str) -> str:
        """The node that has to be finished before this one is begun; empty where there is none."""
        return self._before.get(node, "")

    def registered_before(self, node: str) -> str:
        """The node whose resource has to be created before this one's; empty where there is none."""
        return self._registered.get(node, "")


class Place:
    """The place of one node: taken before its cordon, and left when its pods run elsewhere."""

    def __init__(self, places: Places, lanes: Lanes, node: str, group: str, *, taken: bool = False) -> None:
        self._places, self._node, self._is_taken = places, node, taken
        self._name, self._most = lanes.place_of(group)

    def take(self, *, in_any_case: bool = False) -> bool:
        """Take the place where one is free, or `in_any_case`; whether the node has it."""
        if not self._is_taken:
            most = float("inf") if in_any_case else self._most
            self._is_taken = self._places.take(self._name, most, self._node)
        return self._is_taken

    def vacate(self) -> None:
        """Let the next node have it."""
        self._places.vacate(self._name, self._node)

    def leave(self) -> None:
        """Leave it: the node is done, or given up."""
        if self._is_taken:
            self._places.leave(self._name, self._node)
            self._is_taken = False
