"""The load balancer that a controller wants for a Service, as requested by the node player."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_TREE = "service-controller"


class BadRequestError(ValueError):
    """The node player sent an invalid request."""


@dataclass(frozen=True)
class Port:
    """A port of a Service: for clients, on the nodes, and on the pods."""

    port: int
    node_port: int
    target_port: int


@dataclass(frozen=True)
class ServiceRequest:
    """The load balancer that a Service asks for."""

    cluster: str
    namespace: str
    name: str
    uid: str
    controller: str
    network: bool
    internal: bool
    by_address: bool
    ports: tuple[Port, ...]
    sources: tuple[str, ...]
    instances: tuple[str, ...]
    addresses: tuple[str, ...]
    affinity: str = "None"
    """Session affinity of the Service: `None` or `ClientIP`."""
    subnets: tuple[str, ...] = ()
    """Subnets that the Service names; its controller chooses where it names none."""

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> ServiceRequest:
        """Parse a request of the node player."""
        try:
            ports = tuple(
                Port(int(each["port"]), int(each["nodePort"]), int(each["targetPort"]))
                for each in request.get("ports") or ()
            )
            return cls(
                cluster=request["cluster"],
                namespace=request["namespace"],
                name=request["name"],
                uid=request["uid"],
                controller=request["controller"],
                network=bool(request.get("network")),
                internal=bool(request.get("internal")),
                by_address=bool(request.get("byAddress")),
                ports=ports,
                sources=tuple(request.get("sources") or ("0.0.0.0/0",)),
                instances=tuple(sorted(request.get("instances") or ())),
                addresses=tuple(sorted(request.get("addresses") or ())),
                affinity=request.get("affinity") or "None",
                subnets=tuple(request.get("subnets") or ()),
            )
        except KeyError as error:
            message = f"the request lacks {error.args[0]!r}"
            raise BadRequestError(message) from error

    @property
    def service(self) -> str:
        """Return the Service as tags name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def balancer_name(self) -> str:
        """Return the load balancer's name; the in-tree controller derives it from the UID only."""
        if self.controller == IN_TREE:
            return f"a{self.uid.replace('-', '')}"[:32]
        return f"k8s-{_plain(self.namespace)}-{_plain(self.name)}-{self.digest}"

    @property
    def digest(self) -> str:
        """Return a suffix that distinguishes it from one with the same name in another cluster."""
        return hashlib.sha256(f"{self.cluster}/{self.uid}".encode()).hexdigest()[:10]

    def target_group_name(self, port: Port) -> str:
        """Return the name of a port's target group."""
        of_port = hashlib.sha256(f"{self.cluster}/{self.uid}/{port.port}".encode()).hexdigest()[:10]
        return f"k8s-{_plain(self.namespace)}-{_plain(self.name)}-{of_port}"

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags by which its controller finds the load balancer."""
        if self.controller == IN_TREE:
            owned = {f"kubernetes.io/cluster/{self.cluster}": "owned"}
            return {**owned, "kubernetes.io/service-name": self.service}
        return {
            "elbv2.k8s.aws/cluster": self.cluster,
            "service.k8s.aws/stack": self.service,
            "service.k8s.aws/resource": "LoadBalancer",
        }


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())[:8]
