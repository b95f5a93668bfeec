"""Waits for a cluster's ClusterMesh load balancer, and checks it before other clusters get its name.

`eks_cilium.dynamic.mesh_gates` calls it. Two controllers create load balancers by different annotations, so
the check reads the load balancer itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.mesh import API_SERVER, NAMESPACE
from eks_cilium.mesh.model import Balancer
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eks_cilium.runtime.context import Report, World

_EVERY = 5.0


def await_endpoint(
    world: World, *, subnets: Collection[str], seconds: float, report: Report
) -> dict[str, str]:
    """Wait for the load balancer of a cluster's ClusterMesh API server; returns {"host", "zoneId"}.

    `subnets` are those with routes to the other clusters. Raises StoppedError when the load balancer is of
    the wrong kind, which waiting does not change, and TimedOutError after `seconds`.
    """
    found: list[Balancer] = []

    def missing() -> str:
        found.clear()
        service = world.api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{API_SERVER}")
        if service is None:
            return f"Service {NAMESPACE}/{API_SERVER} does not exist"
        hosts = host_names(service)
        if not hosts:
            return f"Service {NAMESPACE}/{API_SERVER} has no load balancer yet"
        balancer = balancer_of(world.aws("elbv2"), hosts[0])
        if balancer is None:
            return f"AWS lists no Network Load Balancer named {hosts[0]} yet"
        refuse_unless_internal(balancer, world.cluster, subnets)
        if balancer.state != "active":
            return f"load balancer {balancer.host} is {balancer.state}"
        found.append(balancer)
        return ""

    world.wait(
        missing,
        waited_for="the ClusterMesh load balancer",
        seconds=seconds,
        every=_EVERY,
        report=report,
        topic=Topic.MESH_LOAD_BALANCER,
    )
    report(f"{found[0].host} is active and internal")
    return {"host": found[0].host, "zoneId": found[0].zone_id}


def await_removal(world: World, *, seconds: float, report: Report) -> None:
    """Wait until the Service of the ClusterMesh API server is gone, and its load balancer with it.

    Helm returns as soon as it has asked for the Service's deletion. Its controller takes the finalizer off
    once the load balancer is deleted; should the cluster be destroyed before, the load balancer stays, and
    keeps subnets and VPC in use. Raises TimedOutError after `seconds`.
    """

    def missing() -> str:
        service = world.api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{API_SERVER}")
        if service is None:
            return ""
        hosts = ", ".join(host_names(service)) or "no load balancer in its status"
        finalizers = ", ".join(service["metadata"].get("finalizers") or ()) or "none"
        return f"Service {NAMESPACE}/{API_SERVER} still exists: {hosts}, finalizers {finalizers}"

    waited_for = "the deletion of the ClusterMesh load balancer"
    world.wait(
        missing,
        waited_for=waited_for,
        seconds=seconds,
        every=_EVERY,
        report=report,
        topic=Topic.MESH_LOAD_BALANCER,
    )


def refuse_unless_internal(balancer: Balancer, cluster: str, subnets: Collection[str]) -> None:
    """The load balancer leads to an etcd with every identity of a cluster. Raises StoppedError."""
    if balancer.scheme != "internal":
        raise StoppedError(
            Topic.MESH_LOAD_BALANCER,
            f"the ClusterMesh load balancer of {cluster}, {balancer.host}, is {balancer.scheme}",
            f"Delete Service {NAMESPACE}/{API_SERVER}, and with it the load balancer. Set "
            "eks-cilium:clusterMesh.loadBalancerController to present if the AWS Load Balancer Controller "
            "runs, else to absent, and run `pulumi up` again.",
        )
    if balancer.type != "network":
        raise StoppedError(
            Topic.MESH_LOAD_BALANCER,
            f"the ClusterMesh load balancer of {cluster}, {balancer.host}, is of type {balancer.type}",
            f"Only a Network Load Balancer keeps its addresses. Delete Service {NAMESPACE}/{API_SERVER} and "
            "run `pulumi up` again.",
        )
    stray = [subnet for subnet in balancer.subnets if subnet not in subnets]
    if stray:
        raise StoppedError(
            Topic.MESH_LOAD_BALANCER,
            f"the ClusterMesh load balancer of {cluster} is in {', '.join(stray)}, which has no route to the "
            "other clusters",
            f"Delete Service {NAMESPACE}/{API_SERVER} and run `pulumi up` again: the new one names its "
            "subnets. Those with the tag kubernetes.io/role/internal-elb=1 go first.",
        )


def host_names(service: Mapping[str, Any]) -> list[str]:
    """The host names of a Service's load balancer."""
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return [entry["hostname"] for entry in ingress if entry.get("hostname")]


def balancer_of(elbv2: Any, host: str) -> Balancer | None:
    """The load balancer with a host name; None where AWS lists none, as for a Classic one."""
    for page in elbv2.get_paginator("describe_load_balancers").paginate():
        for found in page["LoadBalancers"]:
            if found.get("DNSName", "").lower() == host.lower():
                return Balancer(
                    host=found["DNSName"],
                    zone_id=found.get("CanonicalHostedZoneId", ""),
                    scheme=found.get("Scheme", ""),
                    type=found.get("Type", ""),
                    state=(found.get("State") or {}).get("Code", ""),
                    vpc_id=found.get("VpcId", ""),
                    subnets=tuple(zone["SubnetId"] for zone in found.get("AvailabilityZones") or ()),
                )
    return None
