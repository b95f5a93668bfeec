"""Guides upgrades of Cilium: one minor at a time, with what Cilium's own upgrade notes say.

Called by every mode that installs Cilium, before it registers anything. The present release is what runs in
the cluster. A program that does not read its cluster knows the release from the outputs of its last update,
so that a preview works without a cluster, and asks the cluster only where the minor changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.cilium.upgrades import changes_minor, detour, newest_first, notes
from eks_cilium.cilium.versions import minor_text
from eks_cilium.cluster.cilium_release import running_release
from eks_cilium.settings.problems import Problem
from stacks.outputs import own_outputs
from stacks.own_cluster import asked, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.settings.model import NewClusterBaseSettings


def present_release(
    settings: NewClusterBaseSettings,
    outputs: Callable[[], Mapping[str, Any]] = own_outputs,
    running: Callable[[Mapping[str, Any]], str | None] | None = None,
) -> str | None:
    """The release of the cluster that this stack made; None before there is one.

    A rollback with Helm is not in the outputs. So the cluster is asked where they differ from what is wanted.
    """
    exported = (outputs().get("cluster") or {}).get("ciliumVersion")
    if not exported or not changes_minor(exported, settings.cilium.version):
        return exported
    return (running or _running)(place_of(settings)) or str(exported)


def check_upgrade(present: str | None, wanted: str) -> None:
    """Refuse an upgrade over a minor, and one to an older minor. Raises RunError."""
    if present is None:
        return
    instead = detour(present, wanted)
    if instead is not None:
        raise pulumi.RunError(str(Problem(("cilium", "version"), wanted, instead.allowed, instead.fix)))
    if changes_minor(present, wanted) and pulumi.runtime.is_dry_run():
        advice = newest_first(present)
        if advice:
            pulumi.log.warn(advice)


def show_notes(present: str | None, wanted: str, values: Mapping[str, Any]) -> None:
    """Print in a preview what Cilium's notes of the new minor say of the values of the release."""
    if present is None or not pulumi.runtime.is_dry_run() or not changes_minor(present, wanted):
        return
    lines = notes(present, wanted, values)
    text = "\n".join(f"  {line}" for line in lines) or "  nothing about the values in use"
    way = f"{minor_text(present)} to {minor_text(wanted)}"
    pulumi.log.info(f"Cilium's upgrade notes, {way}:\n{text}")


def _running(place: Mapping[str, Any]) -> str | None:
    return asked(place, running_release)
