"""How many nodes are in work at once, and which node follows which: the lanes of `migration.parallel`.

A number is for all nodes together, a percentage for the nodes of each Auto Scaling group. The plan counts by
these lanes, and the component registers its resources by them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Protocol, Self

from eks_cilium.settings.model import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class _InGroup(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...


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
        begun: dict[str, list[str]] = defaultdict(list)
        for node, group in groups.items():
            lane = "" if isinstance(parallel, int) else group
            places = width.at_once(parallel, nodes[group])
            if len(begun[lane]) >= places:
                self._before[node] = begun[lane][-places]
            begun[lane].append(node)

    @classmethod
    def of(cls, nodes: Iterable[_InGroup], parallel: int | str) -> Self:
        """The lanes of nodes that know their groups, such as those of an inventory, in the order of work."""
        return cls({node.name: node.group for node in nodes}, parallel)

    def place_of(self, group: str) -> tuple[str, int]:
        """The name of the places that nodes of a group take, and how many of them there are."""
        if isinstance(self._parallel, int):
            return "nodes in work", self._parallel
        return f"nodes of {group} in work", width.at_once(self._parallel, self._nodes[group])

    def before(self, node: str) -> str:
        """The node that has to be finished before this one is begun; empty where there is none."""
        return self._before.get(node, "")
