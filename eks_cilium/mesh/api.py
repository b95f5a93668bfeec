"""What looking at a cluster needs of its Kubernetes API."""

from __future__ import annotations

from typing import Any, Protocol

Object = dict[str, Any]


class Api(Protocol):
    """What reading needs of a Kubernetes API."""

    def get(self, path: str) -> Object | None:
        """One object, or None."""

    def list(self, path: str, **selectors: str) -> list[Object]:
        """A whole collection."""
