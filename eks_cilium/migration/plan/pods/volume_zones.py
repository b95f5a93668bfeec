"""Warns of volumes that are in a zone without another node when the last old one there is next.

A node is cordoned only when its pods with volumes have another node in the zone of each volume
(`migration.placement`). Whether there is one by then follows from the order of nodes and from the surge.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code
from eks_cilium.migration.plan.places import zones_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.migration.facts.model import Facts, Pod
    from eks_cilium.migration.plan.capacity import Forecast
    from eks_cilium.migration.plan.model import NodePlan
    from eks_cilium.migration.plan.verdicts import Context


def check(
    nodes: Sequence[NodePlan], facts: Facts, forecasts: Mapping[str, Forecast], context: Context
) -> None:
    """Add a warning for every workload with such a volume. `nodes` are those to be replaced, in order."""
    replaced = {node.node for node in nodes}
    staying = {
        node.zone
        for node in facts.nodes
        if node.name not in replaced and node.ready and not node.unschedulable
    }
    with_volumes: dict[str, list[Pod]] = defaultdict(list)
    for pod in facts.pods:
        if pod.claims:
            with_volumes[pod.node].append(pod)
    remaining = Counter(node.zone for node in nodes)
    terminated: Counter[str] = Counter()
    new = {zone for forecast in forecasts.values() for zone in _sure(forecast, 0)}
    for node in nodes:
        remaining[node.zone] -= 1
        later = {zone for zone, count in remaining.items() if count > 0}
        if not node.in_progress:
            _check_node(node, with_volumes[node.node], frozenset({*staying, *later, *new}), context)
        terminated[node.group] += 1
        new.update(_sure(forecasts[node.group], terminated[node.group]))


def _sure(forecast: Forecast, terminated: int) -> list[str]:
    """The zones that are sure to have a new node after so many terminations in a group."""
    return [zone for zone, after in forecast.sure_after.items() if after <= terminated]


def _check_node(node: NodePlan, pods: Sequence[Pod], zones: frozenset[str | None], context: Context) -> None:
    moving = {planned.uid for planned in node.pods if planned.verdict.moves}
    permitted = context.drain.allow.stranded_pods if context.drain else ()
    for pod in pods:
        workload = context.backing.workload_of(pod)
        if pod.uid not in moving or covers(permitted, pod.reference, workload):
            continue
        for volume in context.backing.volumes_of(pod):
            named = zones_of(volume) if volume else ()
            if volume and named and zones.isdisjoint(named):
                detail = f"{volume.name} in {' or '.join(named)}"
                context.findings.add(
                    Code.VOLUME_WAITS, workload, detail=detail, node=node.node, pod=pod.reference
                )
