"""Reads the facts of a cluster: EKS and EC2 for its network, the Kubernetes API for its Cilium.

`stacks/mesh_clusters.py` calls it before anything is registered, and passes in the clients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsNotFoundError
from eks_cilium.mesh.agents import agents, has_controller, mesh_owner, mesh_service, snat
from eks_cilium.mesh.model import Member
from eks_cilium.mesh.vpc import network

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from eks_cilium.cluster.reading import ReadingApi


@dataclass(frozen=True)
class Place:
    """Where a cluster is, and the AWS profile that can read it."""

    name: str
    """The cluster's name in Cilium."""
    eks_name: str
    region: str
    profile: str | None = None


def read(
    place: Place,
    aws: Callable[[str], Any],
    connect: Callable[[str, str], AbstractContextManager[ReadingApi]],
) -> Member | None:
    """The facts of a cluster; None while EKS has no such cluster, or the cluster has no endpoint yet.

    `aws` returns a boto3 client for a service; `connect` opens the Kubernetes API at an endpoint with a
    certificate authority (base64).
    """
    eks = aws("eks")
    try:
        described = eks.describe_cluster(name=place.eks_name)["cluster"]
    except AwsNotFoundError:
        return None
    authority = (described.get("certificateAuthority") or {}).get("data")
    if not described.get("endpoint") or not authority:
        return None
    with connect(described["endpoint"], authority) as api:
        return Member(
            name=place.name,
            eks_name=place.eks_name,
            region=place.region,
            profile=place.profile,
            arn=described["arn"],
            endpoint=described["endpoint"],
            certificate_authority=authority,
            network=network(place.eks_name, described["resourcesVpcConfig"], aws, api),
            agents=agents(api),
            snat=snat(api),
            controller=has_controller(api),
            mesh_owner=mesh_owner(api),
            mesh_service=mesh_service(api, aws),
            service_cidr=(described.get("kubernetesNetworkConfig") or {}).get("serviceIpv4Cidr", ""),
        )
