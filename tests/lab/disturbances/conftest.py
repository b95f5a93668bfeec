"""A real control plane with emulated nodes for the disturbances that act in a cluster, and a real cloud."""

from tests.lab.cloud.conftest import cloud
from tests.lab.nodeplayer.conftest import crds, start

__all__ = ["cloud", "crds", "start"]
