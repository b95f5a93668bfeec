"""Starting the control plane of a cluster, with the node player beside it.

The seam between EKS and `lab.cluster`: EKS asks for a control plane and gets one that answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lab.cluster import ControlPlane as KubernetesControlPlane

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lab.toolchain import Toolchain


class ControlPlane(Protocol):
    """A control plane that runs."""

    @property
    def endpoint(self) -> str:
        """Where its API server answers."""
        ...

    @property
    def certificate_authority(self) -> bytes:
        """The PEM of the authority that signed its certificate."""
        ...

    @property
    def admin_kubeconfig(self) -> Path:
        """The lab's own way in."""
        ...

    def stop(self) -> None:
        """End all its processes."""
        ...


@dataclass(frozen=True)
class PlaneRequest:
    """What a cluster's control plane is to be."""

    cluster: str
    version: str
    service_cidr: str
    issuer: str


class Launcher(Protocol):
    """Starts control planes."""

    def launch(self, request: PlaneRequest) -> ControlPlane:
        """A control plane that is ready; blocks until it is."""
        ...


@dataclass(frozen=True)
class KubernetesLauncher:
    """Real control planes; `cloud_url` answers their webhooks and gives the node player addresses."""

    directory: Path
    toolchain: Toolchain
    cloud_url: Callable[[], str]
    crds: Path

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
            plane.start_node_player(self.cloud_url(), self.crds, {})
        except BaseException:
            plane.stop()
            raise
        return plane
