"""Reads the facts of a refresh: pods and budgets as for a migration, and Cilium's own objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.limits import limited_policy
from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.network import chain
from eks_cilium.migration.facts.reading import facts_of
from eks_cilium.migration.refresh.model import RefreshFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cilium.limits import Limited
    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi
    from eks_cilium.runtime.context import Report, World

_CILIUM = "/apis/cilium.io/v2"
_POLICIES = {
    "CiliumNetworkPolicy": f"{_CILIUM}/ciliumnetworkpolicies",
    "CiliumClusterwideNetworkPolicy": f"{_CILIUM}/ciliumclusterwidenetworkpolicies",
    "CiliumEgressGatewayPolicy": f"{_CILIUM}/ciliumegressgatewaypolicies",
    "CiliumEnvoyConfig": f"{_CILIUM}/ciliumenvoyconfigs",
    "CiliumClusterwideEnvoyConfig": f"{_CILIUM}/ciliumclusterwideenvoyconfigs",
    "CiliumLocalRedirectPolicy": f"{_CILIUM}/ciliumlocalredirectpolicies",
}


def read(world: World, report: Report) -> RefreshFacts:
    """Everything, read now. It changes nothing."""
    facts = facts_of(world, report, with_groups=False)
    return RefreshFacts(
        facts=facts,
        managed=managed_pods(world),
        unchained_ipam=chain.unchained_ipam(world.api),
        limited=tuple(_limited(world)),
        untainted=tuple(_untainted(world.aws("eks"), world.cluster)),
    )


def managed_pods(world: World, namespace: str = "") -> frozenset[str]:
    """UIDs of the pods that have a CiliumEndpoint, in one namespace or in all.

    An endpoint has its pod as owner. So the endpoint of an earlier pod of the same name does not count.
    """
    return _managed(world.api, namespace)


def managed_pods_seen(world: World, namespace: str) -> frozenset[str]:
    """The same of one namespace, as the view of this process has its endpoints."""
    if world.view is None:
        return managed_pods(world, namespace)
    path = _endpoints(namespace)
    return world.view.derived(f"managed {path}", lambda: _managed(world.seen, namespace), (path, {}))


def _managed(api: ReadingApi, namespace: str) -> frozenset[str]:
    return frozenset(uid for uid in api.each(_endpoints(namespace), _owner) if uid)


def _endpoints(namespace: str) -> str:
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"{_CILIUM}{where}/ciliumendpoints"


def _owner(endpoint: Object) -> str:
    owners = endpoint["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner["kind"] == "Pod"), "")


def _limited(world: World) -> Iterator[Limited]:
    for kind, path in _POLICIES.items():
        found = world.api.each(path, lambda obj, kind=kind: limited_policy(kind, obj))  # type: ignore[misc]
        yield from (limited for limited in found if limited)


def _untainted(eks: Any, cluster: str) -> Iterator[Reference]:
    """Managed node groups without the start-up taint. Launch templates of other nodes are not read."""
    pages = eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)
    for name in sorted(name for page in pages for name in page["nodegroups"]):
        group = eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        if not any(taint.get("key") == AGENT_NOT_READY_TAINT for taint in group.get("taints") or ()):
            yield Reference("NodeGroup", "", name)
