"""The ports of an entry of a policy, and whether the port of a flow is one of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.icmp import number_of
from eks_cilium.policy.objects.sanity.port_rules import port_number
from eks_cilium.policy.verdict.labels import NO, YES, Answer, any_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.verdict.model import Port

_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})
_NUMBER = re.compile(r"-?[0-9]{1,18}")
ICMP = "ICMP"
"""The protocol of ports whose numbers are types of ICMP messages."""


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
    zero: bool = False
    """Whether it is number 0 alone: a type of ICMP, not every one."""

    def matches(self, port: Port, names: PortNames) -> Answer:
        """Whether a port of a destination is one of these; `names` are the names of ports that count."""
        if port.protocol not in self.protocols:
            return NO
        if not self.name:
            every = self.last == 0 and not self.zero
            return YES if every or self.first <= port.number <= self.last else NO
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
        return (self.first, self.last + 1) if self.last or self.zero else ()

    def _called(self, protocol: str, ports: frozenset[tuple[str, Port]]) -> int:
        """The port of this name; 0 where there is none, or where several differ (ErrDuplicateNamedPorts)."""
        numbers = {port.number for name, port in ports if (name, port.protocol) == (self.name, protocol)}
        return numbers.pop() if len(numbers) == 1 else 0

    def __str__(self) -> str:
        protocol = "/".join(sorted(self.protocols)) if len(self.protocols) == 1 else "any"
        if self.name:
            return f"{self.name}/{protocol}"
        if not self.last and not self.zero:
            return f"every {'type' if protocol.startswith(ICMP) else 'port'}/{protocol}"
        return f"{self.first}{f'-{self.last}' if self.last > self.first else ''}/{protocol}"


def port_matches(
    entry: Mapping[str, Any],
    *,
    sctp: bool = True,
    zero_is_every_type: bool = True,
    zero_is_every_port: bool = True,
) -> tuple[PortMatch, ...] | None:
    """The ports of an entry of a policy, or its types of ICMP.

    Args:
        entry: The entry, with `toPorts` or `icmps`.
        sctp: Whether any protocol includes SCTP, as from Cilium 1.13 on.
        zero_is_every_type: Whether ICMP's type 0 (EchoReply) means every type, as from Cilium 1.16 on.
        zero_is_every_port: Whether port 0 with an `endPort` means every port, as from Cilium 1.20 on, and not
            the ports up to that.

    Returns:
        None where the entry means every port of every protocol.
    """
    if entry.get("toPorts"):
        ports = (port for rule in entry["toPorts"] for port in rule.get("ports") or ())
        return tuple(_match(port, sctp=sctp, zero_is_every_port=zero_is_every_port) for port in ports)
    if not entry.get("icmps"):
        return None
    fields = [field for rule in entry["icmps"] for field in rule.get("fields") or ()]
    return tuple(_type(field, zero_is_every_type=zero_is_every_type) for field in fields)


def ports_match(ports: tuple[PortMatch, ...] | None, port: Port, names: PortNames) -> Answer:
    """Whether a port is one of those of an entry; None stands for every port."""
    return YES if ports is None else any_of(each.matches(port, names) for each in ports)


def _type(field: Mapping[str, Any], *, zero_is_every_type: bool) -> PortMatch:
    # A key of the policy map whose port is 0 means every port from 1.16 on (Key.WithPort in
    # pkg/policy/types), and agents keep the type of a message where other protocols have their port.
    if field.get("family") == "IPv6":
        return PortMatch(frozenset({f"{ICMP}v6"}))
    text = str(field["type"])
    # Only definitions refuse numbers outside of 0 to 255; agents keep them, and no message has such a type.
    number = int(text) if _NUMBER.fullmatch(text) else number_of(text)
    return PortMatch(frozenset({ICMP}), number, number, zero=not number and not zero_is_every_type)


def _match(written: Mapping[str, Any], *, sctp: bool, zero_is_every_port: bool) -> PortMatch:
    protocol = str(written.get("protocol") or "ANY").upper()
    every = _WITH_PORTS if sctp else _WITH_PORTS - {"SCTP"}
    protocols = every if protocol == "ANY" else frozenset({protocol})
    text = str(written.get("port") or "0")
    first = port_number(text)
    if first is None:
        return PortMatch(protocols, name=text.lower())
    last = int(written.get("endPort") or 0)
    if not first:
        return PortMatch(protocols, 0, 0 if zero_is_every_port else last)
    return PortMatch(protocols, first, max(first, last))
