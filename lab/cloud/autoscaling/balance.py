"""Where a group launches its next instance, and which one it terminates first: pure functions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lab.cloud.autoscaling.model import IN_SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.cloud.autoscaling.model import Group, Member, Subnet


def zones(group: Group) -> list[str]:
    """Return the zones of a group in the order of its subnets."""
    return list(dict.fromkeys(subnet.zone for subnet in group.subnets))


def population(group: Group) -> Counter[str]:
    """Count the active instances in each zone of the group, and in zones it has left."""
    counts = Counter(member.subnet.zone for member in group.active)
    for zone in zones(group):
        counts.setdefault(zone, 0)
    return counts


def next_subnet(group: Group, avoid: Sequence[str] = ()) -> Subnet | None:
    """Return the emptiest subnet of the emptiest zone; zones in `avoid` have just failed."""
    candidates = [subnet for subnet in group.subnets if subnet.zone not in avoid]
    in_zone = population(group)
    in_subnet = Counter(member.subnet.id for member in group.active)
    return min(candidates, key=lambda subnet: (in_zone[subnet.zone], in_subnet[subnet.id]), default=None)


def is_unbalanced(group: Group) -> bool:
    """Return whether moving one instance from the fullest to the emptiest zone would balance the zones."""
    member = next_to_terminate(group)
    if member is None:
        return False
    counts, zone = population(group), member.subnet.zone
    return zone not in zones(group) or counts[zone] - min(counts[own] for own in zones(group)) > 1


def full_zones(group: Group) -> list[str]:
    """Return the zones of a group that have more instances than its emptiest."""
    counts, own = population(group), zones(group)
    fewest = min((counts[zone] for zone in own), default=0)
    return [zone for zone in own if counts[zone] > fewest]


def next_to_terminate(group: Group) -> Member | None:
    """Return the instance that a scale-in terminates: from the fullest zone, never a protected one."""
    candidates = [member for member in group.active if not member.protected]
    if not candidates:
        return None
    counts, own = population(group), zones(group)
    crowded = max({m.subnet.zone for m in candidates}, key=lambda zone: (zone not in own, counts[zone], zone))
    in_zone = [member for member in candidates if member.subnet.zone == crowded]
    return min(in_zone, key=_order(group.policies[0]))


def _order(policy: str) -> Callable[[Member], tuple[int, float]]:
    """Return the sort key of a termination policy: unhealthy instances first, then as the policy says."""
    if policy == "NewestInstance":
        return lambda member: (member.healthy, -member.since)
    if policy == "OldestInstance":
        return lambda member: (member.healthy, member.since)
    return lambda member: (member.healthy, int(member.template.version) * 1e12 + member.since)


def is_stable(group: Group) -> bool:
    """Return whether the group has its desired size and nothing is in progress."""
    everyone = group.members.values()
    in_service = sum(member.state == IN_SERVICE for member in everyone)
    return in_service == group.desired == len(group.active) and not any(m.ending for m in everyone)
