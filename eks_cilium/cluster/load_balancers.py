"""Services and Ingresses that AWS gave a load balancer, whose targets nodes or pods are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import reference

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.cluster.reading import ReadingApi

_AWS = ".elb."
"""Part of the name of every load balancer of AWS, as in NAME.elb.eu-central-1.amazonaws.com."""


def balanced(api: ReadingApi) -> tuple[Reference, ...]:
    """All of a cluster. An Ingress of another class shares the load balancer of a Service."""
    found = (
        *api.each("/api/v1/services", _service),
        *api.each("/apis/networking.k8s.io/v1/ingresses", _ingress),
    )
    return tuple(each for each in found if each is not None)


def _service(obj: Object) -> Reference | None:
    return reference("Service", obj) if obj["spec"].get("type") == "LoadBalancer" else None


def _ingress(obj: Object) -> Reference | None:
    status = (obj.get("status") or {}).get("loadBalancer") or {}
    names = (entry.get("hostname") or "" for entry in status.get("ingress") or ())
    return reference("Ingress", obj) if any(_AWS in name for name in names) else None
