"""Real Kubernetes control planes on loopback: what the lab's EKS clusters are made of.

Called by the cloud, which starts one per cluster, by `lab down` after a crash, and by tests that need nothing
but an API server, a scheduler and controllers.
"""

from .control_plane import ControlPlane, stop_by_directory
from .errors import ClusterError, PortTakenError, StartError

__all__ = ["ClusterError", "ControlPlane", "PortTakenError", "StartError", "stop_by_directory"]
