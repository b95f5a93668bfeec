"""Whether the load balancer of a mesh that runs already is what this program would make today.

`eks_cilium.mesh.checks` collects the checks. What `eks_cilium.mesh.endpoint` refuses in an update of a new
load balancer is refused here in the preview of an existing one, and so is what no controller can change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.mesh import API_SERVER, NAMESPACE, RELEASE_NAME, TYPE
from eks_cilium.mesh.model import Blocker, Member, MeshService, Wanted
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DELETE = f"kubectl -n {NAMESPACE} delete service {API_SERVER}"
_AGAIN = f"{_DELETE}, and run pulumi up again: the mesh is interrupted until there is a new one"
_CONTROLLER = "the AWS Load Balancer Controller"
_OWN = "Kubernetes' own controller"
_SETTING = "eks-cilium:clusterMesh.loadBalancerController"
_SHOWN = 5


def load_balancers_are_internal(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """An existing load balancer of the mesh must not be reachable from the internet."""
    for member, service in _running(members):
        if service.balancer is not None and service.balancer.scheme != "internal":
            yield Blocker(
                f"cluster {member.name}",
                f"the load balancer of its ClusterMesh API server is {service.balancer.scheme}",
                "an internal load balancer, because every identity of the cluster can be read there",
                _DELETE,
            )


def load_balancers_are_of_the_network(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """A Classic load balancer is none that the API of Network Load Balancers lists."""
    for member, service in _running(members):
        kind = service.balancer.type if service.balancer is not None else "classic, or gone"
        if service.host and kind != "network":
            yield Blocker(
                f"cluster {member.name}",
                f"the load balancer of its ClusterMesh API server, {service.host}, is of type {kind}",
                "a Network Load Balancer: only its addresses stay",
                _AGAIN,
            )


def load_balancers_are_where_routes_lead(members: Sequence[Member], _wanted: Wanted) -> Iterator[Blocker]:
    """Kubernetes' own controller takes a subnet of every zone of the VPC where a Service names none.

    cloud-provider-aws, `findELBSubnets`; it never moves a load balancer afterwards (`ensureLoadBalancerv2`).
    """
    for member, service in _running(members):
        placed = service.balancer.subnets if service.balancer is not None else ()
        stray = [subnet for subnet in placed if subnet not in member.network.subnets]
        if stray:
            yield Blocker(
                f"cluster {member.name}",
                f"the load balancer of its ClusterMesh API server is in {named(stray, _SHOWN)}, which has no "
                "route to the other clusters",
                "subnets that hold nodes, or have the tag kubernetes.io/role/internal-elb=1",
                _AGAIN,
            )


def services_keep_their_controller(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """The controller of a Service is chosen when it is created.

    The annotation "should not be modified after service creation" (AWS Load Balancer Controller, "Service
    annotations"): the new controller makes another load balancer, and the old one leaves its own behind. A
    Service with the controller's class stays with it, whatever the annotation.
    """
    for member, service in _running(members):
        present = _CONTROLLER if service.by_controller else _OWN
        asked = {"present": _CONTROLLER, "absent": _OWN}.get(wanted.load_balancer_controller, present)
        if service.kind and service.load_balancer_class != MeshService.CLASS and asked != present:
            yield Blocker(
                f"cluster {member.name}",
                f"the Service of its ClusterMesh API server has the annotation {TYPE}: {service.kind}, by "
                f"which {present} made its load balancer; {_SETTING} is {wanted.load_balancer_controller}",
                "the controller of a running Service does not change",
                f"pulumi config set --path '{_SETTING}' auto, or {_AGAIN}",
            )


def services_have_a_controller(members: Sequence[Member], wanted: Wanted) -> Iterator[Blocker]:
    """Without its controller a load balancer keeps its old targets, and is never deleted."""
    for member, service in _running(members):
        by_it = service.by_controller or service.load_balancer_class == MeshService.CLASS
        if by_it and not member.controller and wanted.load_balancer_controller == "auto":
            yield Blocker(
                f"cluster {member.name}",
                f"{_CONTROLLER} made the load balancer of its ClusterMesh API server, and was not found "
                "in the cluster",
                f"a running {_CONTROLLER} (app.kubernetes.io/name=aws-load-balancer-controller)",
                f"install it again, or set {_SETTING} to present where it runs under another name",
            )


def _running(members: Sequence[Member]) -> Iterator[tuple[Member, MeshService]]:
    """Members with a mesh that runs; that of another owner is a blocker of its own."""
    for member in members:
        if member.mesh_service is not None and member.mesh_owner in (None, RELEASE_NAME):
            yield member, member.mesh_service


CHECKS = (
    load_balancers_are_internal,
    load_balancers_are_of_the_network,
    load_balancers_are_where_routes_lead,
    services_keep_their_controller,
    services_have_a_controller,
)
