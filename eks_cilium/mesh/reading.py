"""Reads the facts of one cluster: EKS and EC2 for its network, the Kubernetes API for its Cilium.

Called by `stacks.mesh` before anything is registered. AWS clients and the API are injected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import AwsNotFoundError
from eks_cilium.mesh.agents import agents, has_controller, mesh_owner, mesh_scheme, snat
from eks_cilium.mesh.model import Member
from eks_cilium.mesh.vpc import network

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from eks_cilium.cluster.reading import ReadingApi


@dataclass(frozen=True)
class Place:
    """Where a cluster is, and whose credentials reach it."""

    name: str
    """In Cilium."""
    eks_name: str
    region: str
    profile: str | None = None


def read(
    place: Place,
    aws: Callable[[str], Any],
    connect: Callable[[str, str], AbstractContextManager[ReadingApi]],
) -> Member | None:
    """The facts of a cluster; None while there is none that can be reached.

    `connect` opens the API at an endpoint with a certificate authority (base64).
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
            mesh_scheme=mesh_scheme(api, aws),
        )
