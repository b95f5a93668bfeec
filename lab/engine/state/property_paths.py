"""Property paths such as `tags["a.b"][0].c`: parsing, matching, and restoring what `ignoreChanges` names."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from lab.engine.state import values

if TYPE_CHECKING:
    from collections.abc import Iterable

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)')
_MISSING = object()


def split_path(path: str) -> list[str]:
    """Split a property path into its steps: `tags["a.b"][0].c`."""
    return [quoted or index or name for quoted, index, name in _STEP.findall(path)]


def contains(pattern: str, path: str) -> bool:
    """Whether a path equals the pattern or is below it; `*` matches any single step."""
    wanted, given = split_path(pattern), split_path(path)
    return len(wanted) <= len(given) and all(
        want in ("*", step) for want, step in zip(wanted, given, strict=False)
    )


def put_back(news: values.Properties, olds: values.Properties, ignored: Iterable[str]) -> values.Properties:
    """The new inputs with the old values at the ignored paths."""
    result = copy.deepcopy(news)
    for path in ignored:
        _reset(result, olds, split_path(path))
    return result


def _reset(new: Any, old: Any, steps: list[str]) -> None:
    # Both values must have every parent of the path; otherwise nothing is changed.
    if not steps:
        return
    new, old = values.reveal(new), values.reveal(old)
    step, *rest = steps
    if step == "*":
        for key in _keys(new) | _keys(old):
            _reset_at(new, old, key, rest)
    elif isinstance(new, list):
        if step.isdigit():
            _reset_at(new, old, int(step), rest)
    else:
        _reset_at(new, old, step, rest)


def _reset_at(new: Any, old: Any, key: Any, rest: list[str]) -> None:
    before = _get(old, key)
    if rest:
        _reset(_get(new, key), before, rest)
    elif isinstance(new, dict):
        if before is _MISSING:
            new.pop(key, None)
        else:
            new[key] = copy.deepcopy(before)
    elif isinstance(new, list) and before is not _MISSING and _get(new, key) is not _MISSING:
        new[key] = copy.deepcopy(before)


def _keys(value: Any) -> set[Any]:
    if isinstance(value, dict):
        return set(value)
    return set(range(len(value))) if isinstance(value, list) else set()


def _get(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key, _MISSING)
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        return value[key]
    return _MISSING
