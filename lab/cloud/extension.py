"""The interface between the cloud's server and the modules that extend moto's services.

Before the first request, `lab.cloud.server` calls `install(parts)` of each of its extensions. The returned
`Extension` holds the extension's request handlers below `/lab/` and how to stop it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lab.cloud.running_clusters import Clusters
    from lab.cloud.timing import Timing

LabRequest = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """What the server provides to every extension."""

    clusters: Clusters
    timing: Timing
    directory: Path
    account: str
    region: str


def _nothing_to_stop() -> None:
    return None


@dataclass(frozen=True)
class Extension:
    """What an installed extension provides to the server.

    `posts` maps a path below `/lab/` (for example `interfaces`) to a function from the JSON of a POST to the
    JSON of its response. A ValueError or LookupError in it becomes HTTP 400 with the error's text.
    """

    posts: Mapping[str, Callable[[LabRequest], LabRequest]] = field(default_factory=dict)
    stop: Callable[[], None] = _nothing_to_stop


class Installer(Protocol):
    """The signature of each extension module's `install`."""

    def __call__(self, parts: Parts) -> Extension:
        """Extend moto in this process; called once, before the first request."""
        ...
