"""A number of nodes, or a share of the nodes of each Auto Scaling group: `3`, or `10%`.

`migration.parallel` and `migration.surge` are such widths. A share is of the nodes that a group had when the
migration began, so it stays the same until the end.
"""

from __future__ import annotations

import re
from math import ceil
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

MOST = 100
"""The largest number, and the largest percentage."""
ALLOWED = f"1 to {MOST}, or a percentage of each group's nodes from 1% to 100%"
_SHARE = re.compile(r"^([1-9]\d?|100)%$")


def _width(value: Any) -> int | str:
    if isinstance(value, str) and _SHARE.match(value):
        return value
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    # Pulumi hands numbers over as floats.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or value != int(value) or not 1 <= value <= MOST:
        raise ValueError("no width")
    return int(value)


_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MOST},
        {"type": "string", "pattern": _SHARE.pattern},
    ]
}
"""For editors."""

Width = Annotated[int | str, BeforeValidator(_width), WithJsonSchema(_SCHEMA)]


def at_once(width: int | str, nodes: int) -> int:
    """How many of so many nodes may be in work at once: a share is rounded down, and is at least one node."""
    return width if isinstance(width, int) else max(nodes * _percent(width) // 100, 1)


def besides(width: int | str, nodes: int) -> int:
    """How many nodes a group of so many gets besides: a share is rounded up, as Kubernetes does a surge."""
    return width if isinstance(width, int) else max(ceil(nodes * _percent(width) / 100), 1)


def in_words(width: int | str) -> str:
    """As in `3`, or `10% of each group`."""
    return str(width) if isinstance(width, int) else f"{width} of each group"


def _percent(width: str) -> int:
    return int(width.removesuffix("%"))
