"""What a cluster's nodes have to accept from the clusters it is joined with.

With native routing pods of both clusters talk address to address, so what a peer may reach of a pod has to be
opened as well; the policies decide behind it. Sources: Cilium's documentation, "Firewall Rules"; a Service of
type LoadBalancer on instance targets gets a random node port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eks_cilium.cilium.mesh import ETCD_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eks_cilium.policy.objects import Ports

Protocol = Literal["tcp", "udp", "sctp", "icmp", "all"]

HEALTH_PORT = 4240
WIREGUARD_PORT = 51871
NODE_PORTS = (30000, 32767)

_ECHO_REQUEST, _ANY_CODE = 8, -1


@dataclass(frozen=True, order=True)
class Opening:
    """Something that comes in; for `icmp` type and code stand for the ports, as in a security group."""

    protocol: Protocol
    first: int
    last: int
    why: str

    @property
    def name(self) -> str:
        """Short and stable, for the name of a rule."""
        if self.protocol in ("all", "icmp"):
            return self.protocol
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.protocol}-{ports}"


def openings(*, node_ports: bool, wireguard: bool, pods: Iterable[Ports] | None) -> tuple[Opening, ...]:
    """What to open, each once; everything where `pods` is None.

    `node_ports` says whether the load balancer's targets are instances rather than addresses of pods.
    """
    if pods is None:
        return (Opening("all", -1, -1, "everything pods offer; policies decide"),)
    first, last = NODE_PORTS if node_ports else (ETCD_PORT, ETCD_PORT)
    wanted = [
        Opening("icmp", _ECHO_REQUEST, _ANY_CODE, "health checks between nodes"),
        Opening("tcp", HEALTH_PORT, HEALTH_PORT, "health checks between agents"),
        Opening("tcp", first, last, "the ClusterMesh API server"),
    ]
    if wireguard:
        wanted.append(Opening("udp", WIREGUARD_PORT, WIREGUARD_PORT, "encryption between nodes"))
    wanted += [_of_pods(one) for one in sorted(pods)]
    found: dict[str, Opening] = {}
    for opening in wanted:
        found.setdefault(opening.name, opening)
    return tuple(found.values())


def _of_pods(one: Ports) -> Opening:
    protocols: dict[str, Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
    return Opening(protocols[one.protocol], one.first, one.last, "what pods offer")
