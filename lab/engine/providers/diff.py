"""The answer of a provider's Diff call."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab.engine.state.property_paths import contains, split_path

if TYPE_CHECKING:
    from collections.abc import Iterable

_REPLACE = "-replace"


@dataclass(frozen=True)
class Diff:
    """Whether a resource must change, and whether it must be replaced."""

    changes: bool
    replaces: tuple[str, ...] = ()
    diffs: tuple[str, ...] = ()
    stables: tuple[str, ...] = ()
    delete_before_replace: bool = False
    # Property path to kind: add, add-replace, delete, delete-replace, update, update-replace.
    detailed: dict[str, str] = field(default_factory=dict)
    input_diffs: frozenset[str] = frozenset()

    @property
    def replace(self) -> bool:
        """Whether the change is only possible by replacing the resource."""
        return bool(self.replaces) or any(kind.endswith(_REPLACE) for kind in self.detailed.values())

    @property
    def keys(self) -> set[str]:
        """The top-level properties that change, as far as the provider lists them."""
        return {*self.diffs, *self.replaces, *(split_path(path)[0] for path in self.detailed)}


def with_replace_on_changes(diff: Diff, patterns: Iterable[str]) -> Diff:
    """The diff with changes of the given properties turned into replacements."""
    patterns = list(patterns)
    if not diff.changes or not patterns:
        return diff

    def hit(path: str) -> bool:
        return any(contains(pattern, path) for pattern in patterns)

    detailed = {
        path: f"{kind.removesuffix(_REPLACE)}{_REPLACE}" if hit(path) else kind
        for path, kind in diff.detailed.items()
    }
    replaces = tuple(dict.fromkeys([*diff.replaces, *filter(hit, diff.diffs)]))
    return replace(diff, detailed=detailed, replaces=replaces)
