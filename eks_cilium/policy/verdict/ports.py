"""The ports of an entry of a policy, and whether the port of a flow is one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.verdict.labels import NO, YES, Answer, any_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.verdict.model import Port

_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})


@dataclass(frozen=True)
class PortNames:
    """The ports that a rule means when it names a port instead of giving its number."""

    ports: frozenset[tuple[str, Port]] | None = frozenset()
    """Ports with their names; None where they are not known."""
    unknown: str = field(default="", compare=False)
    """What would have to be known, to be followed by the name."""


@dataclass(frozen=True)
class PortMatch:
    """A port, a range of ports or the name of a port, of one protocol or of several."""

    protocols: frozenset[str]
    first: int = 0
    last: int = 0
    """`first` and `last` are both 0 for every port."""
    name: str = ""
    """The name of a port instead of a number."""

    def matches(self, port: Port, names: PortNames) -> Answer:
        """Whether a port of a destination is one of these; `names` are the names of ports that count."""
        if port.protocol not in self.protocols:
            return NO
        if not self.name:
            return YES if self.last == 0 or self.first <= port.number <= self.last else NO
        if names.ports is None:
            return Answer(None, f"{names.unknown} called {self.name}")
        return YES if port.number == self._called(port.protocol, names.ports) else NO

    def edges(self, port: Port, names: PortNames) -> tuple[int, ...]:
        """The first port and the one after the last; none where it does not matter which port it is."""
        if port.protocol not in self.protocols:
            return ()
        if self.name:
            number = self._called(port.protocol, names.ports or frozenset())
            return (number, number + 1) if number else ()
        return (self.first, self.last + 1) if self.last else ()

    def _called(self, protocol: str, ports: frozenset[tuple[str, Port]]) -> int:
        """The port of this name; 0 where there is none, or where several differ (ErrDuplicateNamedPorts)."""
        numbers = {port.number for name, port in ports if (name, port.protocol) == (self.name, protocol)}
        return numbers.pop() if len(numbers) == 1 else 0

    def __str__(self) -> str:
        protocol = "/".join(sorted(self.protocols)) if len(self.protocols) == 1 else "any"
        if self.name:
            return f"{self.name}/{protocol}"
        if not self.last:
            return f"every port/{protocol}"
        return f"{self.first}{f'-{self.last}' if self.last > self.first else ''}/{protocol}"


def port_matches(entry: Mapping[str, Any], *, sctp: bool = True) -> tuple[PortMatch, ...] | None:
    """The ports of an entry of a policy.

    Args:
        entry: The entry, with `toPorts` or `icmps`.
        sctp: Whether any protocol includes SCTP, as from Cilium 1.13 on.

    Returns:
        None where the entry means every port; an empty tuple where it means ICMP, which is no port.
    """
    if not entry.get("toPorts"):
        return () if entry.get("icmps") else None
    return tuple(_match(port, sctp=sctp) for rule in entry["toPorts"] for port in rule.get("ports") or ())


def ports_match(ports: tuple[PortMatch, ...] | None, port: Port, names: PortNames) -> Answer:
    """Whether a port is one of those of an entry; None stands for every port."""
    return YES if ports is None else any_of(each.matches(port, names) for each in ports)


def _match(written: Mapping[str, Any], *, sctp: bool) -> PortMatch:
    protocol = str(written.get("protocol") or "ANY").upper()
    every = _WITH_PORTS if sctp else _WITH_PORTS - {"SCTP"}
    protocols = every if protocol == "ANY" else frozenset({protocol})
    text = str(written.get("port") or "0")
    try:
        first = int(text) if text.isdigit() else int(text, 0)
    except ValueError:
        return PortMatch(protocols, name=text.lower())
    last = int(written.get("endPort") or 0)
    return PortMatch(protocols, first, max(first, last) if first else 0)
