"""What a migration does to the size of every Auto Scaling group, and what blocks it there."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.options import Recorded, covers
from eks_cilium.migration.plan.capacity import forecast
from eks_cilium.migration.plan.model import Code
from eks_cilium.settings.model import width

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from eks_cilium.migration.facts.model import Facts, Group, Node
    from eks_cilium.migration.plan.capacity import Forecast
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.migration.plan.model import GroupPlan
    from eks_cilium.settings.model.migration import MigrationOptions

_TERMINATING = "EC2_INSTANCE_TERMINATING"
_ORDINARY = "InService"
_DAY = 86400


def forecasts(
    order: Sequence[tuple[Node, Group]],
    options: MigrationOptions,
    recorded: Recorded,
    facts: Facts,
    findings: Findings,
    *,
    part: Collection[str],
) -> dict[str, Forecast]:
    """The forecast of every group whose nodes are replaced, by name. `part` has the names of these nodes."""
    members: dict[str, list[Node]] = defaultdict(list)
    for node, group in order:
        members[group.name].append(node)
    groups = {group.name: group for node, group in order if node.name in part}
    found, attached = {}, _attached(facts)
    for name, group in groups.items():
        about, before = Reference("Auto Scaling group", "", name), recorded.groups.get(name)
        replaced = [node for node in members[name] if node.name in part]
        course = forecast(
            group,
            [node.zone or "" for node in replaced],
            left_out=[node.zone or "" for node in members[name] if node.name not in part],
            capacity=options.capacity,
            surge=width.besides(options.surge, before.outgoing if before else len(members[name])),
            before=before,
            lower_minimum=covers(options.allow.lower_minimum, about),
        )
        found[name] = course
        _check(group, course.sizes, about, replaced, findings)
        _check_hooks(group, about, options.termination_timeout_seconds, findings)
        _check_volumes(attached, course.sizes, about, members[name], findings)
    return found


def _check(
    group: Group, sizes: GroupPlan, about: Reference, nodes: Sequence[Node], findings: Findings
) -> None:
    if group.status:
        findings.add(Code.GROUP_BEING_DELETED, about, detail=group.status)
    if "Launch" in group.suspended:
        findings.add(Code.PROCESS_SUSPENDED, about, detail="Launch")
    if sizes.lowest < sizes.minimum:
        added = sizes.peak - sizes.desired
        arithmetic = f"{sizes.desired} + {added} extra - {sizes.outgoing} removed = {sizes.lowest}"
        findings.add(Code.BELOW_MINIMUM, about, detail=f"{arithmetic}, and its minimum is {sizes.minimum}")
    elif sizes.minimum < group.minimum:
        findings.add(Code.MINIMUM_LOWERED, about, detail=f"{group.minimum} -> {sizes.minimum}")
    if sizes.at_end < sizes.desired:
        findings.add(Code.FEWER_NODES, about, detail=f"{sizes.at_end} instead of {sizes.desired}")
    if sizes.maximum > group.maximum:
        findings.add(Code.MAXIMUM_RAISED, about, detail=f"{group.maximum} -> {sizes.maximum}")
    if causes := _causes_of_replacement(group):
        findings.add(Code.REPLACED_BY_AWS, about, detail=", ".join(causes))
    _check_instances(group, about, nodes, findings)


def _causes_of_replacement(group: Group) -> list[str]:
    """Settings by which Auto Scaling terminates instances, and that no process can be suspended for.

    Sources: asg-max-instance-lifetime.html and ec2-auto-scaling-capacity-rebalancing.html of
    docs.aws.amazon.com/autoscaling/ec2/userguide. EKS drains the nodes of its own node groups.
    """
    causes = []
    if group.longest_life:
        causes.append(f"MaxInstanceLifetime is {group.longest_life / _DAY:g} days")
    if group.rebalances_spot and not group.node_group:
        causes.append("CapacityRebalance is on")
    return causes


def _check_hooks(group: Group, about: Reference, limit: int, findings: Findings) -> None:
    """Name the hooks that an instance waits for, and the option that has to be as long as they may take."""
    for hook in group.hooks:
        if hook.transition != _TERMINATING:
            continue
        raise_it = (
            f"; raise migration.terminationTimeoutSeconds from {limit} to more than that"
            if hook.seconds >= limit
            else ""
        )
        detail = f"{hook.name}, up to {hook.seconds} s, then {hook.result}{raise_it}"
        findings.add(Code.LIFECYCLE_HOOK, about, detail=detail)


def _check_instances(group: Group, about: Reference, nodes: Sequence[Node], findings: Findings) -> None:
    outgoing = {node.instance for node in nodes}
    for instance in group.instances:
        if instance.id in outgoing and (instance.lifecycle != _ORDINARY or instance.protected):
            state = "protected from scale-in" if instance.lifecycle == _ORDINARY else instance.lifecycle
            findings.add(Code.INSTANCE_STATE, about, detail=f"{instance.id} is {state}")


def _attached(facts: Facts) -> dict[str, Counter[str]]:
    """How many volumes of each driver are attached to each node."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for volume in facts.volumes.values():
        for node in volume.attached_to:
            found[node][volume.driver] += 1
    return found


def _check_volumes(
    attached: Mapping[str, Counter[str]],
    sizes: GroupPlan,
    about: Reference,
    nodes: Sequence[Node],
    findings: Findings,
) -> None:
    """Whether the nodes that remain after the last drain can attach all volumes."""
    total: Counter[str] = Counter()
    for node in nodes:
        total.update(attached.get(node.name, {}))
    for driver, count in total.items():
        limit = _smallest_limit(nodes, driver)
        if limit is not None and count > limit * sizes.at_end:
            text = f"{count} volumes of {driver}, and {sizes.at_end} nodes hold {limit} each"
            findings.add(Code.VOLUMES_FULL, about, detail=text)


def _smallest_limit(nodes: Sequence[Node], driver: str) -> int | None:
    limits: list[Mapping[str, int]] = [node.volume_limits for node in nodes if driver in node.volume_limits]
    return min((limit[driver] for limit in limits), default=None)
