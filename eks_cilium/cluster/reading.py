"""What reading a cluster needs of its Kubernetes API.

Everything that only reads asks for this instead of the client, so that a test can answer with plain objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Object

Kept = TypeVar("Kept")


class ReadingApi(Protocol):
    """The reading half of `eks_cilium.clients.kubernetes.KubernetesApi`."""

    def get(self, path: str) -> Object | None:
        """One object; None when it does not exist."""

    def each(self, path: str, keep: Callable[[Object], Kept], **selectors: str) -> list[Kept]:
        """What `keep` returns for each object of a collection; empty for a collection the server lacks."""

    def list(self, path: str, **selectors: str) -> list[Object]:
        """All objects of a collection; empty for a collection the server does not know."""
