"""Every time limit of a run comes from its configuration."""

from dataclasses import fields

import pytest

from eks_cilium.dynamic.shell.runs import migration_run, refresh_run
from eks_cilium.migration.options import Limits
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import MigrationOptions, RefreshOptions

from .migrations import quiet
from .simulation.world import Simulation

pytestmark = pytest.mark.unit

CHOSEN = {
    "volumeTimeoutSeconds": 11,
    "loadBalancerTimeoutSeconds": 12,
    "terminationTimeoutSeconds": 172800,
    "rollOutTimeoutSeconds": 77,
    "terminatingLimitSeconds": 66,
    "graceLimitSeconds": 55,
    "answerTimeoutSeconds": 44,
}
NOT_CONFIGURED = {"poll_interval"}


@pytest.fixture
def world() -> World:
    return Simulation().world()


def test_a_migration_waits_as_long_as_its_configuration_says(world: World) -> None:
    limits = migration_run({"options": CHOSEN, "target": "cilium"}, quiet)(world).limits

    assert limits == Limits(
        volumes=11,
        load_balancer_timeout=12,
        termination=172800,
        roll_out=77,
        terminating=66,
        grace=55,
        answer=44,
    )


def test_a_refresh_waits_as_long_as_its_configuration_says(world: World) -> None:
    chosen = {"rollOutTimeoutSeconds": 77, "answerTimeoutSeconds": 44}
    limits = refresh_run({"options": chosen}, quiet)(world).limits

    assert (limits.roll_out, limits.answer, limits.terminating) == (77, 44, None)


def test_every_limit_is_an_option() -> None:
    chosen, default = Limits.of(MigrationOptions.model_validate(CHOSEN)), Limits()
    names = [field.name for field in fields(Limits)]
    same = {name for name in names if getattr(chosen, name) == getattr(default, name)}

    assert same == NOT_CONFIGURED


def test_limits_without_configuration_are_those_of_its_defaults() -> None:
    assert Limits() == Limits.of(MigrationOptions())
    assert Limits().roll_out == Limits.of(RefreshOptions()).roll_out
