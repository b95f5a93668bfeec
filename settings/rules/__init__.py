"""What keys mean for each other: every refusal that one key alone cannot show.

`settings.reading` calls `broken_rules` once the shape is right. A rule is a generator of problems; all of
them run, so that one look is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from settings.rules import (
    chaining,
    chart,
    cilium,
    cluster,
    common_cilium,
    mesh,
    network,
    nodes,
    replacement,
    tags,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from settings.model import Settings
    from settings.problems import Problem

    Rule = Callable[[Any], Iterator[Problem]]

_EVERYWHERE: tuple[Rule, ...] = (*tags.RULES, *common_cilium.RULES, *chart.RULES)

RULES: Mapping[str, tuple[Rule, ...]] = {
    "new-cluster": (*cluster.RULES, *network.RULES, *nodes.RULES, *cilium.RULES, *_EVERYWHERE),
    "chaining": (*chaining.RULES, *_EVERYWHERE),
    "replacement": (*replacement.RULES, *_EVERYWHERE),
    "mesh": (*mesh.RULES, *tags.RULES),
}
"""The rules of each mode, for its model."""


def broken_rules(settings: Settings) -> list[Problem]:
    """Every problem between keys."""
    return [problem for rule in RULES[settings.mode] for problem in rule(settings)]
