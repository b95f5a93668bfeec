"""What a stack keeps of each resource is small, however many nodes its cluster has."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_cilium.dynamic.replacement.canary_check import CanaryCheckProvider
from eks_cilium.dynamic.replacement.node_batch import MOST_RESOURCES
from eks_cilium.dynamic.replacement.node_inventory import NodeInventoryProvider, summary
from eks_cilium.dynamic.shell import in_short
from eks_cilium.dynamic.shell.in_short import are_same, names_in_short
from eks_cilium.errors import ProgramError
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.start import MigrationStart
from stacks.running_cluster import ClusterReading
from tests.program.components.recording import Recorder
from tests.program.components.test_replacement_resources import CLUSTER, recorded
from tests.program.plan.test_scale import facts
from tests.program.rotation.simulation.world import Simulation

from .engine import PROVIDERS
from .shells import inputs, nodes_of, over

pytestmark = pytest.mark.simulation

NODES = tuple(
    f"ip-10-{index // 250}-111-{index % 250}.eu-central-1.compute.internal" for index in range(5_000)
)
MOST_BYTES = 2_000


def stack_of(nodes: tuple[str, ...], **migration: Any) -> Recorder:
    """What a program registers in an update of a cluster with these nodes."""
    groups = {node: f"eks-general-purpose-{index % 20}" for index, node in enumerate(nodes)}
    start = MigrationStart(
        nodes, left=len(nodes), image_families=frozenset({"al2023"}), plan=None, group_of=groups,
        groups=tuple(sorted(set(groups.values()))),
    )  # fmt: skip
    return recorded({"migration": migration}, ClusterReading(CLUSTER, start))


def kept_inputs(stack: Recorder) -> dict[str, dict[str, Any]]:
    """The inputs that a state has of each dynamic resource, by its name and kind."""
    kept = {}
    for entry in stack.registrations:
        kind = entry.type.rpartition(":")[2]
        if kind in PROVIDERS:
            given = {key: value for key, value in entry.inputs.items() if key != "__provider"}
            given["migration"] = "2026-01-01T00:00:00"
            kept[f"{kind} {entry.name}"] = over(None, PROVIDERS[kind]).check({}, given).inputs
    return kept


@pytest.mark.parametrize("width", [4, "10%"])
def test_five_thousand_nodes_have_at_most_two_hundred_resources_of_at_most_two_kilobytes(
    width: int | str,
) -> None:
    stack = stack_of(NODES, parallel=width, surge=width)

    sizes = {name: len(json.dumps(kept)) for name, kept in kept_inputs(stack).items()}
    assert 0 < len(stack.of("NodeBatch")) <= MOST_RESOURCES
    assert max(sizes.values()) < MOST_BYTES - in_short.MOST_BYTES, max(sizes, key=lambda name: sizes[name])
    assert max(len(json.dumps(kept)) for kept in stack.outputs.values()) < MOST_BYTES


def test_the_plan_of_a_large_cluster_is_kept_in_a_few_lines() -> None:
    known = facts()
    instances = [each for group in known.groups for each in group.instances]
    groups = [
        replace(known.groups[0], name=f"eks-general-{number}", instances=tuple(instances[number::25]))
        for number in range(25)
    ]
    many = plan(replace(known, groups=tuple(groups)))

    lines = summary(many)["lines"]

    assert len(many.groups) == 25
    assert len("\n".join(lines).encode()) < in_short.MOST_BYTES + 100
    assert lines[-1].endswith("more lines, in the table of this preview")


def test_a_result_of_many_nodes_is_kept_in_short() -> None:
    simulation = Simulation(workers=30)
    nodes = nodes_of(simulation)
    provider = over(simulation, NodeInventoryProvider)
    checked = provider.check({}, inputs(nodes=nodes, left=30)).inputs

    made = provider.create(checked)

    assert made.outs is not None
    assert checked["nodes"]["count"] == 30
    assert len(json.dumps(made.outs)) < MOST_BYTES
    assert made.outs["result"]["taken"]
    assert made.outs["result"]["plan"]["nodes"] == 30
    assert made.outs["result"]["nodes"][-1].endswith(" more")


def test_nodes_that_joined_meanwhile_are_named_although_the_state_has_a_digest_alone() -> None:
    simulation = Simulation(workers=30)
    provider = over(simulation, NodeInventoryProvider)
    known = nodes_of(simulation)[1:]
    checked = provider.check({}, inputs(nodes=known, left=29)).inputs

    with pytest.raises(ProgramError, match=f"{nodes_of(simulation)[0]} joined"):
        provider.create(checked)


def test_a_state_with_all_names_of_an_earlier_version_is_no_change() -> None:
    earlier = inputs(nodes=list(NODES), left=1)
    for kind in (NodeInventoryProvider, CanaryCheckProvider):
        provider = over(None, kind)
        now = provider.check(earlier, inputs(nodes=list(reversed(NODES)), left=1)).inputs
        other = provider.check(earlier, inputs(nodes=list(NODES[1:]), left=1)).inputs

        assert not provider.diff("id", earlier, now).changes
        assert provider.diff("id", earlier, other).changes
        assert provider.diff("id", now, other).changes


@given(
    st.lists(st.text(min_size=1, max_size=5), max_size=30),
    st.lists(st.text(min_size=1, max_size=5), max_size=30),
)
def test_names_are_compared_in_short_as_they_are_in_full(some: list[str], others: list[str]) -> None:
    expected = (
        set(some) == set(others) if len(set(some)) == len(some) and len(set(others)) == len(others) else None
    )

    for left in (some, names_in_short(some)):
        for right in (others, names_in_short(others)):
            if expected is not None:
                assert are_same(left, right) is expected


VALUES = st.recursive(
    st.text(max_size=400) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=20), inner, max_size=40),
    max_leaves=60,
)


@given(st.dictionaries(st.sampled_from(["nodes", "groups", "ready", "stopped"]), VALUES))
def test_a_result_keeps_its_keys_and_whether_something_is_in_them(result: dict[str, Any]) -> None:
    kept = in_short.in_short(result)

    assert {key: bool(value) for key, value in kept.items()} == {
        key: bool(value) for key, value in result.items()
    }
    if len(json.dumps(result)) <= in_short.MOST_BYTES:
        assert kept == result
