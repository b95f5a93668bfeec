"""What a cluster's nodes have to accept from the clusters it is joined with, for their security groups.

`stacks/mesh_resources.py` decides the openings; `components.mesh.firewall` makes rules of them. With native
routing pods of both clusters exchange packets by their own addresses, so the ports of pods have to be open as
well; policies decide behind them. With an overlay only the nodes' tunnels are seen from outside. Sources:
"Firewall Rules" on the page "System Requirements" of Cilium's documentation. A Service of type LoadBalancer
with instance targets gets a random node port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eks_cilium.cilium.mesh import ETCD_PORT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eks_cilium.mesh.model import Tunnel
    from eks_cilium.policy.objects import Ports

Protocol = Literal["tcp", "udp", "sctp", "icmp", "all"]

HEALTH_PORT = 4240
WIREGUARD_PORT = 51871
NODE_PORTS = (30000, 32767)

_ECHO_REQUEST, _ANY_CODE = 8, -1
# EC2 user guide, "Path MTU Discovery": without the message "fragmentation needed" senders never learn that
# packets are too big for a Transit Gateway or a peering between regions.
_UNREACHABLE, _TOO_BIG = 3, 4


@dataclass(frozen=True, order=True)
class Opening:
    """Accepted packets. For `icmp`, type and code are in place of ports, as in a security group."""

    protocol: Protocol
    first: int
    last: int
    why: str

    @property
    def name(self) -> str:
        """A short name that stays the same, for the resource of the rule."""
        if self.protocol == "all" or (self.protocol, self.first) == ("icmp", _ECHO_REQUEST):
            return self.protocol
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.protocol}-{ports}"


def openings(
    *, node_ports: bool, wireguard: bool, pods: Iterable[Ports] | None, tunnel: Tunnel | None = None
) -> tuple[Opening, ...]:
    """What to open, without duplicates.

    `node_ports` says whether the load balancer's targets are instances instead of addresses of pods. `pods`
    are the ports of pods; None opens everything. With a `tunnel` no port of pods is opened.
    """
    if tunnel is not None:
        pods = ()
    if pods is None:
        return (Opening("all", -1, -1, "everything pods offer; policies decide"),)
    first, last = NODE_PORTS if node_ports else (ETCD_PORT, ETCD_PORT)
    wanted = [
        Opening("icmp", _ECHO_REQUEST, _ANY_CODE, "health checks between nodes"),
        Opening("icmp", _UNREACHABLE, _TOO_BIG, "packets too big for the path"),
        Opening("tcp", HEALTH_PORT, HEALTH_PORT, "health checks between agents"),
        Opening("tcp", first, last, "the ClusterMesh API server"),
    ]
    if wireguard:
        wanted.append(Opening("udp", WIREGUARD_PORT, WIREGUARD_PORT, "encryption between nodes"))
    if tunnel is not None:
        wanted.append(Opening("udp", tunnel.port, tunnel.port, f"{tunnel.protocol} tunnels between nodes"))
    wanted += [_of_pods(ports) for ports in sorted(pods)]
    found: dict[str, Opening] = {}
    for opening in wanted:
        found.setdefault(opening.name, opening)
    return tuple(found.values())


def _of_pods(ports: Ports) -> Opening:
    protocols: dict[str, Protocol] = {"TCP": "tcp", "UDP": "udp", "SCTP": "sctp"}
    return Opening(protocols[ports.protocol], ports.first, ports.last, "what pods offer")
