"""The errors of building a tool or fetching a chart, by what the reader can do."""

from lab.errors import LabError


class ToolchainError(LabError):
    """A tool of the lab is not available."""


class MissingToolError(ToolchainError):
    """A program is missing on this machine; the message says what to install."""


class UnknownVersionError(ToolchainError):
    """The lab does not have that version."""


class DownloadError(ToolchainError):
    """A module could not be downloaded; trying again may help."""


class TamperedModuleError(ToolchainError):
    """The content of a module differs from the pinned checksum."""


class BuildError(ToolchainError):
    """The Go compiler failed; the message ends with its last lines."""
