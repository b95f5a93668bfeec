"""The whole configuration of a stack as one frozen, checked value.

`__main__` reads it once and passes it to the program of the stack's mode; no other part of the program reads
Pulumi's configuration. This package reads no file and asks no cluster.
"""

from eks_cilium.settings.model import Settings
from eks_cilium.settings.problems import ConfigurationError, Problem
from eks_cilium.settings.reading import read

__all__ = ["ConfigurationError", "Problem", "Settings", "read"]
