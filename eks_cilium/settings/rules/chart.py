"""Rules about `cilium.values`: keys the chart does not know, and keys that are not the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.decided import (
    DECIDED,
    DECIDED_IN_CHAINING,
    DECIDED_IN_NEW_CHAINING,
    DECIDED_IN_REPLACEMENT,
    decided_keys,
)
from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.settings.model import (
    ChainingSettings,
    MadeClusterSettings,
    NewChainedClusterSettings,
    NewClusterSettings,
    ReplacementSettings,
)
from eks_cilium.settings.problems import Problem, remove_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    Installing = MadeClusterSettings | ChainingSettings | ReplacementSettings

_TABLES = {
    NewClusterSettings: DECIDED,
    ChainingSettings: DECIDED_IN_CHAINING,
    NewChainedClusterSettings: DECIDED_IN_NEW_CHAINING,
    ReplacementSettings: DECIDED_IN_REPLACEMENT,
}


def chart_knows_the_keys(settings: Installing) -> Iterator[Problem]:
    """The chart would ignore an unknown key without a word."""
    version = settings.cilium.version
    for unknown in unknown_keys(version, settings.cilium.values):
        path = ("cilium", "values", *unknown.path)
        hint = f"; did you mean {unknown.nearest!r}?" if unknown.nearest else ""
        allowed = f"a key of the chart {version}, which does not know {'.'.join(unknown.path)!r}"
        yield Problem(path, unknown.value, allowed, remove_command(path) + hint)


def mode_decides_some_keys(settings: Installing) -> Iterator[Problem]:
    """What makes the mode is not up for change, and what has a key of its own is set there."""
    for inner, value, decided in decided_keys(settings.cilium.values, _TABLES[type(settings)]):
        path = ("cilium", "values", *inner)
        instead = f", then set eks-cilium:{decided.instead}" if decided.instead else ""
        allowed = f"nothing: {decided.why}"
        yield Problem(path, value, allowed, remove_command(path) + instead)


RULES = (mode_decides_some_keys, chart_knows_the_keys)
