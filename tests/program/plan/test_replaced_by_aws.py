"""Groups whose instances Auto Scaling replaces by itself, whatever processes are suspended."""

from typing import Any

import pytest

from eks_cilium.migration.plan.planner import plan
from tests.program.plan.builders import World, group

pytestmark = pytest.mark.unit


def warnings(**changes: Any) -> list[str]:
    world = World(2)
    world.groups = [group(world.nodes, **changes)]
    return [found.text for found in plan(world.facts()).warnings if found.code == "replaced-by-aws"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"longest_life": 86400 * 7}, "MaxInstanceLifetime is 7 days"),
        ({"longest_life": 86400 + 43200}, "MaxInstanceLifetime is 1.5 days"),
        ({"rebalances_spot": True}, "CapacityRebalance is on"),
        (
            {"longest_life": 86400, "rebalances_spot": True},
            "MaxInstanceLifetime is 1 days, CapacityRebalance is on",
        ),
    ],
)
def test_the_plan_names_what_cannot_be_suspended(changes: dict[str, Any], cause: str):
    (text,) = warnings(**changes)

    assert text.endswith(cause)


def test_eks_drains_nodes_that_it_replaces_itself():
    assert warnings(rebalances_spot=True, node_group="spot") == []


def test_a_group_without_such_settings_has_no_warning():
    assert warnings() == []
