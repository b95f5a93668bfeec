"""AWS's restrictions on the secondary networks of a VPC, which moto does not have.

Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html, "IPv4 CIDR block association
restrictions".
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from lab.cloud.ec2.errors import refusal
from lab.cloud.ec2.peerings import ranges_of

if TYPE_CHECKING:
    from moto.ec2.exceptions import EC2ClientError

_TEN, _SEVENTEEN_TWO, _NINETEEN_TWO, _SHARED, _BENCHMARK = map(
    ipaddress.IPv4Network,
    ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.19.0.0/16"),
)
_PRIVATE = (_TEN, _SEVENTEEN_TWO, _NINETEEN_TWO)
_LOWEST_TWO = ipaddress.IPv4Network("10.0.0.0/15")
_LOWEST = ipaddress.IPv4Network("10.0.0.0/16")
_SIZES = (16, 28)


class Ranges:
    """Secondary networks of VPCs in the EC2 backend, mixed in before moto's own methods."""

    def associate_vpc_cidr_block(self, vpc_id: str, cidr_block: str, *args: Any, **kwargs: Any) -> Any:
        """Add a network to a VPC, where AWS allows it beside those it has."""
        if cidr_block:
            network = ipaddress.IPv4Network(cidr_block)
            present = ranges_of(self.get_vpc(vpc_id))  # type: ignore[attr-defined]
            self._refuse_the_size(network)
            if any(network.overlaps(other) for other in present):
                message = f"The CIDR '{network}' conflicts with another network of {vpc_id}"
                raise refusal("InvalidVpc.Range", message)
            if any(network.subnet_of(block) for block in _restricted(present)):
                raise _restricted_range(network)
        return super().associate_vpc_cidr_block(vpc_id, cidr_block, *args, **kwargs)  # type: ignore[misc]

    def disassociate_vpc_cidr_block(self, association_id: str) -> Any:
        """Remove a network of which no subnet takes a part."""
        for vpc in self.vpcs.values():  # type: ignore[attr-defined]
            found = vpc._cidr_block_association_set.get(association_id)
            if found and "." in found["cidr_block"]:
                self._refuse_while_used(vpc.id, ipaddress.IPv4Network(found["cidr_block"]))
        return super().disassociate_vpc_cidr_block(association_id)  # type: ignore[misc]

    def _refuse_the_size(self, network: ipaddress.IPv4Network) -> None:
        if not _SIZES[0] <= network.prefixlen <= _SIZES[1]:
            message = f"The CIDR '{network}' is invalid: it must be between /{_SIZES[0]} and /{_SIZES[1]}"
            raise refusal("InvalidVpc.Range", message)

    def _refuse_while_used(self, vpc_id: str, network: ipaddress.IPv4Network) -> None:
        subnets = self.describe_subnets(filters={"vpc-id": vpc_id})  # type: ignore[attr-defined]
        if any(subnet.cidr.subnet_of(network) for subnet in subnets):
            message = f"The vpc-cidr-block '{network}' is currently in use by subnets"
            raise refusal("DependencyViolation", message)


def _restricted(present: list[ipaddress.IPv4Network]) -> list[ipaddress.IPv4Network]:
    """Return the networks that may not be added to a VPC with these."""
    primary = present[0]
    blocks = [block for block in _PRIVATE if not primary.subnet_of(block)]
    if not any(primary.subnet_of(block) for block in (*_PRIVATE, _SHARED)):
        blocks = list(_PRIVATE)
    if any(network.subnet_of(_LOWEST_TWO) for network in present):
        blocks.append(_LOWEST)
    return [*blocks, _BENCHMARK]


def _restricted_range(network: ipaddress.IPv4Network) -> EC2ClientError:
    message = (
        f"The CIDR '{network}' is restricted. Use a CIDR from the same private address range as the current "
        "VPC CIDR, or use a publicly-routable CIDR"
    )
    return refusal("InvalidVpc.Range", message)
