"""The whole configuration of a stack as one frozen, checked value.

`__main__` reads it once; everything below receives the parts it needs and never looks at Pulumi's
configuration.
"""

from eks_cilium.settings.model import Settings
from eks_cilium.settings.problems import ConfigurationError, Problem
from eks_cilium.settings.reading import read

__all__ = ["ConfigurationError", "Problem", "Settings", "read"]
