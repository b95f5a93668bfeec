"""What Cilium's tests say about the Kubernetes of a cluster; asked by the modes that install Cilium."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.settings.problems import Problem, set_command

if TYPE_CHECKING:
    from eks_cilium.cilium.versions import Release


def refuse_old_kubernetes(release: Release, version: str) -> None:
    """Cilium supports no Kubernetes older than the oldest it is tested with. Newer than tested: a warning."""
    if _numbers(version) < release.oldest_kubernetes:
        path = ("cilium", "version")
        oldest = _text(release.oldest_kubernetes)
        allowed = f"a Cilium for Kubernetes {version}; this one needs {oldest} or newer"
        raise pulumi.RunError(str(Problem(path, release.version, allowed, set_command(path, "..."))))
    warn_about_untested_kubernetes(release, version)


def warn_about_untested_kubernetes(release: Release, version: str) -> None:
    """Newer Kubernetes usually works, so this is no refusal; older is one, and comes before this."""
    if _numbers(version) > release.newest_kubernetes:
        pulumi.log.warn(
            f"Cilium {release.version} is tested with Kubernetes up to {_text(release.newest_kubernetes)}; "
            f"{version} relies on Kubernetes' backward compatibility"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
