"""Finds the clusters of a mesh, by the outputs of their stacks or by name, and reads their facts.

Called by `stacks.mesh` before it registers anything.
"""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.mesh.reading import Place, read
from eks_cilium.mesh.vpc import gateway
from stacks.outputs import outputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.mesh.model import Agents, Gateway, Member
    from eks_cilium.settings.model import MeshCluster, MeshSettings


@dataclass(frozen=True)
class FoundClusters:
    """The clusters of the configuration, as far as they exist."""

    members: tuple[Member, ...]
    missing: tuple[str, ...] = ()
    """One sentence for each cluster that does not exist yet."""
    gateway: Gateway | None = None
    """The Transit Gateway that the configuration names."""


def read_clusters(settings: MeshSettings) -> FoundClusters:
    """Read every cluster. One that does not exist is no error: its stack may be created later."""
    members: list[Member] = []
    missing: list[str] = []
    for name in sorted(settings.clusters):
        place = place_of(settings, name)
        member = None if isinstance(place, str) else _read_member(place)
        if isinstance(place, str):
            missing.append(place)
        elif member is None:
            missing.append(f"EKS has no cluster {place.eks_name} in {place.region} that answers yet")
        else:
            members.append(member)
    return FoundClusters(tuple(members), tuple(missing), _gateway(settings, members))


def agents_of(member: Member) -> Agents:
    """Cilium of a cluster that has passed the checks, which refuse a cluster without Cilium."""
    assert member.agents is not None, "the checks refuse a cluster without Cilium"
    return member.agents


def place_of(settings: MeshSettings, name: str) -> Place | str:
    """Where a cluster is, or a sentence that says why this is not known yet."""
    wanted = settings.clusters[name]
    profile = wanted.profile or settings.profile
    if wanted.stack is None:
        assert wanted.name is not None, "settings refuse a cluster with neither stack nor name"
        return Place(name, wanted.name, wanted.region or settings.region, profile)
    cluster = outputs_of(wanted.stack).get("cluster") or {}
    if not cluster.get("name"):
        return f"stack {wanted.stack} has created no cluster yet"
    return Place(name, cluster["name"], _region(wanted, cluster, settings), profile)


def _region(wanted: MeshCluster, cluster: Mapping[str, Any], settings: MeshSettings) -> str:
    return wanted.region or str(cluster.get("region") or settings.region)


def _read_member(place: Place) -> Member | None:
    credentials = Credentials(region=place.region, profile=place.profile)

    @contextmanager
    def connect(endpoint: str, authority: str) -> Iterator[KubernetesApi]:
        with KubernetesApi.for_eks(
            cluster_name=place.eks_name,
            endpoint=endpoint,
            certificate_authority=base64.b64decode(authority),
            credentials=credentials,
        ) as api:
            yield api

    return read(place, partial(client, credentials), connect)


def _gateway(settings: MeshSettings, members: list[Member]) -> Gateway | None:
    wanted = settings.connection.transit_gateway_id
    if not wanted or not members:
        return None
    first = members[0]
    return gateway(client(Credentials(region=first.region, profile=first.profile), "ec2"), wanted)
