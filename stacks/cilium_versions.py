"""Whether a Cilium release was tried, is maintained, and fits the Kubernetes of a cluster.

Called by every mode that installs Cilium. A release supports the Kubernetes versions it is tested with;
`Release` has them, with their source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.cilium.versions import OLDEST_SUPPORTED, minor, minor_text, tried
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
    warn_about_release(release.version)
    if _numbers(version) > release.newest_kubernetes:
        pulumi.log.warn(
            f"Cilium {release.version} is tested with Kubernetes up to {_text(release.newest_kubernetes)}; "
            f"{version} relies on Kubernetes' backward compatibility"
        )


def warn_about_release(version: str) -> None:
    """Warn about a patch that was not tried, and about a minor that gets no security fixes any more."""
    if version != tried(version):
        pulumi.log.warn(
            f"Cilium {version} was not tried with this program, {tried(version)} was: cilium.values is "
            "checked against the keys of its chart"
        )
    if minor(version) < OLDEST_SUPPORTED:
        pulumi.log.warn(
            f"Cilium {minor_text(version)} is not maintained any more: it gets no security fixes. The oldest "
            f"minor that does is {_text(OLDEST_SUPPORTED)}"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
