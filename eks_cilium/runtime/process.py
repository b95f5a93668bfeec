"""What all operations of one process share about the clusters they act on.

Pulumi serves dynamic resources from several threads of one process: each cluster is watched once, and AWS is
asked once for all of them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.runtime.fleet import Fleet
    from eks_cilium.runtime.view import View


class Views:
    """The views of a process, one for each cluster, by the endpoint of its API server."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[View, Fleet]] = {}
        self._lock = threading.Lock()

    def of(self, cluster: str, create: Callable[[], tuple[View, Fleet]]) -> tuple[View, Fleet]:
        """What is watched of a cluster, and what AWS said of its groups: the same for all threads."""
        with self._lock:
            if cluster not in self._views:
                self._views[cluster] = create()
            return self._views[cluster]
