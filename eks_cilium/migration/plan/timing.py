"""How long a migration takes: an order of magnitude, estimated from the pods and volumes of the nodes.

`parallel` nodes are replaced at the same time. The next drain begins when one of these is finished and a
replacement is Ready. Replacements are launched at the start, as part of the surge, or when an earlier node is
terminated.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Seconds
from eks_cilium.settings.model.migration import Capacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.options import Timings
    from eks_cilium.migration.plan.budgets import BudgetStatus
    from eks_cilium.migration.plan.model import BudgetUse, NodePlan
    from eks_cilium.settings.model.migration import MigrationOptions


def of_node(
    options: MigrationOptions,
    timings: Timings,
    *,
    evicted: Iterable[Pod],
    budgets: Iterable[BudgetUse],
    statuses: Mapping[Reference, BudgetStatus],
    volumes: int,
    load_balancers: int,
) -> Seconds:
    """The phases of one node. Its pods stop at the same time, except where a budget makes them wait."""
    stop = max((min(pod.grace_seconds, timings.longest_stop) for pod in evicted), default=0.0)
    queue = max((use.waits * _ready(statuses[use.budget], timings) for use in budgets), default=0.0)
    release = max(
        timings.volume_release if volumes else 0.0, timings.load_balancer_release if load_balancers else 0.0
    )
    return Seconds(
        drain=max(stop, timings.shortest_drain) + queue,
        release=release,
        settle=options.settle_readings * timings.between_readings,
    )


def in_all(nodes: Sequence[NodePlan], options: MigrationOptions, timings: Timings) -> float:
    """Seconds from the first launch until the workloads of the last node are healthy again."""
    ends: list[float] = []
    terminated: dict[str, list[float]] = defaultdict(list)
    for index, node in enumerate(nodes):
        lane_free = ends[index - options.parallel] if index >= options.parallel else 0.0
        start = max(lane_free, _replacement_ready(terminated[node.group], options, timings))
        terminated_at = start + node.seconds.drain + node.seconds.release
        terminated[node.group].append(terminated_at)
        ends.append(terminated_at + node.seconds.settle)
    return max(ends, default=0.0)


def _replacement_ready(terminated: Sequence[float], options: MigrationOptions, timings: Timings) -> float:
    """When the next replacement of a group is Ready, given when its earlier nodes were terminated."""
    follows = len(terminated) - options.surge
    at_once = follows < 0 or options.capacity is Capacity.DECREMENT
    return timings.launch + (0.0 if at_once else terminated[follows])


def _ready(status: BudgetStatus, timings: Timings) -> float:
    measured = status.pod_ready_seconds
    return timings.pod_ready if measured is None else min(measured, timings.longest_pod_ready)
