"""Ports: parsed from `8080/TCP` or `8000-8100/UDP`, and written as an entry of a policy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

Protocol = Literal["TCP", "UDP", "SCTP"]

PATTERN = r"^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?/(TCP|UDP|SCTP)$"
_PORTS = re.compile(r"^(\d+)(?:-(\d+))?/(TCP|UDP|SCTP)$")
_HIGHEST = 65535


@dataclass(frozen=True, order=True)
class Ports:
    """A port, or a range of ports including the first and the last, of one protocol."""

    first: int
    last: int
    protocol: Protocol

    @property
    def is_range(self) -> bool:
        """Whether there is more than one port."""
        return self.last != self.first

    def as_rule(self) -> dict[str, Any]:
        """The ports as an entry of `toPorts[].ports` in a policy."""
        end = {"endPort": self.last} if self.is_range else {}
        return {"port": str(self.first), **end, "protocol": self.protocol}

    def __str__(self) -> str:
        return f"{self.first}{f'-{self.last}' if self.is_range else ''}/{self.protocol}"


def parse_ports(text: str) -> Ports:
    """Parse a port or a range of ports.

    Args:
        text: Such as `8080/TCP` or `8000-8100/UDP`.

    Returns:
        The ports.

    Raises:
        ValueError: The text is neither, a number is outside 1 to 65535, or the range ends before it begins.
    """
    match = _PORTS.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no port such as 8080/TCP, and no range such as 8000-8100/TCP")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= _HIGHEST:
        raise ValueError(f"{text!r} is outside 1-{_HIGHEST} or ends before it begins")
    return Ports(first, last, cast("Protocol", match[3]))
