"""Each case file with the right value, in a migration and, where it matters, in a refresh."""

import pytest

from eks_cilium.migration.facts import pods
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.plan.model import Verdict
from tests.program.plan.cases.loader import FOLDER, codes_of, load, named, pods_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_case_file_can_be_planned_in_both_modes(path):
    case = load(path)

    for attempt in case.attempts:
        assert case.plan(**attempt).cluster == "shop"
        assert case.refresh(**attempt).cluster == "shop"


def test_daemon_sets_of_other_groups_are_skipped_whatever_is_permitted():
    case = named("daemon-sets-of-other-groups")

    first, permitted = (pods_of(planned) for planned in case.plans())

    staying = [
        "dns/node-dns-0",
        "dns/node-dns-1",
        "dns/node-dns-2",
        "datadog/datadog-agent-x",
        "probes/probe-x",
    ]
    assert {name: first[name].verdict for name in staying} == dict.fromkeys(staying, Verdict.SKIP)
    assert {name: permitted[name].verdict for name in staying} == dict.fromkeys(staying, Verdict.SKIP)
    assert first["dns/node-dns-0"].reason == "DaemonSet.apps.kruise.io dns/node-dns runs it on every node"
    assert codes_of(case.plan())[0] == ["daemon-set-gone"]
    assert permitted["probes/orphan-x"].verdict is Verdict.EVICT


def test_a_refresh_restarts_daemon_sets_of_other_groups_pod_by_pod():
    result = named("daemon-sets-of-other-groups").refresh()

    restarted = {str(planned.workload): (planned.method, planned.at_once) for planned in result.workloads}
    assert restarted["DaemonSet.apps.kruise.io dns/node-dns"] == ("evict", 1)
    assert [str(pod) for pod in result.bare] == ["Pod probes/orphan-x"]


def test_kinds_of_other_groups_are_not_taken_for_those_of_kubernetes():
    case = named("kinds-of-the-same-name")
    found = pods_of(case.plan())

    assert str(found["shop/queue-0"].workload) == "StatefulSet.apps.kruise.io shop/queue"
    assert str(found["shop/api-0"].workload) == "Deployment.apps.example.com shop/api"
    assert {pod.verdict for pod in found.values()} == {Verdict.EVICT}
    assert codes_of(case.plan()) == ([], ["work-ended"])
    assert [str(pod) for pod in case.refresh().jobs] == ["Pod shop/training-worker-0"]


def test_a_volume_that_one_node_can_have_is_local_storage_whatever_its_driver():
    result = named("volumes-of-one-node").plan()

    assert {blocker.object.name: str(blocker.code) for blocker in result.blockers} == {
        "lvm": "local-volume",
        "zfs": "local-volume",
        "serial": "local-volume",
    }
    assert pods_of(result)["shop/block-0"].verdict is Verdict.EVICT


def test_a_drain_finds_the_same_volumes_local_as_the_plan():
    case = named("volumes-of-one-node")
    reader = BackingReader(case.api)

    local = {
        name: any(volume and volume.local for volume in backing.volumes_of(pod))
        for obj in case.api.list("/api/v1/pods")
        if (pod := pods.pod(obj)) and (backing := reader.of([obj])) and (name := pod.name)
    }

    assert local == {"lvm-0": True, "zfs-0": True, "serial-0": True, "block-0": False}


def test_a_group_of_each_zone_blocks_nothing():
    assert named("group-of-each-zone").plan().clean


def test_jobs_that_do_not_try_again_are_named_with_the_reason():
    result = named("jobs-that-fail-for-good").plan()

    fatal = {str(found.object): found.text for found in result.warnings if found.code == "job-fails"}
    assert result.clean
    assert {name: text.rpartition("(")[2].rstrip(")") for name, text in fatal.items()} == {
        "Job shop/no-retry": "backoffLimit: 0",
        "Job shop/last-retry": "backoffLimit: 2, after 2 failures",
        "Job shop/by-policy": "its podFailurePolicy says FailJob",
        "Job shop/by-code": "its podFailurePolicy says FailJob",
        "Job shop/by-index": "backoffLimitPerIndex: 0",
        "Job shop/report-1": "backoffLimit: 0",
    }
    again = {str(found.object) for found in result.warnings if found.code == "work-lost"}
    assert again == {"Job shop/ignores", "Job shop/usual"}


def test_work_of_other_kinds_is_treated_like_that_of_jobs():
    case = named("work-of-other-kinds")

    ended = {str(found.object) for found in case.plan().warnings if found.code == "work-ended"}
    assert ended == {"TaskRun shop/build", "Workflow shop/etl", "Pod shop/driver"}
    refresh = case.refresh()
    assert {pod.name for pod in refresh.jobs} == {"build-1", "etl-step", "exec-1"}
    assert [str(planned.workload) for planned in refresh.workloads] == ["StrimziPodSet shop/kafka"]


def test_pods_that_serve_mounts_are_waited_for_whatever_is_permitted():
    for planned in named("pods-that-serve-mounts").plans():
        found = pods_of(planned)
        waited = {name for name, pod in found.items() if pod.verdict is Verdict.WAIT}
        assert waited == {"mount-s3/mp-1", "storage/volume-server", "kube-system/jfs-1"}
        assert found["mount-s3/mp-2"].verdict is Verdict.EVICT
        assert {blocker.object.name for blocker in planned.blockers} <= {"alone"}


def test_a_refresh_leaves_pods_that_serve_mounts_whatever_is_permitted():
    case = named("pods-that-serve-mounts")

    for result in (case.refresh(), case.refresh(allow={"bare_pods": ["*/*"]})):
        assert {"mp-1", "volume-server", "jfs-1"} <= {pod.name for pod in result.bare}
        assert codes_of(result)[1].count("serves-mounts-left") == 3


@pytest.mark.parametrize("mode", ["plan", "refresh"])
def test_scratch_volumes_are_no_reason_against_a_pod(mode):
    case = named("scratch-volumes")

    first, permitted = (getattr(case, mode)(**attempt) for attempt in case.attempts)

    refused = {blocker.object.name for blocker in first.blockers}
    assert refused == {"partly", "injected", "kept"}
    assert {blocker.object.name for blocker in permitted.blockers} == {"partly", "kept"}
    (partly,) = (blocker for blocker in first.blockers if blocker.object.name == "partly")
    assert "in emptyDir volumes (data)" in partly.problem


def test_a_pod_that_says_it_is_safe_to_evict_may_go_without_a_controller():
    result = named("scratch-volumes").plan()

    assert pods_of(result)["shop/debug"].verdict is Verdict.EVICT
    assert ("pod-lost", "debug") in {(str(found.code), found.object.name) for found in result.warnings}


def test_sockets_and_scratch_of_stock_add_ons_are_no_refusals():
    result = named("stock-add-ons").plan()

    assert [blocker.object.name for blocker in result.blockers] == ["importer"]


def test_a_budget_that_counts_a_job_is_refused_with_the_pod_and_with_advice_that_helps():
    first, permitted = named("budget-that-counts-a-job").plans()

    (blocker,) = first.blockers
    assert "jobs.batch does not implement the scale subresource (pod db-init-7x of Job shop/db-init)" in str(
        blocker
    )
    assert blocker.fix == (
        "narrow its selector so that it does not cover pod db-init-7x, or delete what has ended: "
        "kubectl delete pod --namespace shop db-init-7x"
    )
    assert permitted.clean


def test_a_roll_out_whose_extra_pod_has_no_node_is_replaced_by_evictions():
    result = named("roll-outs-without-a-node").refresh()

    chosen = {planned.workload.name: (planned.method, planned.reason) for planned in result.workloads}
    assert chosen["spread"] == ("evict", "its pods must not share a node, and there are 3 for 3 pods")
    assert chosen["beside"] == ("evict", "its pods must not share a node, and there are 2 for 2 pods")
    assert chosen["zonal"][0] == "evict"
    assert chosen["model"] == ("evict", "no node has 1 nvidia.com/gpu left for an extra pod")
    assert chosen["roomy"][0] == "roll out"
    assert chosen["hashed"][0] == "roll out"
    assert chosen["plain"][0] == "roll out"


def test_data_in_directories_of_a_node_is_a_warning():
    case = named("host-paths")

    for result in (case.plan(), case.refresh()):
        (found,) = (found for found in result.warnings if found.code == "data-stays")
        assert found.object.name == "store"
        assert found.text.endswith("directories of their node, which stays behind: /srv/store")


def test_pods_that_ask_not_to_be_disrupted_block_until_they_may_be():
    first, permitted = named("do-not-disrupt").plans()

    assert {blocker.object.name for blocker in first.blockers} == {"always", "old", "unsafe", "long-run"}
    assert {str(blocker.code) for blocker in first.blockers} == {"do-not-disrupt"}
    (long,) = (blocker for blocker in first.blockers if blocker.object.name == "long-run")
    assert "karpenter.sh/do-not-disrupt: 4h30m, 9000 s more" in long.problem
    assert long.fix.startswith("run it again after 9000 s, or raise migration.drainTimeoutSeconds above that")
    assert permitted.clean
    asks = {found.object.name for found in permitted.warnings if found.code == "asks-to-stay"}
    assert asks == {"always", "old", "unsafe", "long-run", "rather-not", "cluster-autoscaler"}


def test_a_drain_waits_for_a_request_that_passes_in_time_and_ignores_others():
    found = pods_of(named("do-not-disrupt").plan())

    assert found["shop/soon-over-0"].verdict is Verdict.WAIT
    assert found["shop/over-0"].verdict is Verdict.EVICT
    assert found["shop/wrong-0"].verdict is Verdict.EVICT
    hurried = pods_of(named("do-not-disrupt").plan(drain_timeout_seconds=300))
    assert hurried["shop/soon-over-0"].verdict is Verdict.REFUSE


def test_a_refresh_restarts_no_pod_that_asks_not_to_be_disrupted():
    result = named("do-not-disrupt").refresh()

    assert {blocker.object.name for blocker in result.blockers} == {
        *("always", "old", "unsafe", "long-run", "soon-over")
    }
    assert result.blockers[0].setting.startswith('refresh.allow.doNotDisrupt: ["shop/')


def test_budgets_that_operators_open_are_waited_for_and_those_of_primaries_need_a_permission():
    never, awaited, bypassed = named("budgets-of-operators").plans()

    assert {blocker.object.name: str(blocker.code) for blocker in never.blockers} == {
        "pg-primary": "budget-never-allows",
        "postgres-acid-pdb": "budget-never-allows",
    }
    assert all("migration.allow.awaitedBudgets" in blocker.setting for blocker in never.blockers)
    assert {found.object.name for found in never.warnings if found.code == "budget-closed"} == {
        "es-default",
        "osd-host-0",
        "kafka",
    }
    assert awaited.clean
    assert {pod.verdict for pod in pods_of(awaited).values()} == {Verdict.EVICT}
    assert {pod.verdict for pod in pods_of(bypassed).values()} == {Verdict.DELETE}
