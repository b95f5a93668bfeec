"""Rules about replacing the CNI of a running cluster, as far as the configuration alone shows them.

What the cluster shows (its nodes, pods and budgets) is refused by the plan, in the preview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command
from eks_cilium.settings.rules.running_cluster import cilium_takes_the_name, patterns_twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import ReplacementSettings


def interfaces_only_masquerade(settings: ReplacementSettings) -> Iterator[Problem]:
    """Interfaces are named for masquerading and nothing else."""
    given, path = settings.cilium.egress_masquerade_interfaces, ("cilium", "egressMasqueradeInterfaces")
    if settings.cilium.masquerade == "off" and given is not None:
        yield Problem(path, given, "nothing while cilium.masquerade is off", remove_command(path))


def patterns_are_given_once(settings: ReplacementSettings) -> Iterator[Problem]:
    """A pattern written twice is a slip: perhaps another one was meant."""
    return patterns_twice(settings.migration.allow, ("migration", "allow"))


RULES = (cilium_takes_the_name, interfaces_only_masquerade, patterns_are_given_once)
