"""Rules about replacing the CNI of a running cluster that need nothing but the configuration.

What the cluster shows (its nodes, pods and PodDisruptionBudgets) is checked by the plan, in the preview.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command
from eks_cilium.settings.rules.cilium import NATIVE_PATH, native_network_is_narrow
from eks_cilium.settings.rules.running.both_modes import cluster_name_suits_cilium, patterns_twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import ReplacementSettings


def interfaces_only_masquerade(settings: ReplacementSettings) -> Iterator[Problem]:
    given, path = settings.cilium.egress_masquerade_interfaces, ("cilium", "egressMasqueradeInterfaces")
    if settings.cilium.masquerade == "off" and given is not None:
        yield Problem(path, given, "nothing while cilium.masquerade is off", remove_command(path))


def native_network_only_masquerades(settings: ReplacementSettings) -> Iterator[Problem]:
    given = settings.cilium.native_routing_cidr
    if settings.cilium.masquerade == "off" and given is not None:
        allowed = "nothing while cilium.masquerade is off"
        yield Problem(NATIVE_PATH, given, allowed, remove_command(NATIVE_PATH))
    else:
        yield from native_network_is_narrow(settings.cilium)


def patterns_are_given_once(settings: ReplacementSettings) -> Iterator[Problem]:
    # A pattern written twice may stand for another one that is missing.
    return patterns_twice(settings.migration.allow, ("migration", "allow"))


RULES = (
    cluster_name_suits_cilium,
    interfaces_only_masquerade,
    native_network_only_masquerades,
    patterns_are_given_once,
)
