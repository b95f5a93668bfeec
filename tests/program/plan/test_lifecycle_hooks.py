"""Lifecycle hooks on termination, which hold an instance, and the limit that has to be longer than they."""

import pytest

from eks_cilium.migration.facts.model import Hook
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.program.plan.builders import World, group

pytestmark = pytest.mark.unit

ADVICE = "raise migration.terminationTimeoutSeconds from 900 to more than that"


def warning(hook: Hook, options: MigrationOptions | None = None) -> str:
    world = World(2)
    world.groups = [group(world.nodes, hooks=(hook,))]
    (text,) = [
        found.text for found in plan(world.facts(), options).warnings if found.code == "lifecycle-hook"
    ]
    return text


@pytest.mark.parametrize("seconds", [900, 3600, 172800])
def test_a_hook_as_long_as_the_limit_asks_for_a_longer_one(seconds: int):
    text = warning(Hook("drain", "EC2_INSTANCE_TERMINATING", seconds, "CONTINUE"))

    assert f"drain, up to {seconds} s, then CONTINUE; {ADVICE}" in text


def test_a_shorter_hook_is_only_named():
    assert ADVICE not in warning(Hook("drain", "EC2_INSTANCE_TERMINATING", 300, "ABANDON"))


def test_a_limit_that_was_raised_is_enough():
    options = MigrationOptions(termination_timeout_seconds=7200)

    assert "raise" not in warning(Hook("drain", "EC2_INSTANCE_TERMINATING", 3600, "ABANDON"), options)
