"""The contract between the cloud's server and the modules that extend moto's services.

At start, before the first request, `lab.cloud.server` calls `install(parts)` of each extension it knows
(they are listed there, in the order in which they extend moto). What an extension
returns is what the server needs from it afterwards: the requests under `/lab/` it answers, and how it stops.
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
    """What every extension may use."""

    clusters: Clusters
    timing: Timing
    directory: Path
    account: str
    region: str


def _nothing_to_stop() -> None:
    return None


@dataclass(frozen=True)
class Extension:
    """What an installed extension offers the server.

    `posts` maps a path below `/lab/` (for example `interfaces`) to a function from the JSON of a POST to the
    JSON of its answer; a ValueError or LookupError it raises becomes HTTP 400 with its text.
    """

    posts: Mapping[str, Callable[[LabRequest], LabRequest]] = field(default_factory=dict)
    stop: Callable[[], None] = _nothing_to_stop


class Installer(Protocol):
    """The shape of every extension module's `install`."""

    def __call__(self, parts: Parts) -> Extension:
        """Extend moto in this process; called once, before the first request."""
        ...
