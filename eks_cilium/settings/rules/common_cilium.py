"""Rules about Cilium in every mode that installs it: the source of the chart, and the parts of Hubble."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import ChainingSettings, NewClusterBaseSettings, ReplacementSettings

    Installing = NewClusterBaseSettings | ChainingSettings | ReplacementSettings

_SCHEME = re.compile(r"^[a-z]+://")


def chart_repository_is_usable(settings: Installing) -> Iterator[Problem]:
    repository, path = settings.cilium.chart_repository, ("cilium", "chartRepository")
    if _SCHEME.match(repository) and not repository.startswith(("https://", "oci://")):
        allowed = "an https:// repository, an oci:// path, or a directory"
        yield Problem(path, repository, allowed, set_fix(path, "https://helm.cilium.io/"))


def hubble_builds_up(settings: Installing) -> Iterator[Problem]:
    # The UI reads from Relay, and Relay from the agents.
    hubble = settings.cilium.hubble
    if hubble.relay and not hubble.enabled:
        path = ("cilium", "hubble", "relay")
        yield Problem(path, True, "false while cilium.hubble.enabled is false", set_fix(path, False))
    if hubble.ui and not hubble.relay:
        path = ("cilium", "hubble", "ui")
        yield Problem(path, True, "false while cilium.hubble.relay is false", set_fix(path, False))


RULES = (chart_repository_is_usable, hubble_builds_up)
