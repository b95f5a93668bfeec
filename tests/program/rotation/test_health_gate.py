"""The gate between nodes: whatever owns the pods that moved, as many of them are ready as before."""

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.rotation import steps
from eks_cilium.migration.rotation.before import Before as RecordedBefore
from eks_cilium.runtime.errors import StoppedError, TimedOutError
from eks_cilium.settings.model.migration import Allow

from .migrations import Before, Stack, options, run
from .simulation.api_server import Object
from .simulation.custom_kinds import CustomKind
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation

KINDS = [
    ("CloneSet", "apps.kruise.io/v1alpha1", "replicas", True),
    ("StrimziPodSet", "core.strimzi.io/v1beta2", "pods", False),
    ("Cluster", "postgresql.cnpg.io/v1", "instances", True),
]
ELSEWHERE = {"nodeSelector": {"disk": "fast"}}


def old_nodes(simulation: Simulation) -> list[str]:
    return [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]


def node_of(simulation: Simulation, app: str) -> str:
    """An old node with a pod of an application."""
    names = old_nodes(simulation)
    found = [pod["spec"]["nodeName"] for pod in simulation.api.of(PODS, "shop") if _is_of(pod, app)]
    return next(name for name in found if name in names)


def _is_of(pod: Object, app: str) -> bool:
    return bool(pod["metadata"].get("labels", {}).get("app") == app)


def prepared(simulation: Simulation, **chosen: object) -> Stack:
    stack = Stack(simulation, options(**chosen))
    stack.up(until="ip-")
    return stack


@pytest.mark.parametrize(("kind", "version", "field", "scalable"), KINDS)
def test_pods_of_an_unknown_kind_that_do_not_come_back_stop_the_run(
    kind: str, version: str, field: str, scalable: bool
):
    simulation = Simulation(workers=3)
    custom = CustomKind(simulation, kind, version, replicas=field, scalable=scalable)
    custom.deploy("kafka", 3)
    prepared(simulation)
    name = node_of(simulation, "kafka")
    custom.works = False

    with pytest.raises(TimedOutError, match=rf"{kind} shop/kafka has 2 of 3 pods ready"):
        steps.rotate_node(run(simulation.world()), name)


def test_pods_of_an_unknown_kind_that_come_back_do_not_hold_the_run():
    simulation = Simulation(workers=3)
    CustomKind(simulation).deploy("clone", 4)
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


@pytest.mark.parametrize(("kind", "version", "field", "scalable"), KINDS)
def test_an_unknown_kind_that_was_scaled_down_on_purpose_is_not_worse_off(
    kind: str, version: str, field: str, scalable: bool
):
    simulation = Simulation(workers=3)
    custom = CustomKind(simulation, kind, version, replicas=field, scalable=scalable)
    owner = custom.deploy("clone", 3)
    prepared(simulation)
    name = node_of(simulation, "clone")
    custom.works = False
    simulation.controllers.append(lambda: custom.scale(owner, 2))

    steps.rotate_node(run(simulation.world()), name)


def test_an_unknown_kind_that_was_deleted_is_not_worse_off():
    simulation = Simulation(workers=3)
    custom = CustomKind(simulation)
    owner = custom.deploy("clone", 3)
    prepared(simulation)
    name = node_of(simulation, "clone")
    custom.works = False
    simulation.controllers.append(lambda: simulation.api.remove(custom.collection, owner))

    steps.rotate_node(run(simulation.world()), name)


def test_pods_that_run_to_completion_or_on_one_node_only_are_not_waited_for():
    simulation = Simulation(workers=3)
    stack = prepared(simulation)
    name = old_nodes(simulation)[0]
    owner = {"apiVersion": "x.io/v1", "kind": "Workflow", "name": "w", "uid": "w-1", "controller": True}
    daemon = {"apiVersion": "x.io/v1", "kind": "NodeAgent", "name": "d", "uid": "d-1"}
    fields = [{"key": "metadata.name", "operator": "In", "values": [name]}]
    required = {"nodeSelectorTerms": [{"matchFields": fields}]}
    pinned = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    simulation.run("work", name, metadata={"ownerReferences": [owner]}, spec={"restartPolicy": "OnFailure"})
    simulation.run(
        "agent",
        name,
        metadata={"ownerReferences": [{**daemon, "controller": True}]},
        spec={"affinity": pinned, "tolerations": [{"operator": "Exists"}]},
    )

    steps.rotate_node(run(simulation.world()), name)
    stack.up()


def test_the_message_names_pods_that_found_no_node_in_the_words_of_the_scheduler():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 4)
    prepared(simulation)
    name = node_of(simulation, "cart")
    for replica_set in simulation.api.of("/apis/apps/v1/replicasets"):
        replica_set["spec"]["template"]["spec"] = ELSEWHERE

    with pytest.raises(TimedOutError, match=r"no node for shop/cart-1-\d: 0/4 nodes .*selector"):
        steps.rotate_node(run(simulation.world(), options(pending_timeout_seconds=30)), name)


def test_a_node_whose_pods_find_no_other_node_is_not_terminated_and_gets_them_back():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 1)
    prepared(simulation)
    name = node_of(simulation, "cart")
    node = simulation.node(name)
    assert node is not None
    node["metadata"]["labels"]["disk"] = "fast"
    for replica_set in simulation.api.of("/apis/apps/v1/replicasets"):
        replica_set["spec"]["template"]["spec"] = ELSEWHERE
    given = options(pending_timeout_seconds=30)

    with pytest.raises(TimedOutError, match="successors of the pods of node"):
        steps.rotate_node(run(simulation.world(), given), name)

    assert not is_cordoned(node)
    assert simulation.cloud.undrained == []
    simulation.clock.sleep(5)
    assert sum(_is_of(pod, "cart") for pod in simulation.pods_on(name)) > 0


def test_no_further_node_is_cordoned_while_pods_of_a_node_in_work_have_no_node():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 6)
    prepared(simulation)
    first, second = old_nodes(simulation)[:2]
    for replica_set in simulation.api.of("/apis/apps/v1/replicasets"):
        replica_set["spec"]["template"]["spec"] = ELSEWHERE
    with pytest.raises(TimedOutError):
        steps.rotate_node(run(simulation.world(), options(pending_timeout_seconds=30)), first)

    with pytest.raises(
        StoppedError, match=r"no node for more than 30 s on account of the migration: no node for shop/cart"
    ):
        steps.rotate_node(run(simulation.world(), options(pending_timeout_seconds=30)), second)

    assert not any(is_cordoned(node) for node in simulation.nodes())


def test_pods_that_may_stay_pending_hold_nothing():
    simulation = Simulation(workers=3)
    simulation.deploy("gpu", 4)
    prepared(simulation)
    name = node_of(simulation, "gpu")
    for replica_set in simulation.api.of("/apis/apps/v1/replicasets"):
        replica_set["spec"]["template"]["spec"] = ELSEWHERE

    steps.rotate_node(run(simulation.world(), options(allow=Allow(stranded_pods=("shop/gpu*",)))), name)


def test_pods_that_were_pending_before_the_cordon_hold_nothing():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 4)
    simulation.deploy("huge", 1, pod=ELSEWHERE)
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


def test_what_an_earlier_release_recorded_of_a_node_is_still_read():
    kept = RecordedBefore.from_json({"uid": "u", "ready": {"Deployment/shop/web": 3}})

    assert (kept.uid, kept.custom, kept.attachments, kept.addresses) == ("u", (), (), ())


def test_pods_of_other_workloads_that_a_cordon_keeps_from_their_node_hold_the_next_cordon():
    """Their workload had no pod on a node in work, but the cordoned node is the one that suits them."""
    simulation = Simulation(workers=3)
    simulation.deploy("web", 3, maxUnavailable=1)
    prepared(simulation, surge=2)
    first, second = old_nodes(simulation)[:2]
    cordoned = simulation.node(first)
    assert cordoned is not None
    cordoned["metadata"]["labels"]["disk"] = "fast"
    marks.cordon(simulation.world().api, cordoned)
    simulation.deploy("fast", 1, pod=ELSEWHERE)
    simulation.deploy("impossible", 1, pod={"nodeSelector": {"disk": "none"}})
    given = options(surge=2, parallel=2, pending_timeout_seconds=30)

    with pytest.raises(StoppedError, match=r"no node for shop/fast-1-0: [^;]*unschedulable\.\n"):
        steps.rotate_node(run(simulation.world(), given), second)


def test_pods_of_a_job_that_find_no_other_node_keep_theirs():
    simulation = Simulation(workers=3)
    prepared(simulation)
    name = old_nodes(simulation)[0]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": "w", "controller": True}
    metadata = {"labels": {"app": "work"}, "ownerReferences": [owner]}
    simulation.run("work-1", name, metadata=dict(metadata))

    def recreate() -> None:
        if simulation.api.find(PODS, "shop", "work-1") is None and not simulation.api.find(
            PODS, "shop", "work-2"
        ):
            pod = {
                "metadata": {"name": "work-2", "namespace": "shop", **metadata},
                "status": {"phase": "Pending"},
            }
            simulation.api.put(PODS, {**pod, "spec": {"containers": [], **ELSEWHERE}})

    simulation.controllers.append(recreate)

    with pytest.raises(TimedOutError, match="no node for shop/work-2"):
        steps.rotate_node(run(simulation.world(), options(pending_timeout_seconds=30)), name)

    assert simulation.node(name) is not None
