"""The verdict on every pod: kubectl's cases, and those that kubectl does not check."""

from datetime import timedelta

import pytest

from eks_cilium.migration.facts.model import Facts, Pod
from eks_cilium.migration.options import Limits
from eks_cilium.migration.plan.model import Code, PodPlan, Verdict
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions
from tests.program.plan.builders import NOW, World, can_be_drained

pytestmark = pytest.mark.unit


def judged(facts: Facts, pod: Pod, **allow: object) -> PodPlan:
    result = plan(facts, MigrationOptions(allow=Allow(**allow)))
    return next(planned for node in result.nodes for planned in node.pods if planned.pod == pod.reference)


def codes(facts: Facts, options: MigrationOptions | None = None) -> list[str]:
    return [str(blocker.code) for blocker in plan(facts, options).blockers]


EVERYTHING = ("*/*",)


@pytest.mark.parametrize("kind", ["ReplicaSet", "ReplicationController", "StatefulSet", "Job", "Workflow"])
def test_a_pod_with_a_controller_is_evicted(kind):
    world = World()
    pod = world.pod("one", owner=world.owner(kind, "it", 2))

    assert judged(world.facts(), pod).verdict is Verdict.EVICT


def test_a_pod_of_a_daemon_set_stays():
    world = World()
    pod = world.pod("one", owner=world.owner("DaemonSet", "agent"))

    assert judged(world.facts(), pod).verdict is Verdict.SKIP


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_an_ended_pod_of_a_daemon_set_is_evicted_without_any_exception(phase):
    world = World()
    pod = world.pod("one", owner=world.owner("DaemonSet", "agent"), phase=phase, ready=False)

    assert judged(world.facts(), pod).verdict is Verdict.EVICT


def test_a_pod_whose_daemon_set_was_deleted_blocks_until_it_may_be_lost():
    world = World()
    owner = world.owner("DaemonSet", "agent")
    pod = world.pod("one", owner=owner)
    del world.owners[owner.reference]

    assert judged(world.facts(), pod).verdict is Verdict.REFUSE
    assert codes(world.facts()) == [Code.DAEMON_SET_GONE]
    assert judged(world.facts(), pod, bare_pods=EVERYTHING).verdict is Verdict.EVICT


def test_a_daemon_set_pod_with_local_storage_stays_and_loses_nothing():
    world = World()
    pod = world.pod("one", owner=world.owner("DaemonSet", "agent"), local_volumes=("cache",))

    assert judged(world.facts(), pod).verdict is Verdict.SKIP
    assert codes(world.facts()) == []


def test_a_bare_pod_blocks_until_it_may_be_lost():
    world = World()
    pod = world.pod("one")

    assert judged(world.facts(), pod).verdict is Verdict.REFUSE
    assert codes(world.facts()) == [Code.BARE_POD]
    assert judged(world.facts(), pod, bare_pods=("shop/one",)).verdict is Verdict.EVICT


def test_a_bare_pod_with_local_storage_needs_both_exceptions():
    world = World()
    pod = world.pod("one", local_volumes=("cache",))

    assert sorted(codes(world.facts())) == [Code.BARE_POD, Code.LOCAL_STORAGE]
    assert judged(world.facts(), pod, bare_pods=EVERYTHING).verdict is Verdict.REFUSE
    assert judged(world.facts(), pod, local_storage=EVERYTHING).verdict is Verdict.REFUSE
    both = judged(world.facts(), pod, bare_pods=EVERYTHING, local_storage=EVERYTHING)
    assert both.verdict is Verdict.EVICT


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("owned", [True, False])
def test_an_ended_pod_has_nothing_left_to_lose(phase, owned):
    world = World()
    owner = world.owner("Job", "it") if owned else None
    pod = world.pod("one", owner=owner, phase=phase, ready=False, local_volumes=("cache",))

    assert judged(world.facts(), pod).verdict is Verdict.EVICT
    assert codes(world.facts()) == []


def test_a_job_with_local_storage_is_evicted_when_that_is_allowed():
    world = World()
    pod = world.pod("one", owner=world.owner("Job", "it"), local_volumes=("scratch",))

    assert judged(world.facts(), pod).verdict is Verdict.REFUSE
    assert judged(world.facts(), pod, local_storage=("shop/it",)).verdict is Verdict.EVICT


def test_a_static_pod_stays():
    world = World()
    pod = world.pod("one", mirror=True, local_volumes=("cache",))

    assert judged(world.facts(), pod).verdict is Verdict.SKIP


def test_an_empty_node_has_no_pods_and_no_findings():
    result = plan(World(1).facts())

    assert result.clean
    assert result.nodes[0].pods == ()
    assert can_be_drained(result.nodes[0])


@pytest.mark.parametrize(
    ("age", "limit", "verdict"),
    [
        (0, 20, Verdict.WAIT),
        (1, 20, Verdict.WAIT),
        (100, 20, Verdict.SKIP),
        (100, None, Verdict.WAIT),
        (-30, 20, Verdict.WAIT),
    ],
)
def test_a_terminating_pod_is_waited_for_until_it_is_overdue(age, limit, verdict):
    world = World()
    pod = world.pod("one", deleted=NOW - timedelta(seconds=age), local_volumes=("cache",))

    result = plan(world.facts(), limits=Limits(terminating=limit))

    assert result.clean
    assert result.nodes[0].pods[0].pod == pod.reference
    assert result.nodes[0].pods[0].verdict is verdict


def test_the_workload_of_a_pod_is_the_deployment_people_wrote():
    world = World()
    (pod,) = world.deployment("web", [0])

    assert str(judged(world.facts(), pod).workload) == "Deployment shop/web"


def test_exceptions_reach_the_objects_they_name_and_no_others():
    world = World()
    world.deployment("web", [0], local_volumes=("cache",))
    world.deployment("api", [1], local_volumes=("cache",))

    result = plan(world.facts(), MigrationOptions(allow=Allow(local_storage=("shop/web",))))

    (blocker,) = result.blockers
    assert str(blocker.object) == "Deployment shop/api"
    assert blocker.nodes == ("node-1",)


def test_a_blocker_names_object_numbers_way_out_and_setting():
    world = World()
    world.deployment("web", [0, 1, 1], local_volumes=("cache", "tmp"))

    (blocker,) = plan(world.facts()).blockers

    assert blocker.problem == "data in emptyDir volumes (cache, tmp) of 3 pods would be lost"
    assert blocker.nodes == ("node-0", "node-1")
    assert len(blocker.pods) == 3
    assert blocker.setting == 'migration.allow.localStorage: ["shop/web"] (the data is lost)'
    assert blocker.allowed
    assert blocker.fix


def test_moves_that_cost_something_are_warnings():
    world = World()
    world.deployment("only", [0])
    world.pod("batch", owner=world.owner("Job", "batch"))
    world.deployment("still", [1, 2], annotations={"karpenter.sh/do-not-disrupt": "true"})
    world.deployment("stubborn", [1, 2], tolerates_cordon=True)
    world.deployment("slow", [1, 2], grace_seconds=3600)
    world.deployment("held", [1, 2], finalizers=("shop/backup", "batch.kubernetes.io/job-tracking"))

    result = plan(world.facts(), MigrationOptions(allow=Allow(do_not_disrupt=("shop/still",))))

    assert result.clean
    assert {(str(warning.code), warning.object.name) for warning in result.warnings} == {
        ("singleton", "only"),
        ("work-lost", "batch"),
        ("asks-to-stay", "still"),
        ("comes-back", "stubborn"),
        ("long-grace", "slow"),
        ("finalizers", "held"),
    }
    assert "2 pods may stay Terminating until the finalizers are removed: shop/backup" in {
        warning.text for warning in result.warnings
    }
