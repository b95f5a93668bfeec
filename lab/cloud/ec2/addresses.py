"""Interfaces and their addresses, with AWS's limits.

Addresses are unique within a subnet and are not reused at once (moto draws them at random, so that two pods
could get the same one). The instance type limits the addresses of an interface and the interfaces of an
instance.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from lab.cloud.ec2.errors import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.ec2.exceptions import EC2ClientError

_RESERVED_AT_START = 4  # network, router, DNS, future use: reserved by AWS in every subnet
_PREFIX_LENGTH = 28


class UnknownInstanceTypeError(LookupError):
    """EC2's list of instance types does not contain this one."""


def network_limits(instance_type: str) -> tuple[int, int]:
    """Return the maximum number of interfaces of an instance type, and of addresses per interface."""
    if instance_type not in INSTANCE_TYPES:
        raise UnknownInstanceTypeError(instance_type)
    network = INSTANCE_TYPES[instance_type]["NetworkInfo"]
    return int(network["MaximumNetworkInterfaces"]), int(network["Ipv4AddressesPerInterface"])


def prefixes_of(eni: Any) -> list[dict[str, str]]:
    """Return the /28 prefixes of an interface, which moto's interface has no attribute for."""
    found: list[dict[str, str]] = getattr(eni, "ipv4_prefixes", None) or []
    return found


class SubnetAddresses:
    """Finds free addresses of subnets; the interfaces themselves record what is used."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._last: dict[str, int] = {}

    def take(self, subnet: Any, count: int) -> list[str]:
        """Return the next `count` free addresses of the subnet."""
        taken = self._taken(subnet)
        found: list[str] = []
        for number in self._candidates(subnet):
            if len(found) == count:
                break
            if (address := str(ipaddress.IPv4Address(number))) not in taken:
                found.append(address)
                self._last[subnet.id] = number
        if len(found) < count:
            raise _subnet_full(subnet)
        return found

    def take_prefixes(self, subnet: Any, count: int) -> list[str]:
        """Return the next `count` aligned /28 blocks of the subnet without a used address."""
        taken = self._taken(subnet)
        blocks = ipaddress.IPv4Network(subnet.cidr_block).subnets(new_prefix=_PREFIX_LENGTH)
        free = [str(block) for block in list(blocks)[1:-1] if taken.isdisjoint(map(str, block))]
        if len(free) < count:
            raise _subnet_full(subnet)
        return free[:count]

    def claim(self, subnet: Any, address: str) -> str:
        """Return the requested address, if it is free and in the subnet."""
        if ipaddress.ip_address(address) not in ipaddress.IPv4Network(subnet.cidr_block):
            message = f"Address {address} does not fall within the subnet's address range"
            raise refusal("InvalidParameterValue", message)
        if address in self._taken(subnet):
            raise refusal("InvalidIPAddress.InUse", f"The specified address is already in use: {address}")
        return address

    def _taken(self, subnet: Any) -> set[str]:
        interfaces = [eni for eni in self._backend.enis.values() if eni.subnet.id == subnet.id]
        taken = {item["PrivateIpAddress"] for eni in interfaces for item in eni.private_ip_addresses}
        blocks = [item["Ipv4Prefix"] for eni in interfaces for item in prefixes_of(eni)]
        return taken.union(*(map(str, ipaddress.IPv4Network(block)) for block in blocks))

    def _candidates(self, subnet: Any) -> Iterator[int]:
        """Yield every address once, from the one after the last given: node names are made of addresses."""
        network = ipaddress.IPv4Network(subnet.cidr_block)
        first, end = int(network[0]) + _RESERVED_AT_START, int(network[-1])
        start = min(max(self._last.get(subnet.id, first - 1) + 1, first), end)
        yield from range(start, end)
        yield from range(first, start)


def _subnet_full(subnet: Any) -> EC2ClientError:
    message = f"The specified subnet does not have enough free addresses to satisfy the request: {subnet.id}."
    return refusal("InsufficientFreeAddressesInSubnet", message)


def check_address_limit(eni: Any, more: int) -> None:
    """Refuse more addresses (or prefixes, which count the same) than the instance type allows."""
    if eni.instance is None:
        return
    _, limit = network_limits(eni.instance.instance_type)
    if len(eni.private_ip_addresses) + len(prefixes_of(eni)) + more > limit:
        raise refusal("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")


def check_attachment(eni: Any, instance: Any) -> None:
    """Refuse to attach an interface in use, across zones, or beyond the instance type's limit."""
    if eni.instance is not None:
        raise refusal("InvalidNetworkInterface.InUse", f"Interface: [{eni.id}] in use.")
    if instance.state not in ("pending", "running", "stopped"):
        raise refusal("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if eni.subnet.availability_zone != instance.availability_zone:
        message = "You may not attach a network interface to an instance in another availability zone"
        raise refusal("InvalidParameterCombination", message)
    limit, addresses = network_limits(instance.instance_type)
    if len(instance.nics) + 1 > limit:
        message = f"Interface count {len(instance.nics) + 1} exceeds the limit for {instance.instance_type}"
        raise refusal("AttachmentLimitExceeded", message)
    if len(eni.private_ip_addresses) + len(prefixes_of(eni)) > addresses:
        raise refusal("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")


class Interfaces:
    """Network interfaces in the EC2 backend, mixed in before moto's own methods."""

    enis: dict[str, Any]
    free_addresses: SubnetAddresses

    def create_network_interface(
        self,
        subnet: Any,
        private_ip_address: Any,
        private_ip_addresses: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Create an interface whose addresses are free addresses of the subnet."""
        if isinstance(subnet, str):
            subnet = self.get_subnet(subnet)  # type: ignore[attr-defined]  # moto's half of this class
        wanted = _wanted(private_ip_address, private_ip_addresses)
        listed = [self.free_addresses.claim(subnet, address) for address in wanted]
        more = int(kwargs.pop("secondary_ips_count", None) or 0) + (0 if listed else 1)
        listed += self.free_addresses.take(subnet, more)
        entries = [{"Primary": i == 0, "PrivateIpAddress": address} for i, address in enumerate(listed)]
        return super().create_network_interface(  # type: ignore[misc]
            subnet, listed[0], entries, *args, **kwargs
        )

    def delete_network_interface(self, eni_id: str) -> None:
        """Delete an interface that is not in use."""
        eni = self.get_network_interface(eni_id)  # type: ignore[attr-defined]
        if eni.status == "in-use":
            raise refusal("InvalidParameterValue", f"Network interface '{eni_id}' is currently in use.")
        del self.enis[eni_id]

    def attach_network_interface(self, eni_id: str, instance_id: str, device_index: int) -> Any:
        """Attach an interface within the limits of the instance type."""
        eni = self.get_network_interface(eni_id)  # type: ignore[attr-defined]
        check_attachment(eni, self.get_instance(instance_id))  # type: ignore[attr-defined]
        return super().attach_network_interface(eni_id, instance_id, device_index)  # type: ignore[misc]

    def detach_network_interface(self, attachment_id: str) -> None:
        """Detach an interface other than the primary one."""
        for eni in self.enis.values():
            if eni.attachment_id == attachment_id and eni.instance is not None and eni.device_index == 0:
                message = f"The network interface at device index 0 cannot be detached: {eni.id}"
                raise refusal("OperationNotPermitted", message)
        super().detach_network_interface(attachment_id)  # type: ignore[misc]

    def assign_private_ip_addresses(
        self,
        eni_id: str,
        private_ip_addresses: list[str] | None = None,
        secondary_ips_count: int | None = None,
    ) -> Any:
        """Assign more addresses to an interface, within its limit and its subnet."""
        eni = self.get_network_interface(eni_id)  # type: ignore[attr-defined]
        explicit, count = private_ip_addresses or [], secondary_ips_count or 0
        check_address_limit(eni, len(explicit) + count)
        listed = [self.free_addresses.claim(eni.subnet, address) for address in explicit]
        listed += self.free_addresses.take(eni.subnet, count)
        eni.private_ip_addresses.extend({"Primary": False, "PrivateIpAddress": address} for address in listed)
        return eni

    def assign_prefixes(self, eni_id: str, count: int) -> list[dict[str, str]]:
        """Assign `count` /28 prefixes to an interface; each counts as one address against the limit."""
        eni = self.get_network_interface(eni_id)  # type: ignore[attr-defined]
        check_address_limit(eni, count)
        new = [{"Ipv4Prefix": block} for block in self.free_addresses.take_prefixes(eni.subnet, count)]
        eni.ipv4_prefixes = [*prefixes_of(eni), *new]
        return new

    def unassign_private_ip_addresses(self, eni_id: str, private_ip_address: list[str] | None = None) -> Any:
        """Unassign secondary addresses; refuse addresses that are not assigned."""
        eni = self.get_network_interface(eni_id)  # type: ignore[attr-defined]
        secondary = {item["PrivateIpAddress"] for item in eni.private_ip_addresses if not item.get("Primary")}
        if unknown := sorted(set(private_ip_address or []) - secondary):
            message = f"Some of {unknown} are not assigned to interface {eni_id}"
            raise refusal("InvalidParameterValue", message)
        return super().unassign_private_ip_addresses(eni_id, private_ip_address)  # type: ignore[misc]


def _wanted(primary: Any, listed: Any) -> list[str]:
    """Return the addresses that a call requests by name, the primary one first."""
    if isinstance(primary, list):
        primary = primary[0] if primary else None
    entries = [item if isinstance(item, dict) else {"PrivateIpAddress": item} for item in listed or []]
    ordered = sorted(entries, key=lambda item: not item.get("Primary", False))
    named = [str(item["PrivateIpAddress"]) for item in ordered]
    if primary and primary not in named:
        named.insert(0, str(primary))
    return named
