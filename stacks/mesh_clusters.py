"""Finds the clusters of a mesh and reads their facts, before its program registers anything."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.mesh.reading import Place, read
from eks_cilium.mesh.vpc import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eks_cilium.mesh.model import Gateway, Member
    from eks_cilium.settings.model import MeshCluster, MeshSettings


@dataclass(frozen=True)
class Found:
    """What there is of the clusters."""

    members: tuple[Member, ...]
    missing: tuple[str, ...] = ()
    """Clusters that are not there yet, one sentence each."""
    gateway: Gateway | None = None
    """The Transit Gateway the configuration names."""


def look(settings: MeshSettings) -> Found:
    """Read every cluster. One that is not there is no error: its stack may come first."""
    members: list[Member] = []
    missing: list[str] = []
    for name in sorted(settings.clusters):
        place, why = place_of(settings, name)
        if place is None:
            missing.append(why)
            continue
        credentials = Credentials(region=place.region, profile=place.profile)
        member = read(place, partial(client, credentials), _api_of(place, credentials))
        if member is None:
            missing.append(f"EKS has no cluster {place.eks_name} in {place.region} that answers yet")
        else:
            members.append(member)
    wanted = settings.connection.transit_gateway_id
    found = gateway(_ec2(members[0]), wanted) if wanted and members else None
    return Found(tuple(members), tuple(missing), found)


def place_of(settings: MeshSettings, name: str) -> tuple[Place | None, str]:
    """Where a cluster is; or why that is not known yet."""
    wanted = settings.clusters[name]
    profile = wanted.profile or settings.profile
    if wanted.stack is None:
        assert wanted.name is not None, "settings refuse a cluster with neither stack nor name"
        return Place(name, wanted.name, wanted.region or settings.region, profile), ""
    cluster = outputs_of(wanted.stack).get("cluster") or {}
    if not cluster.get("name"):
        return None, f"stack {wanted.stack} has made no cluster yet"
    return Place(name, cluster["name"], _region(wanted, cluster, settings), profile), ""


def _region(wanted: MeshCluster, cluster: Mapping[str, Any], settings: MeshSettings) -> str:
    return wanted.region or str(cluster.get("region") or settings.region)


def outputs_of(stack: str) -> Mapping[str, Any]:
    """The outputs of another stack, now: facts are read by them before anything is registered.

    A `StackReference` reads the same, but its outputs come too late to decide what there is to register.
    """
    try:
        answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack})
    except Exception as error:  # the SDK raises nothing narrower
        pulumi.log.debug(f"stack {stack} could not be read: {error}")
        return {}
    return (answer.value or {}).get("outputs") or {}


def _api_of(place: Place, credentials: Credentials) -> Callable[[str, str], Any]:
    @contextmanager
    def connect(endpoint: str, authority: str) -> Iterator[KubernetesApi]:
        with KubernetesApi.for_eks(
            cluster_name=place.eks_name,
            endpoint=endpoint,
            certificate_authority=base64.b64decode(authority),
            credentials=credentials,
        ) as api:
            yield api

    return connect


def _ec2(member: Member) -> Any:
    return client(Credentials(region=member.region, profile=member.profile), "ec2")
