"""Which ports an entry of a policy is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.verdict.labels import NO, Answer, either
from eks_cilium.policy.verdict.model import Flow, Pod

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})


@dataclass(frozen=True)
class PortMatch:
    """A port, a range or a name, of one protocol or of any."""

    protocols: frozenset[str]
    first: int = 0
    last: int = 0
    """0 for both: every port."""
    name: str = ""
    """Name of a port, instead of a number."""

    def answer(self, flow: Flow) -> Answer:
        """Whether a flow goes to it."""
        if flow.port.protocol not in self.protocols:
            return NO
        if self.name:
            return self._named(flow)
        return Answer(self.last == 0 or self.first <= flow.port.number <= self.last)

    def _named(self, flow: Flow) -> Answer:
        """A name stands for whatever the destination calls so; what is no pod gives no names."""
        if not isinstance(flow.destination, Pod):
            return NO
        if flow.destination.named_ports is None:
            return Answer(None, f"which port of {flow.destination} is called {self.name}")
        return Answer(flow.destination.named_ports.get(self.name) == flow.port)

    def __str__(self) -> str:
        protocol = "/".join(sorted(self.protocols)) if len(self.protocols) == 1 else "any"
        if self.name:
            return f"{self.name}/{protocol}"
        if not self.last:
            return f"every port/{protocol}"
        return f"{self.first}{f'-{self.last}' if self.last > self.first else ''}/{protocol}"


def port_matches(entry: Mapping[str, Any]) -> tuple[PortMatch, ...] | None:
    """The ports of an entry; None where it is about all of them. ICMP is nobody's port."""
    if not entry.get("toPorts"):
        return () if entry.get("icmps") else None
    return tuple(_match(one) for rule in entry["toPorts"] for one in rule.get("ports") or ())


def answer(ports: tuple[PortMatch, ...] | None, flow: Flow) -> Answer:
    """Whether a flow goes to one of them."""
    return Answer(truth=True) if ports is None else either(one.answer(flow) for one in ports)


def _match(written: Mapping[str, Any]) -> PortMatch:
    protocol = str(written.get("protocol") or "ANY").upper()
    protocols = _WITH_PORTS if protocol == "ANY" else frozenset({protocol})
    text = str(written.get("port") or "0")
    try:
        first = int(text) if text.isdigit() else int(text, 0)
    except ValueError:
        return PortMatch(protocols, name=text.lower())
    last = int(written.get("endPort") or 0)
    return PortMatch(protocols, first, max(first, last) if first else 0)
