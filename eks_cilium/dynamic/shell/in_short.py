"""What a stack keeps of many names and of long results: its state is saved after every resource.

A stack of 5,000 nodes would otherwise have megabytes of names in it, and each of its resources is written
again whenever one of them is done. The whole list is in the cluster's record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from eks_cilium.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_BYTES = 700
"""Of one input or result: a state has the inputs of a resource twice, and both resources and URNs besides."""
MOST_NAMES = 8
_SMALLER = ((8, 400), (5, 200), (3, 160))
"""Entries of a list, and characters of a text."""
_LEAST_KEYS = 6
"""Of an object, so that what a result is made of stays."""

Names: TypeAlias = "Sequence[str] | Mapping[str, Any]"
"""A few names, or the number and the digest of many."""


def names_in_short(names: Names) -> Names:
    """A few names as they are; of many their number, and a digest by which other names are noticed."""
    if isinstance(names, Mapping) or len(names) <= MOST_NAMES:
        return names
    text = "\n".join(sorted(names))
    return {"count": len(names), "digest": hashlib.blake2s(text.encode(), digest_size=10).hexdigest()}


def are_same(names: Names, others: Names) -> bool:
    """Whether both are the same names, in whatever order and form."""
    known, found = names_in_short(names), names_in_short(others)
    if isinstance(known, Mapping) or isinstance(found, Mapping):
        return known == found
    return set(known) == set(found)


def lines_in_short(lines: Iterable[str]) -> Iterator[str]:
    """The first lines, as many as a state has room for, and how many more there are."""
    rest, room = list(lines), MOST_BYTES
    for position, line in enumerate(rest):
        room -= len(line.encode())
        if room < 0 and position:
            yield f"{counted(len(rest) - position, 'more line')}, in the table of this preview"
            return
        yield line


def in_short(result: dict[str, Any]) -> dict[str, Any]:
    """A result without most of its long lists and texts where it is too long for a state."""
    for entries, characters in _SMALLER:
        if len(json.dumps(result)) <= MOST_BYTES:
            break
        result = {key: _cut(value, entries, characters) for key, value in result.items()}
    return result


def _cut(value: Any, entries: int, characters: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[:characters]} ..."
    if isinstance(value, dict):
        keys = max(entries, _LEAST_KEYS)
        kept = {key: _cut(each, entries, characters) for key, each in islice(value.items(), keys)}
        return kept | ({"...": f"{len(value) - keys} more"} if len(value) > keys else {})
    if isinstance(value, list | tuple):
        some = [_cut(each, entries, characters) for each in value[:entries]]
        return [*some, f"{len(value) - entries} more"] if len(value) > entries else some
    return value
