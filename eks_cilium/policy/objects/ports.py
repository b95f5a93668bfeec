"""Ports as the configuration writes them, `8080/TCP` or `8000-8100/UDP`, and as policies take them."""

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
    """A port, or a range with both ends in it."""

    first: int
    last: int
    protocol: Protocol

    @property
    def is_range(self) -> bool:
        """Whether it is more than one port."""
        return self.last != self.first

    def as_rule(self) -> dict[str, Any]:
        """An entry of `toPorts[].ports`."""
        end = {"endPort": self.last} if self.is_range else {}
        return {"port": str(self.first), **end, "protocol": self.protocol}

    def __str__(self) -> str:
        """As it is written in the configuration."""
        return f"{self.first}{f'-{self.last}' if self.is_range else ''}/{self.protocol}"


def parse_ports(text: str) -> Ports:
    """The ports in a text. Raises ValueError for what is none, or a range that ends before it begins."""
    match = _PORTS.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no port such as 8080/TCP, and no range such as 8000-8100/TCP")
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= _HIGHEST:
        raise ValueError(f"{text!r} is outside 1-{_HIGHEST} or ends before it begins")
    return Ports(first, last, cast("Protocol", match[3]))
