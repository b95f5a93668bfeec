"""What EC2 knows of a cluster's addresses: networks of its VPC, subnets, limits of its instance types.

A plan can be made without all of it. What AWS refuses to tell is kept as a sentence for a warning.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, defaultdict
from socket import inet_aton
from typing import TYPE_CHECKING, Any, TypeVar

from eks_cilium.clients.ec2 import IN_PAGES
from eks_cilium.cluster.existing import networks
from eks_cilium.errors import AwsRefusedError
from eks_cilium.migration.facts.network.model import InterfaceLimits, Network, Subnet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_MOST_TYPES = 100
_MOST_SUBNETS = 200
_BLOCK = 28
_SIZE = 16
"""Addresses of a /28 block, which is what one prefix takes."""
_NITRO = "nitro"
_RESERVED_FIRST, _RESERVED_LAST = 4, 1
"""Addresses of every subnet that AWS keeps, at its beginning and its end."""

Answer = TypeVar("Answer")


class Asking:
    """Asks AWS, and keeps what it refuses to tell."""

    def __init__(self) -> None:
        self.untold: list[str] = []

    def ask(self, question: Callable[[], Answer]) -> Answer | None:
        """The answer; None where AWS refuses it."""
        try:
            return question()
        except AwsRefusedError as error:
            self.untold.append(str(error))
            return None


def read(ec2: Any, vpc: str, subnets: Iterable[str], types: Iterable[str]) -> Network:
    """Networks, subnets, held addresses and limits; `ec2` is boto3's client, `types` are of instances."""
    asking, wanted = Asking(), sorted(set(subnets))
    interfaces = asking.ask(lambda: _interfaces(ec2, wanted))
    of_subnet = None if interfaces is None else _by_subnet(interfaces)
    described = asking.ask(lambda: _subnets(ec2, wanted)) or ()
    return Network(
        cidrs=(asking.ask(lambda: _cidrs(ec2, vpc)) or ()) if vpc else (),
        subnets={each["SubnetId"]: _subnet(each, of_subnet) for each in described},
        held=_held(interfaces or ()),
        limits=asking.ask(lambda: _limits(ec2, sorted(set(types)))) or {},
        untold=tuple(asking.untold),
    )


def _cidrs(ec2: Any, vpc: str) -> tuple[str, ...]:
    return networks(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0])


def _subnets(ec2: Any, wanted: Sequence[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for batch in _batches(wanted, _MOST_SUBNETS):
        found += ec2.describe_subnets(SubnetIds=batch)["Subnets"]
    return found


def _interfaces(ec2: Any, subnets: Sequence[str]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for batch in _batches(subnets, _MOST_SUBNETS):
        pages = ec2.get_paginator("describe_network_interfaces").paginate(
            Filters=[{"Name": "subnet-id", "Values": batch}], PaginationConfig=IN_PAGES
        )
        found += [interface for page in pages for interface in page["NetworkInterfaces"]]
    return found


def _limits(ec2: Any, types: Sequence[str]) -> dict[str, InterfaceLimits]:
    found = {}
    for batch in _batches(types, _MOST_TYPES):
        for described in ec2.describe_instance_types(InstanceTypes=batch)["InstanceTypes"]:
            network = described["NetworkInfo"]
            found[str(described["InstanceType"])] = InterfaceLimits(
                interfaces=network["MaximumNetworkInterfaces"],
                addresses=network["Ipv4AddressesPerInterface"],
                takes_prefixes=described.get("Hypervisor", _NITRO) == _NITRO
                or bool(described.get("BareMetal")),
            )
    return found


def _by_subnet(interfaces: Iterable[Mapping[str, Any]]) -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for interface in interfaces:
        found[interface["SubnetId"]].append(interface)
    return found


def _subnet(described: Mapping[str, Any], interfaces: Mapping[str, list[Mapping[str, Any]]] | None) -> Subnet:
    name, cidr = described["SubnetId"], described["CidrBlock"]
    mine = None if interfaces is None else interfaces.get(name, [])
    return Subnet(
        id=name,
        zone=described["AvailabilityZone"],
        cidr=cidr,
        free=described["AvailableIpAddressCount"],
        blocks=None if mine is None else whole_blocks(cidr, mine),
    )


def _held(interfaces: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, int]]:
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for interface in interfaces:
        if instance := (interface.get("Attachment") or {}).get("InstanceId"):
            with_blocks = interface.get("Ipv4Prefixes")
            addresses = set(_addresses(interface)) if with_blocks else _texts(interface)
            held[instance][interface["SubnetId"]] += len(addresses)
    return dict(held)


def whole_blocks(cidr: str, interfaces: Iterable[Mapping[str, Any]]) -> int:
    """How many aligned /28 blocks of a subnet no interface and no reservation of AWS has an address in."""
    network = ipaddress.IPv4Network(cidr)
    if network.prefixlen > _BLOCK:
        return 0
    first, end = int(network.network_address), int(network.broadcast_address) + 1
    used = {*range(first, first + _RESERVED_FIRST), *range(end - _RESERVED_LAST, end)}
    used.update(address for interface in interfaces for address in _addresses(interface))
    blocks = range(first // _SIZE, end // _SIZE)
    return len(set(blocks) - {address // _SIZE for address in used})


def _addresses(interface: Mapping[str, Any]) -> Iterator[int]:
    for address in _texts(interface):
        yield int.from_bytes(inet_aton(address))
    for entry in interface.get("Ipv4Prefixes") or ():
        block = ipaddress.IPv4Network(entry["Ipv4Prefix"])
        yield from range(int(block.network_address), int(block.broadcast_address) + 1)


def _texts(interface: Mapping[str, Any]) -> set[str]:
    """Its addresses without those of its prefixes."""
    return {entry["PrivateIpAddress"] for entry in interface.get("PrivateIpAddresses") or ()}


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
