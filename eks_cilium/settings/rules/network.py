"""Rules about the VPC of a new cluster."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.settings.model import NewClusterBaseSettings

_BLOCKS = tuple(
    map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
_OF_A_NEW_VPC = (("cidr", "cidr"), ("zones", "zones"), ("nat", "nat"))


def one_way_to_get_a_vpc(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    network = settings.network
    if network.vpc_id is None:
        if network.cidr is None:
            path = ("network", "cidr")
            allowed = "a network for a new VPC, or network.vpcId for an existing one"
            yield Problem(path, UNSET, allowed, set_fix(path, "10.0.0.0/16"))
        for name, given in (
            ("privateSubnetIds", network.private_subnet_ids),
            ("publicSubnetIds", network.public_subnet_ids),
        ):
            if given:
                path = ("network", name)
                yield Problem(path, list(given), "nothing without network.vpcId", remove_command(path))
        return
    for field, name in _OF_A_NEW_VPC:
        if field in network.model_fields_set:
            path = ("network", name)
            allowed = "nothing beside network.vpcId: an existing VPC is used as it is"
            yield Problem(path, getattr(network, field), allowed, remove_command(path))


def new_vpc_fits(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Pods get addresses of the VPC, and EKS takes only private networks.
    text, path = settings.network.cidr, ("network", "cidr")
    if text is None:
        return
    network = ipaddress.IPv4Network(text)
    if not 16 <= network.prefixlen <= 20:
        allowed = "a /16 to /20: AWS takes nothing larger, and pods need addresses in every subnet"
        yield Problem(path, text, allowed, set_fix(path, f"{network.network_address}/16"))
    elif not any(network.subnet_of(block) for block in _BLOCKS):
        allowed = f"a network inside {', '.join(map(str, _BLOCKS))}"
        yield Problem(path, text, allowed, set_fix(path, "10.0.0.0/16"))
    elif network.overlaps(ipaddress.IPv4Network(settings.cluster.service_cidr)):
        allowed = f"a network that does not overlap cluster.serviceCidr ({settings.cluster.service_cidr})"
        yield Problem(path, text, allowed, set_fix(path, "10.0.0.0/16"))


def zones_are_two_or_three(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS needs two zones, and the VPC is divided for three at most.
    zones, path = settings.network.zones, ("network", "zones")
    if isinstance(zones, int):
        if not 2 <= zones <= 3:
            yield Problem(path, zones, "2 or 3", set_fix(path, 3))
        return
    if not 2 <= len(zones) <= 3 or len(set(zones)) != len(zones):
        example = [f"{settings.region}{letter}" for letter in "abc"]
        yield Problem(path, list(zones), "two or three different zones", set_fix(path, example))
    for index, zone in enumerate(zones):
        if not zone.startswith(settings.region) or len(zone) != len(settings.region) + 1:
            place = ("network", "zones", index)
            allowed = f"a zone of {settings.region}, such as {settings.region}a"
            yield Problem(place, zone, allowed, set_fix(place, f"{settings.region}a"))


def private_nodes_have_egress(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Without NAT, nodes in private subnets reach neither the image registry nor the EC2 API.
    private = [name for name, group in settings.node_groups.items() if group.subnets == "private"]
    if settings.network.nat == "none" and settings.network.vpc_id is None and private:
        path = ("network", "nat")
        allowed = f"per-zone or single, since node groups are in private subnets: {', '.join(private)}"
        yield Problem(path, "none", allowed, set_fix(path, "single"))


def existing_subnets_suffice(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """Node groups need subnets of their kind; EKS needs two or more; each is listed once."""
    network = settings.network
    if network.vpc_id is None:
        return
    kinds = {group.subnets for group in settings.node_groups.values()}
    for kind, ids in (("private", network.private_subnet_ids), ("public", network.public_subnet_ids)):
        path = ("network", f"{kind}SubnetIds")
        needed = kind in kinds or not (network.private_subnet_ids or network.public_subnet_ids)
        if needed and not ids:
            allowed = f"the {kind} subnets of {network.vpc_id}: node groups are placed there"
            yield Problem(path, UNSET, allowed, set_fix(path, ["subnet-0123456789abcdef0", "..."]))
        elif len(ids) == 1:
            yield Problem(path, list(ids), "subnets in two or three zones", set_fix(path, [*ids, "..."]))
    yield from _subnets_listed_twice(network.private_subnet_ids, network.public_subnet_ids)


def _subnets_listed_twice(private: Sequence[str], public: Sequence[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, ids in (("privateSubnetIds", private), ("publicSubnetIds", public)):
        for index, subnet in enumerate(ids):
            path = ("network", name, index)
            if subnet in seen:
                yield Problem(
                    path, subnet, "every subnet once, as private or as public", remove_command(path)
                )
            seen.add(subnet)


RULES = (
    one_way_to_get_a_vpc,
    new_vpc_fits,
    zones_are_two_or_three,
    private_nodes_have_egress,
    existing_subnets_suffice,
)
