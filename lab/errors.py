"""The lab's own errors, each a sentence that says what to do.

    LabError
    ├── LabNotRunningError      nothing to talk to: `python -m lab up`
    ├── LabAlreadyRunningError  `python -m lab down` first
    ├── StartFailedError        a process of the lab did not come up; names its log
    ├── toolchain.ToolchainError  something could not be built; says what to install
    └── cluster.ClusterError      a control plane could not be started or used

The command line prints them as one line and exits 1; tests let them fail.
"""


class LabError(Exception):
    """Something about the lab itself, not about the program it runs."""


class LabNotRunningError(LabError):
    """A command needs the lab and it is not up."""

    def __init__(self) -> None:
        super().__init__("the lab is not running; start it with `python -m lab up`")


class LabAlreadyRunningError(LabError):
    """A lab is already up in this folder."""


class StartFailedError(LabError):
    """A process of the lab ended, or stayed silent, before it was ready."""
