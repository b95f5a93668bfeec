"""A cluster whose aws-node nobody manages: one Ctrl-C in the middle, then the program once more.

The node in hand is finished, the rest waits, and the second run goes on where the first one ended.
"""

from dataclasses import dataclass

import pytest

from lab.demo.comparison import Snapshot, promises
from lab.existing.shape import Shape, VpcCni
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import ENGINEER, Existing, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(1500)]


@dataclass
class Interrupted:
    existing: Existing
    said: str
    code: int
    halfway: Snapshot
    cordoned_halfway: dict[str, list[bool]]
    after: Snapshot


@pytest.fixture(scope="module")
def interrupted(make_existing: MakeExisting) -> Interrupted:
    workloads = ("storage", "small", "database")
    shape = Shape(nodes=3, groups=1, vpc_cni=VpcCni.SELF_MANAGED, workloads=workloads)
    existing = make_existing(shape, surge=3, parallel=1)
    with existing.started("up", "--yes", "--skip-preview") as running:
        running.wait_until(lambda: "cordoned" in running.says())
        running.interrupt()
        code = running.wait()
        said = running.says()
    halfway, cordoned = existing.now(), existing.audit.cordons()
    again = existing.up()
    assert again.code == 0, again.output
    return Interrupted(existing, said, code, halfway, cordoned, existing.now())


def test_ctrl_c_lets_the_node_in_hand_finish_and_begins_no_other(interrupted: Interrupted) -> None:
    old = interrupted.existing.before.nodes
    assert interrupted.code != 0
    assert len(interrupted.cordoned_halfway) == 1, interrupted.said
    (node,) = interrupted.cordoned_halfway
    assert node not in interrupted.halfway.nodes
    assert len(set(old) & set(interrupted.halfway.nodes)) == len(old) - 1
    assert not any(seen.cordoned for seen in interrupted.halfway.nodes.values())


def test_the_next_run_finishes_the_rest(interrupted: Interrupted) -> None:
    before, audit = interrupted.existing.before, interrupted.existing.audit

    assert [fact for fact in promises(before, interrupted.after) if not fact.holds] == []
    assert claims.each_node_cordoned_once(audit, sorted(before.nodes)) == []
    assert claims.no_pod_evicted_twice(audit) == []
    assert claims.each_instance_terminated_once(interrupted.existing.calls, before) == []


def test_the_self_managed_daemon_set_is_bound_by_the_program_and_deleted_last(
    interrupted: Interrupted,
) -> None:
    audit = interrupted.existing.audit
    written = [e for e in audit.of("daemonsets", "patch", "delete") if e.name == "aws-node"]

    assert {event.user for event in written} == {ENGINEER}
    assert claims.fell_to_zero(audit, "aws-node", 3) == []
    assert claims.deleted_after_last_node(audit, "aws-node") == []
