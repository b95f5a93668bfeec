"""How many pods a node takes where single addresses of its interfaces are no limit; new clusters ask.

That is where interfaces get prefixes of addresses, and where pods have addresses of an overlay. The images
compute kubelet's limit from single addresses: interfaces x (addresses - 1) + 2 (awslabs/amazon-eks-ami,
nodeadm/internal/kubelet/maxpods). So without a limit of its own a node takes no more pods than before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# max-pods-calculator.sh of awslabs/amazon-eks-ami: 110 for up to 30 vCPUs, 250 for more. EKS itself takes the
# same numbers with the VPC CNI's prefixes.
FOR_MOST_INSTANCES = 110
FOR_LARGE_INSTANCES = 250

ADDRESSES_OF_A_PREFIX = 16

_TIMES_XLARGE = re.compile(r"(\d+)xlarge")
_LARGE = 8  # 8xlarge has 32 vCPUs
_TOO_SMALL = ("nano", "micro")
"""Two interfaces with two addresses each: fewer addresses than `FOR_MOST_INSTANCES`, even with prefixes."""


def with_prefixes(instance_types: Sequence[str]) -> int | None:
    """The limit of a node group; None where that of the image is the better one.

    The smallest type of a group decides, because all its nodes have one launch template.
    """
    sizes = [name.partition(".")[2] for name in instance_types]
    return None if any(size in _TOO_SMALL for size in sizes) else without_interfaces(instance_types)


def without_interfaces(instance_types: Sequence[str]) -> int:
    """The limit of a node group whose pods need no addresses of interfaces."""
    sizes = [name.partition(".")[2] for name in instance_types]
    return FOR_LARGE_INSTANCES if all(map(_is_large, sizes)) else FOR_MOST_INSTANCES


@dataclass(frozen=True)
class InterfaceLimits:
    """What EC2 allows an instance type."""

    interfaces: int
    """Network interfaces of an instance."""
    addresses: int
    """Addresses of an interface, its own included."""


def beside_the_first_interface(limits: InterfaceLimits, *, prefixes: bool) -> int:
    """How many pods a node takes whose first interface gives pods no addresses; 0 where it takes none.

    Cilium's own count (`GetMaximumAllocatableIPv4` in pkg/aws/eni/node.go of cilium/cilium). Two addresses
    are for the agent's router and health endpoint, and two pods of each node, the agent and Envoy, need none.
    """
    per_interface = (limits.addresses - 1) * (ADDRESSES_OF_A_PREFIX if prefixes else 1)
    return max(limits.interfaces - 1, 0) * per_interface


def _is_large(size: str) -> bool:
    times = _TIMES_XLARGE.fullmatch(size)
    return size.startswith("metal") or (times is not None and int(times[1]) >= _LARGE)
