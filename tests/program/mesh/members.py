"""Two clusters that can be joined as they are, and what the tests change about them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eks_cilium.mesh.model import (
    Agents,
    Balancer,
    Member,
    MeshService,
    Network,
    Route,
    RouteTable,
    Tunnel,
    Wanted,
)

STACK = "eks-cilium/mesh"
ACCOUNT = "111122223333"


def network_of(number: int, **changes: Any) -> Network:
    """10.NUMBER.0.0/16 with a private table in each of two zones, and an unused public main table."""
    local = Route(f"10.{number}.0.0/16", "local")
    default = Route("0.0.0.0/0", f"nat-{number}")
    subnets = {f"subnet-{number}{zone}": f"eu-central-1{zone}" for zone in "ab"}
    return replace(
        Network(
            vpc_id=f"vpc-{number}",
            cidrs=(f"10.{number}.0.0/16",),
            subnets=subnets,
            tables=(
                *(
                    RouteTable(f"rtb-{number}{zone}", (local, default), frozenset({f"subnet-{number}{zone}"}))
                    for zone in "ab"
                ),
                RouteTable(f"rtb-{number}main", (local,), frozenset(), main=True),
            ),
            security_groups=(f"sg-{number}",),
        ),
        **changes,
    )


def agents_of(number: int, **changes: Any) -> Agents:
    """Cilium 1.19 in ENI mode that does not masquerade."""
    return replace(
        Agents(
            version="1.19.7",
            cluster_name=f"cluster-{number}",
            cluster_id=number,
            ipam="eni",
            tunnel=None,
            chained=False,
            masquerades=False,
        ),
        **changes,
    )


VXLAN = Tunnel("vxlan", 8472)


def overlay_of(number: int, **changes: Any) -> dict[str, Any]:
    """What differs in the agents of a cluster whose pods have the overlay 10.(100 + NUMBER).0.0/16."""
    pool = f"10.{100 + number}.0.0/16"
    return {"ipam": "cluster-pool", "tunnel": VXLAN, "masquerades": True, "pools": (pool,), **changes}


def member_of(
    number: int,
    *,
    network: Mapping[str, Any] | None = None,
    agents: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Member:
    """One cluster, with changes to it, to its network and to its Cilium."""
    region = changes.get("region", "eu-central-1")
    return replace(
        Member(
            name=f"cluster-{number}",
            eks_name=f"eks-{number}",
            region=region,
            profile=None,
            arn=f"arn:aws:eks:{region}:{ACCOUNT}:cluster/eks-{number}",
            endpoint=f"https://{number}.eks.amazonaws.com",
            certificate_authority="Q0E=",
            network=network_of(number, **(network or {})),
            agents=agents_of(number, **(agents or {})),
        ),
        **changes,
    )


def mesh_service_of(*, balancer: Mapping[str, Any] | None = None, **changes: Any) -> MeshService:
    """The Service of cluster 1's mesh as this program makes it, with changes to it or its load balancer."""
    host = "mesh-1.elb.eu-central-1.amazonaws.com"
    found = Balancer(host, "Z1", "internal", "network", "active", "vpc-1", ("subnet-1a", "subnet-1b"))
    service = MeshService(kind="nlb", host=host, balancer=replace(found, **(balancer or {})))
    return replace(service, **changes)


def wanted(**changes: Any) -> Wanted:
    """Peering, by the stack of the tests."""
    return replace(Wanted(type="peering", stack=STACK), **changes)
