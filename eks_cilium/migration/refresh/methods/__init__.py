"""How a workload is restarted: by its own roll-out, or pod by pod through the Eviction API."""

from eks_cilium.migration.refresh.methods.choosing import method_for
from eks_cilium.migration.refresh.methods.extra_pod import Nodes

__all__ = ["Nodes", "method_for"]
