"""Compares what two implementations of the same Pulumi interface produced, field by field.

The tests of the lab's providers and engine use it against the official ones. A difference passes only where a
rule with its reason allows it, and a rule that no difference needs fails: it is out of date.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"


@dataclass(frozen=True)
class Allowed:
    """Differences that are no fault: those whose whole path matches, and why."""

    path: str
    """A regular expression."""
    reason: str
    always: bool = True
    """Whether the differences are always there; not where they depend on the version on PATH."""


@dataclass(frozen=True)
class Difference:
    """One value that differs: where, and on both sides."""

    path: str
    left: Any
    right: Any

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.left)} / {_short(self.right)}"


def differences(left: Any, right: Any, path: str = "") -> Iterator[Difference]:
    """Every value that differs, with its path: keys and positions, joined by dots."""
    pairs = _pairs(left, right)
    if pairs is None:
        if left != right or isinstance(left, bool) != isinstance(right, bool):
            yield Difference(path, left, right)
        return
    for key, ours, theirs in pairs:
        yield from differences(ours, theirs, f"{path}.{key}" if path else str(key))


def not_allowed(found: Iterable[Difference], allowed: Iterable[Allowed]) -> list[str]:
    """The differences that no rule allows, and the rules that no difference needs, one line each."""
    rules = {rule: re.compile(rule.path) for rule in allowed}
    used: set[Allowed] = set()
    lines = []
    for difference in found:
        matching = {rule for rule, path in rules.items() if path.fullmatch(difference.path)}
        used |= matching
        if not matching:
            lines.append(str(difference))
    return lines + [
        f"no difference needs the rule {rule.path!r}" for rule in rules if rule.always and rule not in used
    ]


def assert_same(left: Any, right: Any, allowed: Iterable[Allowed] = ()) -> None:
    """Fail with every difference that no rule allows, a line each."""
    lines = not_allowed(differences(left, right), allowed)
    assert not lines, "\n" + "\n".join(lines)


def _pairs(left: Any, right: Any) -> list[tuple[Any, Any, Any]] | None:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = sorted({*left, *right})
        return [(key, left.get(key, ABSENT), right.get(key, ABSENT)) for key in keys]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        return [(at, *both) for at, both in enumerate(zip(left, right, strict=True))]
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
