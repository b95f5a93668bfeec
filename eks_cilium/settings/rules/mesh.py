"""Rules about a mesh that need nothing but the configuration.

What the clusters show (their networks, ids, versions) is checked by `eks_cilium.mesh.checks`, in the preview.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import INTERNAL, SCHEME, SOURCE_RANGES, SUBNETS, TARGET_TYPE, TYPE
from eks_cilium.policy.objects import parse_ports
from eks_cilium.settings.model.cluster import CILIUM_NAME
from eks_cilium.settings.model.mesh import ALL_PORTS
from eks_cilium.settings.problems import UNSET, Problem, remove_command, rename_fix, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import MeshSettings

_URL = re.compile(r"^[a-z]+://")
_DECIDED_HERE = frozenset({SCHEME, INTERNAL, TYPE, TARGET_TYPE, SOURCE_RANGES})
_FEWEST, _MOST = 2, 8
"""Pairs of clusters grow with their square: eight clusters have 28 peerings."""


def there_are_two_or_more(settings: MeshSettings) -> Iterator[Problem]:
    count = len(settings.clusters)
    if not _FEWEST <= count <= _MOST:
        path = ("clusters",)
        example = {"cluster-1": {"name": "one"}, "cluster-2": {"name": "two"}}
        allowed = f"{_FEWEST} to {_MOST} clusters"
        yield Problem(path, sorted(settings.clusters), allowed, set_fix(path, example))


def clusters_have_ciliums_names(settings: MeshSettings) -> Iterator[Problem]:
    """The keys are the clusters' names in Cilium, which become part of identities and of host names."""
    for name in settings.clusters:
        path = ("clusters", name)
        if not re.match(CILIUM_NAME, name):
            allowed = "a name of 1 to 32 lower-case letters, digits and dashes: the name Cilium has for it"
            yield Problem(path, name, allowed, rename_fix(path, "my-cluster"))
        elif name == "default":
            allowed = "any other name: every Cilium that was given none is called this, and refuses an id"
            yield Problem(path, name, allowed, rename_fix(path, "my-cluster"))


def clusters_are_found_one_way(settings: MeshSettings) -> Iterator[Problem]:
    # A cluster is found by its stack or by its name in EKS, not by both.
    for name, cluster in settings.clusters.items():
        path = ("clusters", name, "stack")
        if cluster.stack is None and cluster.name is None:
            allowed = "the stack that knows the cluster, or the cluster's name in EKS under `name`"
            yield Problem(path, UNSET, allowed, set_fix(path, "organization/eks-cilium/dev"))
        elif cluster.stack is not None and cluster.name is not None:
            yield Problem(path, cluster.stack, "nothing while `name` is set", remove_command(path))


def clusters_are_different(settings: MeshSettings) -> Iterator[Problem]:
    # A cluster under two names would be joined with itself.
    seen: dict[tuple[str | None, ...], str] = {}
    for name, cluster in settings.clusters.items():
        where = (cluster.stack, cluster.name, cluster.region or settings.region, cluster.profile)
        if where in seen and (cluster.stack or cluster.name):
            path = ("clusters", name)
            value = cluster.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
            yield Problem(path, value, f"another cluster than {seen[where]}", remove_command(path))
        seen.setdefault(where, name)


def gateway_goes_with_its_type(settings: MeshSettings) -> Iterator[Problem]:
    # With peerings nothing would be attached to the gateway.
    given, path = settings.connection.transit_gateway_id, ("connection", "transitGatewayId")
    if given is not None and settings.connection.type == "peering":
        allowed = "nothing while connection.type is peering"
        instead = set_fix(("connection", "type"), "transit-gateway")
        yield Problem(path, given, allowed, f"{remove_command(path)}, or {instead}")


def pod_ports_are_ports(settings: MeshSettings) -> Iterator[Problem]:
    given = settings.connection.pod_ports
    for index, text in enumerate(given):
        path = ("connection", "podPorts", index)
        if text == ALL_PORTS:
            continue
        try:
            parse_ports(text)
        except ValueError:
            allowed = "a port such as 8080/TCP, a range such as 8000-8100/UDP, or all"
            yield Problem(path, text, allowed, set_fix(path, "8080/TCP"))
        else:
            if text in given[:index]:
                yield Problem(path, text, "every port once", remove_command(path))


def load_balancers_stay_internal(settings: MeshSettings) -> Iterator[Problem]:
    """Annotations may not make a load balancer public, nor set what this program sets."""
    for key, value in settings.cluster_mesh.service_annotations.items():
        path = ("clusterMesh", "serviceAnnotations", key)
        if key in _DECIDED_HERE:
            allowed = "nothing: load balancers are internal, for the peers' networks only"
            yield Problem(path, value, allowed, remove_command(path))
        elif key == SUBNETS:
            allowed = (
                "nothing: each cluster's own are written; the tag kubernetes.io/role/internal-elb=1 chooses"
            )
            yield Problem(path, value, allowed, remove_command(path))
        elif value.strip().lower() == "internet-facing":
            allowed = "anything but internet-facing: an etcd never belongs on the internet"
            yield Problem(path, value, allowed, remove_command(path))


def the_issuer_is_trusted(settings: MeshSettings) -> Iterator[Problem]:
    # The clusters would reject certificates of an authority they do not trust.
    authorities, path = settings.cluster_mesh.authorities, ("clusterMesh", "authorities", "trusted")
    trusted = list(authorities.trusted)
    if len(set(trusted)) != len(trusted) or min(trusted) < 1:
        yield Problem(path, trusted, "one or two different whole numbers from 1", set_fix(path, [1]))
    elif authorities.issuing not in trusted:
        allowed = f"a list with {authorities.issuing} in it, which issues"
        yield Problem(path, trusted, allowed, set_fix(path, sorted({*trusted[:1], authorities.issuing})))


def the_owner_is_a_member(settings: MeshSettings) -> Iterator[Problem]:
    owner, path = settings.cluster_mesh.zone_owner, ("clusterMesh", "zoneOwner")
    if owner is not None and owner not in settings.clusters:
        allowed = f"one of {', '.join(sorted(settings.clusters))}"
        yield Problem(path, owner, allowed, set_fix(path, min(settings.clusters, default="cluster-1")))


def chart_repository_is_usable(settings: MeshSettings) -> Iterator[Problem]:
    repository, path = settings.cluster_mesh.chart_repository, ("clusterMesh", "chartRepository")
    if _URL.match(repository) and not repository.startswith(("https://", "oci://")):
        allowed = "an https:// repository, an oci:// path, or a directory"
        yield Problem(path, repository, allowed, set_fix(path, "https://helm.cilium.io/"))


RULES = (
    there_are_two_or_more,
    clusters_have_ciliums_names,
    clusters_are_found_one_way,
    clusters_are_different,
    gateway_goes_with_its_type,
    pod_ports_are_ports,
    load_balancers_stay_internal,
    the_issuer_is_trusted,
    the_owner_is_a_member,
    chart_repository_is_usable,
)
