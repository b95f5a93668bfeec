"""How long a migration takes: an order of magnitude, from what the cluster itself shows.

Its nodes show how long an instance takes to join, its pods how long they take to become ready. `parallel`
nodes are in work at the same time. The next drain begins when one of these is terminated and a replacement is
Ready; with `waitUntilHealthy`, when its workloads are healthy too. Replacements are launched at the
start, as part of the surge, or when the termination of an earlier node is accepted. Its instance ends
meanwhile: nothing but the end of the migration waits for it. So the times in work of the nodes of one lane
add up, and the last of them has its end besides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from eks_cilium.migration.options import Timings
from eks_cilium.migration.plan.model import Seconds
from eks_cilium.settings.model import width
from eks_cilium.settings.model.migration import Capacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Facts, Pod
    from eks_cilium.migration.lanes import Lanes
    from eks_cilium.migration.plan.budgets import BudgetStatus
    from eks_cilium.migration.plan.model import BudgetUse, NodePlan
    from eks_cilium.settings.model.migration import MigrationOptions


def calibrated(facts: Facts) -> Timings:
    """The times that the cluster's own nodes and pods took, in place of the usual ones."""
    usual = Timings()
    ready = [
        pod.seconds_to_ready
        for pod in facts.pods
        if pod.seconds_to_ready is not None and pod.seconds_to_ready <= usual.longest_pod_ready
    ]
    return replace(
        usual,
        launch=median(facts.join_seconds) if facts.join_seconds else usual.launch,
        pod_ready=median(ready) if ready else usual.pod_ready,
    )


def of_node(
    options: MigrationOptions,
    timings: Timings,
    *,
    evicted: Sequence[Pod],
    budgets: Iterable[BudgetUse],
    statuses: Mapping[Reference, BudgetStatus],
    volumes: int,
    load_balancers: int,
) -> Seconds:
    """The phases of one node, without the wait for spare capacity.

    Its pods stop at the same time, except where a budget makes them wait. Their successors start meanwhile.
    """
    stop = max((min(pod.grace_seconds, timings.longest_stop) for pod in evicted), default=0.0)
    queue, queue_of = _queue(budgets, statuses, timings)
    drain = max(stop, timings.shortest_drain) + queue
    # Load balancers drain connections while pods are evicted.
    balanced = max(timings.load_balancer_release - drain, 0.0) if load_balancers else 0.0
    release = max(timings.volume_release if volumes else 0.0, balanced)
    ready = max((_ready_after(pod, timings) for pod in evicted), default=0.0)
    left = max(ready - release, 0.0)
    return Seconds(
        drain=drain,
        release=release,
        gone=timings.termination,
        settle=left + options.settle_readings * timings.between_readings,
        queue=queue,
        queue_of=queue_of,
    )


def _queue(
    budgets: Iterable[BudgetUse], statuses: Mapping[Reference, BudgetStatus], timings: Timings
) -> tuple[float, Reference | None]:
    """How long the pods of a node wait for budgets, which they do at the same time; and for which longest."""
    waits = ((use.waits * _ready(statuses[use.budget], timings), use.budget) for use in budgets if use.waits)
    return max(waits, key=lambda wait: wait[0], default=(0.0, None))


def scheduled(
    nodes: Sequence[NodePlan], lanes: Lanes, options: MigrationOptions, timings: Timings
) -> tuple[NodePlan, ...]:
    """The nodes with the wait for spare capacity, and with the time at which each is replaced."""
    of_group = Counter(node.group for node in nodes)
    done: list[NodePlan] = []
    free: dict[str, float] = {}
    terminated: dict[str, list[float]] = defaultdict(list)
    for node in nodes:
        lane_free = free.get(lanes.before(node.node), 0.0)
        surge = width.besides(options.surge, of_group[node.group])
        begins = max(lane_free, _replacement_ready(terminated[node.group], surge, options, timings))
        terminated[node.group].append(begins + node.seconds.drain + node.seconds.release)
        beside = not options.waits_until_healthy(lanes.place_of(node.group)[1])
        seconds = replace(node.seconds, capacity=begins - lane_free, settles_beside=beside)
        free[node.node] = lane_free + seconds.in_work
        done.append(replace(node, seconds=seconds, ends=lane_free + seconds.total))
    return tuple(done)


def _replacement_ready(
    terminated: Sequence[float], surge: int, options: MigrationOptions, timings: Timings
) -> float:
    """When the next replacement of a group is Ready, given when its earlier nodes were terminated."""
    follows = len(terminated) - surge
    at_once = follows < 0 or options.capacity is Capacity.DECREMENT
    return timings.launch + (0.0 if at_once else terminated[follows])


def _ready(status: BudgetStatus, timings: Timings) -> float:
    measured = status.pod_ready_seconds
    return timings.pod_ready if measured is None else min(measured, timings.longest_pod_ready)


def _ready_after(pod: Pod, timings: Timings) -> float:
    measured = pod.seconds_to_ready
    return timings.pod_ready if measured is None else min(measured, timings.longest_pod_ready)
