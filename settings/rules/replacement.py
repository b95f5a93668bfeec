"""Rules about replacing the CNI of a running cluster, as far as the configuration alone shows them.

What the cluster shows (its nodes, pods and budgets) is refused by the plan, in the preview.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from settings.model.cluster import CILIUM_NAME
from settings.problems import UNSET, Problem, remove_command, set_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from settings.model import ReplacementSettings


def cilium_takes_the_name(settings: ReplacementSettings) -> Iterator[Problem]:
    """EKS takes names that Cilium refuses, and an existing cluster keeps its name."""
    name, path = settings.cluster.name, ("cilium", "clusterName")
    if settings.cilium.cluster_name is None and not re.match(CILIUM_NAME, name):
        allowed = (
            "a name of 1 to 32 lower-case letters, digits and dashes, "
            f"as Cilium does not take {name!r} for a cluster"
        )
        yield Problem(path, UNSET, allowed, set_command(path, _near(name)))


def _near(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:32].strip("-") or "production"


def interfaces_only_masquerade(settings: ReplacementSettings) -> Iterator[Problem]:
    """Interfaces are named for masquerading and nothing else."""
    given, path = settings.cilium.egress_masquerade_interfaces, ("cilium", "egressMasqueradeInterfaces")
    if settings.cilium.masquerade == "off" and given is not None:
        yield Problem(path, given, "nothing while cilium.masquerade is off", remove_command(path))


def patterns_are_given_once(settings: ReplacementSettings) -> Iterator[Problem]:
    """A pattern written twice is a slip: perhaps another one was meant."""
    for name, field in type(settings.migration.allow).model_fields.items():
        patterns = getattr(settings.migration.allow, name)
        if not isinstance(patterns, tuple):
            continue
        for index, pattern in enumerate(patterns):
            path = ("migration", "allow", field.alias or name, index)
            if pattern in patterns[:index]:
                yield Problem(path, pattern, "every pattern once", remove_command(path))


RULES = (cilium_takes_the_name, interfaces_only_masquerade, patterns_are_given_once)
