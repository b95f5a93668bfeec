"""The subnets of a load balancer: those that its Service names, or one per zone, by tags and routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.cloud.loadbalancers.service_request import IN_TREE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.cloud.loadbalancers.service_request import ServiceRequest
    from lab.cloud.running_clusters import ClusterNetwork

Subnet = dict[str, Any]
_CLUSTERS = "kubernetes.io/cluster/"
_ROLES = {True: "kubernetes.io/role/internal-elb", False: "kubernetes.io/role/elb"}


class NoSubnetError(ValueError):
    """No subnet is suitable; the message is the controller's own."""


def chosen(ec2: Any, network: ClusterNetwork, wanted: ServiceRequest) -> list[Subnet]:
    """Return the subnets of a load balancer, ordered by zone.

    Sources: cloud-provider-aws `getLoadBalancerSubnets` and `findELBSubnets`; AWS Load Balancer Controller,
    subnet auto discovery.
    """
    if wanted.subnets:
        return _named(ec2, wanted.subnets)
    in_vpc = [{"Name": "vpc-id", "Values": [network.vpc]}]
    every = ec2.describe_subnets(Filters=in_vpc)["Subnets"]
    tables = ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
    candidates = _in_tree(every, tables, wanted) if wanted.controller == IN_TREE else _tagged(every, wanted)
    best: dict[str, Subnet] = {}
    for subnet in sorted(candidates, key=lambda each: _order(each, wanted)):
        best.setdefault(subnet["AvailabilityZone"], subnet)
    if not best:
        raise NoSubnetError(_nothing(wanted))
    return [best[zone] for zone in sorted(best)]


def _named(ec2: Any, subnets: Iterable[str]) -> list[Subnet]:
    """Return the subnets that a Service names; AWS takes one of each zone."""
    found = ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]
    zones = [each["AvailabilityZone"] for each in found]
    if len(set(zones)) < len(zones):
        message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone"
        raise NoSubnetError(message)
    return sorted(found, key=lambda each: each["AvailabilityZone"])


def _in_tree(every: Iterable[Subnet], tables: list[dict[str, Any]], wanted: ServiceRequest) -> list[Subnet]:
    """Return the VPC's subnets without those of other clusters, whether the cluster uses them or not.

    For an internet-facing load balancer, the public ones of them.
    """
    known = [each for each in every if _is_for(wanted.cluster, _tags(each))]
    return [each for each in known if wanted.internal or is_public(each["SubnetId"], tables)]


def _is_for(cluster: str, tags: Mapping[str, str]) -> bool:
    """Return whether a subnet has the tag of a cluster, or of none."""
    return f"{_CLUSTERS}{cluster}" in tags or not any(key.startswith(_CLUSTERS) for key in tags)


def _tagged(every: Iterable[Subnet], wanted: ServiceRequest) -> list[Subnet]:
    return [each for each in every if _tags(each).get(_ROLES[wanted.internal]) in ("", "1")]


def _order(subnet: Subnet, wanted: ServiceRequest) -> tuple[bool, bool, str]:
    tags = _tags(subnet)
    own = wanted.controller == IN_TREE and f"{_CLUSTERS}{wanted.cluster}" in tags
    return _ROLES[wanted.internal] not in tags, not own, subnet["SubnetId"]


def is_public(subnet_id: str, tables: list[dict[str, Any]]) -> bool:
    """Return whether a subnet's default route leads to an internet gateway."""
    own = [t for t in tables if any(a.get("SubnetId") == subnet_id for a in t["Associations"])]
    main = [t for t in tables if any(a.get("Main") for a in t["Associations"])]
    routes = [route for table in (own or main)[:1] for route in table["Routes"]]
    return any(str(route.get("GatewayId", "")).startswith("igw-") for route in routes)


def _tags(subnet: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in subnet.get("Tags", [])}


def _nothing(wanted: ServiceRequest) -> str:
    if wanted.controller == IN_TREE:
        return "could not find any suitable subnets for creating the ELB"
    return (
        "couldn't auto-discover subnets: unable to resolve at least one subnet "
        f"(none is tagged {_ROLES[wanted.internal]}=1)"
    )
