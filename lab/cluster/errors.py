"""What can go wrong with a control plane's processes."""

from lab.errors import LabError


class ClusterError(LabError):
    """A control plane could not be started or used."""


class StartError(ClusterError):
    """A component ended, or was not ready in time; the message ends with the last lines of its log."""


class PortTakenError(StartError):
    """Something took a component's port between its choice and its use; another start picks another."""
