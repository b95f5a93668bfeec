"""Real Kubernetes control planes on loopback, which the lab's EKS clusters consist of.

The cloud starts one per cluster; `lab down` stops those that a crash left behind; tests that only need an API
server, a scheduler and controllers start their own.
"""

from .control_plane import ControlPlane, stop_by_directory
from .errors import ClusterError, PortTakenError, StartError

__all__ = ["ClusterError", "ControlPlane", "PortTakenError", "StartError", "stop_by_directory"]
