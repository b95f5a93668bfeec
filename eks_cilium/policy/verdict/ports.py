"""The ports of an entry of a policy, and whether a flow goes to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.verdict.labels import NO, YES, Answer, any_of
from eks_cilium.policy.verdict.model import Flow, Pod, Port

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITH_PORTS = frozenset({"TCP", "UDP", "SCTP"})


@dataclass(frozen=True)
class PortMatch:
    """A port, a range of ports or the name of a port, of one protocol or of several."""

    protocols: frozenset[str]
    first: int = 0
    last: int = 0
    """`first` and `last` are both 0 for every port."""
    name: str = ""
    """The name of a port instead of a number."""

    def matches(self, flow: Flow) -> Answer:
        """Whether a flow goes to the port."""
        if flow.port.protocol not in self.protocols:
            return NO
        if self.name:
            return self._named(flow)
        return Answer(self.last == 0 or self.first <= flow.port.number <= self.last)

    def edges(self, flow: Flow) -> tuple[int, ...]:
        """The first port and the one after the last; none where the flow's port does not matter."""
        if flow.port.protocol not in self.protocols:
            return ()
        if self.name:
            named = flow.destination.named_ports if isinstance(flow.destination, Pod) else None
            port = (named or {}).get(self.name)
            return (port.number, port.number + 1) if port else ()
        return (self.first, self.last + 1) if self.last else ()

    def _named(self, flow: Flow) -> Answer:
        # The destination's containers name their ports; endpoints that are no pods name none.
        if not isinstance(flow.destination, Pod):
            return NO
        if flow.destination.named_ports is None:
            return Answer(None, f"which port of {flow.destination} is called {self.name}")
        return Answer(_is(flow.destination.named_ports.get(self.name), flow.port))

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


def ports_match(ports: tuple[PortMatch, ...] | None, flow: Flow) -> Answer:
    """Whether a flow goes to one of the ports; None stands for every port."""
    return YES if ports is None else any_of(port.matches(flow) for port in ports)


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


def _is(named: Port | None, port: Port) -> bool:
    return named is not None and (named.number, named.protocol) == (port.number, port.protocol)
