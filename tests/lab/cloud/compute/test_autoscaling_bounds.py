"""A group stays within its bounds and reaches its size, for any order of calls."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.cloud.autoscaling.errors import AutoScalingError

from .region import Region

pytestmark = pytest.mark.simulation

STEPS = st.one_of(
    st.tuples(st.just("desired"), st.integers(0, 8)),
    st.tuples(st.just("bounds"), st.integers(0, 5), st.integers(0, 7)),
    st.tuples(st.just("terminate"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("detach"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("standby"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("return"), st.integers(0, 7)),
    st.tuples(st.just("unhealthy"), st.integers(0, 7)),
    st.tuples(st.just("die"), st.integers(0, 7)),
    st.tuples(st.just("subnets"), st.sets(st.sampled_from(["subnet-a", "subnet-b", "subnet-c"]), min_size=1)),
    st.tuples(st.just("refresh")),
    st.tuples(st.just("wait"), st.integers(1, 70)),
)


def do(region, step):
    """Do one step; a refused call changes nothing."""
    kind, *rest = step
    scaling, known = region.scaling, sorted(region.group.members)
    instance = known[rest[0] % len(known)] if known and rest and isinstance(rest[0], int) else "i-none"
    calls = {
        "desired": lambda: scaling.set_desired_capacity("nodes", rest[0]),
        "bounds": lambda: scaling.update(
            {"AutoScalingGroupName": "nodes", "MinSize": rest[0], "MaxSize": rest[1]}
        ),
        "terminate": lambda: scaling.terminate_instance(instance, decrement=rest[1]),
        "detach": lambda: scaling.detach("nodes", [instance], decrement=rest[1]),
        "standby": lambda: scaling.enter_standby("nodes", [instance], decrement=rest[1]),
        "return": lambda: scaling.exit_standby("nodes", [instance]),
        "unhealthy": lambda: scaling.set_health(instance, "Unhealthy"),
        "die": lambda: region.fleet.terminate(instance) if known else None,
        "subnets": lambda: scaling.update(
            {"AutoScalingGroupName": "nodes", "VPCZoneIdentifier": ",".join(sorted(rest[0]))}
        ),
        "refresh": lambda: scaling.start_refresh({"AutoScalingGroupName": "nodes"}),
        "wait": lambda: region.pass_time(rest[0]),
    }
    before = (region.group.sizes, region.states())
    try:
        calls[kind]()
    except AutoScalingError:
        assert (region.group.sizes, region.states()) == before


def check_bounds(region):
    group = region.group
    moving = sum(member.for_balance for member in group.active)
    assert group.smallest <= group.desired <= group.largest
    # Rebalancing zones may exceed the maximum by the one instance it moves, as on AWS.
    assert len(group.active) <= max(group.largest, group.desired) + moving


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=12))
def test_a_group_stays_within_bounds_and_reaches_its_size(steps):
    region = Region()
    region.create(MinSize=1, MaxSize=5, DesiredCapacity=3)
    for step in steps:
        do(region, step)
        check_bounds(region)
    for _ in range(15):
        region.pass_time(100)
        check_bounds(region)
    assert len(region.serving()) == region.group.desired
    counts = [region.zones().count(subnet.zone[-1]) for subnet in region.group.subnets]
    assert max(counts) - min(counts) <= 1
