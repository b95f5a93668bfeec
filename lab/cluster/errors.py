"""Errors of a control plane's processes."""

from lab.errors import LabError


class ClusterError(LabError):
    """A control plane could not be started or used."""


class StartError(ClusterError):
    """A component ended or was not ready in time; the message has the last lines of its log."""


class PortTakenError(StartError):
    """Another process took a component's port before it was used; the next start chooses another one."""
