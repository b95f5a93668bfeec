"""What can go wrong while a tool is built or a chart is fetched, by what the reader can do about it."""

from lab.errors import LabError


class ToolchainError(LabError):
    """A tool of the lab is not available."""


class MissingToolError(ToolchainError):
    """The machine lacks something; the message says what to install."""


class UnknownVersionError(ToolchainError):
    """A version that the lab does not serve was asked for."""


class DownloadError(ToolchainError):
    """A module could not be fetched; trying again may help."""


class TamperedModuleError(ToolchainError):
    """A module arrived with content other than the pinned one."""


class BuildError(ToolchainError):
    """The Go compiler refused the sources; the message ends with its last lines."""
