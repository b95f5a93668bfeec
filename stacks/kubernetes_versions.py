"""Whether Cilium's release fits the Kubernetes of a cluster; called by every mode that installs Cilium.

A release supports the Kubernetes versions it is tested with; `Release` has them, with their source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.settings.problems import Problem, set_fix

if TYPE_CHECKING:
    from eks_cilium.cilium.versions import Release


def check_kubernetes(release: Release, version: str) -> None:
    """Refuse a Kubernetes older than every tested one; warn about one newer than every tested one."""
    if _numbers(version) < release.oldest_kubernetes:
        path = ("cilium", "version")
        oldest = _text(release.oldest_kubernetes)
        allowed = f"a Cilium for Kubernetes {version}; this one needs {oldest} or newer"
        raise pulumi.RunError(str(Problem(path, release.version, allowed, set_fix(path, "..."))))
    warn_about_untested_kubernetes(release, version)


def warn_about_untested_kubernetes(release: Release, version: str) -> None:
    """Only warn about a Kubernetes newer than every tested one, since that usually works."""
    if _numbers(version) > release.newest_kubernetes:
        pulumi.log.warn(
            f"Cilium {release.version} is tested with Kubernetes up to {_text(release.newest_kubernetes)}; "
            f"{version} relies on Kubernetes' backward compatibility"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
