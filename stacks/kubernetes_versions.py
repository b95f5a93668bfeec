"""What Cilium's tests say about the Kubernetes of a cluster; asked by the modes that install Cilium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from cilium.versions import Release


def warn_about_untested_kubernetes(release: Release, version: str) -> None:
    """Newer Kubernetes usually works, so this is no refusal; older is one, and comes before this."""
    if tuple(map(int, version.split("."))) > release.newest_kubernetes:
        newest = ".".join(map(str, release.newest_kubernetes))
        pulumi.log.warn(
            f"Cilium {release.version} is tested with Kubernetes up to {newest}; "
            f"{version} relies on Kubernetes' backward compatibility"
        )
