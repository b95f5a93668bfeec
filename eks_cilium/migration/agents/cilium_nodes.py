"""Whether Cilium has addresses for pods on a node: its CiliumNode's pool, and what the operator says.

Agents take addresses from `spec.ipam.pool`, which the operator fills from network interfaces, and list those
in use in `status.ipam.used`. What kept the operator from it is in `status.ipam.operator-status.error`.
Source: cilium/cilium, pkg/ipam/types/types.go (IPAMSpec, IPAMStatus) and pkg/ipam/node.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object

PATH = "/apis/cilium.io/v2/ciliumnodes"


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses that Cilium has for the pods of a node."""

    pool: int | None
    """How many; None where this node's IPAM mode has no pool."""
    used: int
    error: str
    """The operator's words, empty where it succeeded."""

    @classmethod
    def of(cls, node: Object) -> Self:
        """The addresses in a CiliumNode."""
        spec, status = node.get("spec") or {}, (node.get("status") or {}).get("ipam") or {}
        ipam = spec.get("ipam")
        pool = None if ipam is None or ipam.get("podCIDRs") else len(ipam.get("pool") or ())
        return cls(
            pool=pool,
            used=len(status.get("used") or ()),
            error=str((status.get("operator-status") or {}).get("error") or ""),
        )

    def missing(self, *, is_new: bool) -> str:
        """Why pods would get no address on a node, in one phrase; empty where they get one.

        A node that has run pods for long may have all its addresses in use, or an error that is over.
        """
        because = f": {self.error}" if self.error else ""
        if self.pool == 0:
            return f"has no addresses for pods{because}"
        if self.pool is None or not is_new:
            return ""
        if self.pool <= self.used:
            return f"has no free address for pods, {self.used} of {self.pool} are in use{because}"
        return f"gets no more addresses for pods{because}" if self.error else ""
