"""Rules between keys, and limits that the shape of one key cannot express.

`settings.reading` calls `broken_rules` once the shape is right. A rule is a generator of problems. All rules
are applied, so that one preview shows every problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.settings.model import (
    ChainingSettings,
    MeshSettings,
    NewChainedClusterSettings,
    NewClusterSettings,
    ReplacementSettings,
)
from eks_cilium.settings.rules import (
    access,
    chart,
    cilium,
    cluster,
    common_cilium,
    everywhere,
    mesh,
    network,
    nodes,
    overlay,
    policy_keys,
)
from eks_cilium.settings.rules.new_cluster import (
    add_ons,
    flow_logs,
    partitions,
    pod_identity,
    pod_subnets,
    security_groups,
)
from eks_cilium.settings.rules.running import chaining, replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eks_cilium.settings.model import Settings
    from eks_cilium.settings.problems import Problem

    Rule = Callable[[Any], Iterator[Problem]]

_WITH_CILIUM: tuple[Rule, ...] = (*everywhere.RULES, *common_cilium.RULES, *chart.RULES)

_FOR_A_CLUSTER: tuple[Rule, ...] = (
    *cluster.RULES,
    *access.RULES,
    *add_ons.RULES,
    *security_groups.RULES,
    *network.RULES,
    *pod_subnets.RULES,
    *flow_logs.RULES,
    *partitions.RULES,
    *nodes.RULES,
)

RULES: Mapping[type[Settings], tuple[Rule, ...]] = {
    NewClusterSettings: (
        *_FOR_A_CLUSTER,
        *cilium.RULES,
        *overlay.RULES,
        *pod_identity.RULES,
        *_WITH_CILIUM,
    ),
    ChainingSettings: (*chaining.RULES, *_WITH_CILIUM),
    NewChainedClusterSettings: (
        *_FOR_A_CLUSTER,
        *cilium.FOR_KUBERNETES,
        *chaining.FOR_A_NEW_CLUSTER,
        *_WITH_CILIUM,
    ),
    ReplacementSettings: (*replacement.RULES, *access.FOR_ROLES, *_WITH_CILIUM),
    MeshSettings: (*mesh.RULES, *policy_keys.RULES, *everywhere.RULES),
}
"""The rules for each kind of stack."""


def broken_rules(settings: Settings) -> list[Problem]:
    return [problem for rule in RULES[type(settings)] for problem in rule(settings)]
