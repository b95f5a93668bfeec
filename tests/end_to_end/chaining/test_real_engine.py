"""A chain on the Pulumi CLI: the same plan as on the built-in engine, and the same end.

Runs where `pulumi` is on PATH.
"""

import shutil

import pytest

from lab import program
from lab.demo.chaining import promises
from lab.existing.shape import Shape
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import Existing, MakeExisting
from tests.end_to_end.modes.test_same_on_the_real_engine import operations

pytestmark = [
    pytest.mark.lab,
    pytest.mark.real_engine,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(not shutil.which("pulumi"), reason="the Pulumi CLI is not on PATH"),
]


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> Existing:
    shape = Shape(nodes=3, groups=1, workloads=("storage", "small", "database"))
    return make_existing(shape, engine=program.OFFICIAL)


def test_both_engines_preview_the_same_chain(existing: Existing) -> None:
    official = existing.pulumi("preview", "--json")
    built_in = existing.on(program.BUILT_IN).pulumi("preview", "--json")

    assert official.code == 0, official.output
    assert operations(official.json()) == operations(built_in.json())


def test_a_ctrl_c_and_a_second_run_end_as_on_the_built_in_engine(existing: Existing) -> None:
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "restarted " in running.says())
        running.interrupt()
        assert running.wait() != 0

    again = existing.up()

    assert again.code == 0, again.output
    audit, before = existing.audit, existing.before
    assert [fact for fact in promises(before, existing.now()) if not fact.holds] == []
    assert claims.no_pod_evicted_twice(audit) == []
    assert claims.rolled_out_once(audit) == []
    assert claims.not_written(audit, "aws-node") == []
    assert existing.calls.terminated() == []


def test_a_second_preview_finds_nothing_to_do(existing: Existing) -> None:
    again = existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
