"""Rules that the modes for a running cluster share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.settings.model.cluster import CILIUM_NAME
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import ChainingSettings, ReplacementSettings
    from eks_cilium.settings.model.fields import Part


def cluster_name_suits_cilium(settings: ReplacementSettings | ChainingSettings) -> Iterator[Problem]:
    # EKS accepts names that Cilium refuses, and an existing cluster keeps its name.
    name, path = settings.cluster.name, ("cilium", "clusterName")
    if settings.cilium.cluster_name is None and not re.match(CILIUM_NAME, name):
        allowed = (
            "a name of 1 to 32 lower-case letters, digits and dashes, "
            f"as Cilium does not take {name!r} for a cluster"
        )
        yield Problem(path, UNSET, allowed, set_fix(path, _near(name)))


def _near(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:32].strip("-") or "production"


def patterns_twice(part: Part, above: tuple[str, ...]) -> Iterator[Problem]:
    """A problem for each pattern that one list of this part holds twice."""
    for name, field in type(part).model_fields.items():
        patterns = getattr(part, name)
        if not isinstance(patterns, tuple):
            continue
        for index, pattern in enumerate(patterns):
            if pattern in patterns[:index]:
                path: tuple[str | int, ...] = (*above, field.alias or name, index)
                yield Problem(path, pattern, "every pattern once", remove_command(path))
