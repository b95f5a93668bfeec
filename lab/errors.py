"""The lab's own errors; each message says what to do.

    LabError
    ├── LabNotRunningError      start it with `python -m lab up`
    ├── LabAlreadyRunningError  stop it with `python -m lab down`
    ├── StartFailedError        a process of the lab did not start; names its log
    ├── plugins.MissingPluginError  an official plugin is not on PATH; says how to install it
    ├── toolchain.ToolchainError  a tool could not be built; says what to install
    └── cluster.ClusterError      a control plane could not be started or used

The command line prints them as one line and exits with 1.
"""


class LabError(Exception):
    """A problem of the lab itself, not of the program that runs in it."""


class LabNotRunningError(LabError):
    """A command needs the lab, which is not running."""

    def __init__(self) -> None:
        super().__init__("the lab is not running; start it with `python -m lab up`")


class LabAlreadyRunningError(LabError):
    """A lab is already running in this folder."""


class StartFailedError(LabError):
    """A process of the lab ended or timed out before it was ready."""
