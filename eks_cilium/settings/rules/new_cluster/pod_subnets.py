"""Rules about subnets for pods alone, in a new VPC or an existing one.

What an existing VPC shows is checked in the preview: `components/network/existing_network.py`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.cilium.native_routing import holding, outside
from eks_cilium.cilium.versions import minor
from eks_cilium.settings.model import NewClusterSettings
from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

_PATH = ("network", "podCidr")
_IDS = ("network", "podSubnetIds")
_FIRST = (1, 19)
"""The first minor whose chart has `eni.nodeSpec`."""
_SIZES = (16, 22)

# docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html, "IPv4 CIDR block association restrictions".
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")
_LOWEST_TWO, _LOWEST = map(ipaddress.IPv4Network, ("10.0.0.0/15", "10.0.0.0/16"))


def pod_subnets_belong_to_the_vpc(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    network = settings.network
    if network.pod_cidr is not None and network.cidr is None:
        allowed = "nothing beside network.vpcId: podSubnetIds names subnets of an existing VPC"
        yield Problem(_PATH, network.pod_cidr, allowed, remove_command(_PATH))
    if network.pod_subnet_ids and network.vpc_id is None:
        allowed = "nothing without network.vpcId: podCidr makes subnets in a new VPC"
        yield Problem(_IDS, list(network.pod_subnet_ids), allowed, remove_command(_IDS))
    for index, subnet in enumerate(network.pod_subnet_ids):
        path = (*_IDS, index)
        if subnet in (*network.private_subnet_ids, *network.public_subnet_ids):
            allowed = "a subnet that is neither in privateSubnetIds nor in publicSubnetIds"
            yield Problem(path, subnet, allowed, remove_command(path))
        elif subnet in network.pod_subnet_ids[:index]:
            yield Problem(path, subnet, "every subnet once", remove_command(path))


def cilium_serves_pod_subnets(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """Cilium makes the interfaces, by a key of its chart, and images let their number of pods be set."""
    network = settings.network
    if not network.pods_apart:
        return
    path = _PATH if network.pod_cidr is not None else _IDS
    value = network.pod_cidr or list(network.pod_subnet_ids)
    if not isinstance(settings, NewClusterSettings):
        allowed = "nothing in this mode: the VPC CNI gives pods their addresses"
        yield Problem(path, value, allowed, remove_command(path))
        return
    if settings.cilium.ipam != "eni":
        allowed = "nothing with an overlay: cilium.overlay.podCidrs has the addresses of pods"
        yield Problem(path, value, allowed, remove_command(path))
    elif minor(settings.cilium.version) < _FIRST:
        allowed = f"nothing with Cilium {settings.cilium.version}: the chart has eni.nodeSpec from 1.19 on"
        yield Problem(path, value, allowed, remove_command(path))
    for name, group in settings.node_groups.items():
        if group.image_family == "al2":
            place = ("nodeGroups", name, "amiType")
            allowed = "an AL2023 or Bottlerocket image: AL2 counts addresses that pods do not get"
            yield Problem(place, group.ami_type, allowed, set_fix(place, "AL2023_x86_64_STANDARD"))


def pod_network_fits(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    text, vpc = settings.network.pod_cidr, settings.network.cidr
    if text is None or vpc is None:
        return
    network, primary = ipaddress.IPv4Network(text), ipaddress.IPv4Network(vpc)
    services = ipaddress.IPv4Network(settings.cluster.service_cidr)
    allowed = None
    if not _SIZES[0] <= network.prefixlen <= _SIZES[1]:
        allowed = "a /16 to /22: AWS takes nothing larger, and each zone gets a quarter"
    elif network.overlaps(primary):
        allowed = f"a network that does not overlap network.cidr ({vpc})"
    elif network.overlaps(services):
        allowed = f"a network that does not overlap cluster.serviceCidr ({settings.cluster.service_cidr})"
    elif not _is_addable(network, primary):
        allowed = f"a network inside {_SHARED}, or of the private range of network.cidr: AWS adds no other"
    if allowed is not None:
        yield Problem(_PATH, text, allowed, set_fix(_PATH, "100.64.0.0/16"))


def _is_addable(network: ipaddress.IPv4Network, primary: ipaddress.IPv4Network) -> bool:
    if network.subnet_of(_SHARED):
        return True
    if network.subnet_of(_LOWEST) and primary.subnet_of(_LOWEST_TWO):
        return False
    return any(network.subnet_of(block) and primary.subnet_of(block) for block in _PRIVATE)


def pods_keep_their_addresses(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Masqueraded among themselves, pods have the addresses of interfaces, which no policy knows.
    pods, vpc = settings.network.pod_cidr, settings.network.cidr
    given = settings.cilium.native_routing_cidr if isinstance(settings, NewClusterSettings) else None
    if pods is None or vpc is None or given is None or not outside(given, [pods]):
        return
    path = ("cilium", "nativeRoutingCidr")
    allowed = f"a network that holds network.podCidr, {pods}: else pods see each other by other addresses"
    yield Problem(path, given, allowed, set_fix(path, holding([vpc, pods]) or pods))


RULES = (
    pod_subnets_belong_to_the_vpc,
    cilium_serves_pod_subnets,
    pod_network_fits,
    pods_keep_their_addresses,
)
