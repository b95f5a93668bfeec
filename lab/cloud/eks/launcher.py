"""Start the control plane of a cluster, with the node player beside it.

The connection between EKS and `lab.cluster`; tests replace it with a fake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from lab.cluster import ControlPlane as KubernetesControlPlane

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.toolchain import Toolchain


class ControlPlane(Protocol):
    @property
    def endpoint(self) -> str: ...

    @property
    def certificate_authority(self) -> bytes:
        """Return the PEM certificate that signed the API server's certificate."""
        ...

    @property
    def admin_kubeconfig(self) -> Path:
        """Return the kubeconfig of the lab's own administrator."""
        ...

    def stop(self) -> None:
        """Stop all processes of the control plane."""
        ...


@dataclass(frozen=True)
class PlaneRequest:
    """The parameters of a cluster's control plane."""

    cluster: str
    version: str
    service_cidr: str
    issuer: str


class Launcher(Protocol):
    def launch(self, request: PlaneRequest) -> ControlPlane:
        """Start a control plane and block until it is ready."""
        ...


@dataclass(frozen=True)
class KubernetesLauncher:
    """Starts real control planes; `cloud_url` serves their webhooks and the node player's requests."""

    directory: Path
    toolchain: Toolchain
    cloud_url: Callable[[], str]
    crds: Path
    nodes: Mapping[str, object] = field(default_factory=dict)
    """Settings of the node players that differ from their defaults."""

    def launch(self, request: PlaneRequest) -> ControlPlane:
        """Start etcd, the API server, its controllers and the node player of one cluster."""
        plane = KubernetesControlPlane(
            self.directory / request.cluster,
            request.cluster,
            self.toolchain,
            authentication_webhook=f"{self.cloud_url()}/lab/authenticate/{request.cluster}",
            emulated_version=request.version,
            service_cidr=request.service_cidr,
            issuer=request.issuer,
        )
        plane.start()
        try:
            plane.start_node_player(self.cloud_url(), self.crds, self.nodes)
        except BaseException:
            plane.stop()
            raise
        return plane
