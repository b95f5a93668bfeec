"""One node's replacement while the cluster and its groups change."""

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.capacity import autoscaler
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.runtime.errors import DrainRefusedError, StoppedError, TimedOutError
from eks_cilium.runtime.record import AUTOSCALER
from eks_cilium.settings.model.migration import Allow, Capacity, Target

from .migrations import Before, Stack, options, run, sizes
from .simulation.world import PODS, Simulation

pytestmark = pytest.mark.simulation


def shop(**groups: int) -> Simulation:
    simulation = Simulation(**(groups or {"workers": 3}))
    simulation.deploy("web", 4, maxUnavailable=1)
    simulation.deploy("api", 3, minAvailable="50%")
    return simulation


def first_old(simulation: Simulation) -> str:
    return simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"]


@pytest.mark.parametrize(
    ("capacity", "surge"),
    [(Capacity.SURGE, 1), (Capacity.SURGE, 2), (Capacity.DECREMENT, 3), (Capacity.DECREMENT, 1)],
)
def test_every_node_is_replaced_and_everything_else_is_as_before(capacity: Capacity, surge: int):
    simulation = shop()
    before = Before(simulation)

    Stack(simulation, options(capacity=capacity, surge=surge)).up()

    before.check_replaced()


def test_two_groups_keep_their_own_sizes():
    simulation = shop(workers=3, others=2)
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


def test_a_second_run_after_a_finished_one_changes_nothing():
    simulation = shop()
    stack = Stack(simulation, options(), forgetful=True)
    stack.up()
    instances = set(simulation.cloud.instances)
    simulation.api.evictions.clear()

    stack.up()

    assert set(simulation.cloud.instances) == instances
    assert simulation.api.evictions == []


def test_the_replacement_is_up_before_the_first_drain():
    simulation = shop()
    Stack(simulation, options()).up(until="ip-")

    assert len([node for node in simulation.nodes() if "cni-plugin" not in node["metadata"]["labels"]]) == 1
    assert simulation.api.evictions == []


def test_no_replacement_no_drain():
    """The launch fails: the old nodes are not cordoned, and AWS's own words are passed on."""
    simulation = shop()
    before = Before(simulation)
    simulation.cloud.no_capacity = True
    stack = Stack(simulation, options())

    with pytest.raises(TimedOutError, match="do not have sufficient"):
        stack.up()

    assert simulation.api.evictions == []
    before.check()
    simulation.cloud.no_capacity = False
    stack.up()
    before.check_replaced()


def test_an_agent_that_does_not_get_ready_holds_the_drain_back():
    simulation = shop()
    simulation.agents_work = False

    with pytest.raises(TimedOutError, match=r"agent cilium-ip-\S+ on \S+ is not ready"):
        Stack(simulation, options()).up()

    assert simulation.api.evictions == []


def test_a_drain_that_fails_half_way_uncordons_and_the_next_run_completes():
    """On node 2 of 3 a budget allows no disruption until the test changes it."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options(drain_timeout_seconds=20))
    stack.up(until=simulation.nodes()[2]["metadata"]["name"])
    name = first_old(simulation)
    stuck = simulation.run(
        "stuck",
        name,
        metadata={
            "finalizers": ["example.com/never"],
            "ownerReferences": [{"kind": "ReplicaSet", "name": "other", "controller": True}],
        },
    )

    with pytest.raises(TimedOutError, match="shop/stuck: terminating"):
        stack.up()

    assert not any(is_cordoned(node) for node in simulation.nodes())
    stuck["metadata"]["finalizers"] = []
    stack.up()
    before.check_replaced()


def test_a_node_that_must_not_be_drained_holds_up_that_node_alone():
    """It is not even cordoned; the run ends with the reason, and the next one replaces it."""
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = first_old(simulation)
    lonely = simulation.run("lonely", name)

    with pytest.raises(DrainRefusedError, match=rf"shop/lonely: nothing recreates it \(on {name}\)"):
        stack.up()

    assert [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})] == [name]
    assert not any(is_cordoned(node) for node in simulation.nodes())
    simulation.api.remove(PODS, lonely)
    stack.up()
    before.check_replaced()


def test_a_node_whose_blocker_has_gone_after_its_turn_is_left_to_the_next_run():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = first_old(simulation)
    lonely = simulation.run("lonely", name)
    stack.up(until="restore")
    simulation.api.remove(PODS, lonely)

    with pytest.raises(StoppedError, match=f"1 node not replaced, which could not be begun before: {name}"):
        restore.restore(run(simulation.world()))

    stack.up()
    before.check_replaced()


def test_a_node_uncordoned_by_hand_between_two_runs_is_cordoned_again():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    world, name = simulation.world(), first_old(simulation)
    node = simulation.node(name)
    assert node is not None
    marks.cordon(world.api, node)
    node["spec"].pop("unschedulable")

    stack.up()

    before.check_replaced()
    assert [event["node"] for event in simulation.journal if event["event"] == "cordoned"].count(name) == 1


def test_a_run_that_starts_while_an_instance_is_terminating_waits_for_it():
    simulation = shop()
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = first_old(simulation)
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    node = inventory.node(name)
    assert node is not None
    for pod in simulation.pods_on(name):
        simulation.api.remove(PODS, pod)
    simulation.world().groups.terminate(node.instance, decrement=False)
    simulation.clock.sleep(1)

    facts = steps.rotate_node(run(simulation.world()), name)

    assert (facts["evicted"], facts["decremented"]) == (0, False)
    assert simulation.node(name) is None
    simulation.violations.clear()  # of the pods taken away above
    stack.up()
    before.check_replaced()


def test_an_instance_terminated_by_the_user_meanwhile_counts_as_replaced():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    name = first_old(simulation)
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    node = inventory.node(name)
    assert node is not None
    group = simulation.cloud.groups["workers"]
    simulation.cloud.end(group, group.members[node.instance])
    simulation.clock.sleep(20)

    facts = steps.rotate_node(run(simulation.world()), name)

    assert facts["seconds"] == {"health": pytest.approx(0, abs=5)}
    stack.up()
    assert sizes(simulation)["workers"][:3] == (1, 3, 3)


def test_an_instance_detached_from_its_group_stops_the_run():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")
    inventory = recording.read(simulation.world(), Target.CILIUM)
    assert inventory is not None
    node = inventory.nodes[0]
    group = simulation.cloud.groups["workers"]
    del group.members[node.instance]
    group.desired -= 1

    with pytest.raises(StoppedError, match=f"{node.instance} of node {node.name} is no longer in"):
        steps.rotate_node(run(simulation.world()), node.name)

    assert not any(is_cordoned(node) for node in simulation.nodes())


@pytest.mark.parametrize("change", [-1, 1])
def test_a_group_resized_by_the_user_meanwhile_keeps_the_change(change: int):
    simulation = shop(workers=4)
    simulation.cloud.groups["workers"].maximum = 8
    before = Before(simulation)
    minimum, maximum, desired, suspended = before.groups["workers"]
    before.groups["workers"] = (minimum, maximum, desired + change, suspended)
    stack = Stack(simulation, options())
    stack.up(until=simulation.nodes()[1]["metadata"]["name"])
    simulation.cloud.groups["workers"].desired += change
    if change < 0:  # AWS ends one undrained: ours or not, it is not our doing
        simulation.clock.sleep(1)
        simulation.cloud.undrained.clear()
        simulation.clock.sleep(10)
        simulation.lost.clear()
        simulation.violations.clear()

    stack.up()

    if change < 0:
        simulation.violations.clear()
    before.check_replaced()


def test_processes_that_were_suspended_before_stay_suspended():
    simulation = shop()
    simulation.cloud.groups["workers"].suspended = {"AZRebalance", "HealthCheck"}
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()
    assert sizes(simulation)["workers"][3] == ("AZRebalance", "HealthCheck")


def test_a_group_at_its_minimum_is_refused_before_anything_is_cordoned():
    simulation = shop()
    simulation.cloud.groups["workers"].minimum = 3
    stack = Stack(simulation, options(capacity=Capacity.DECREMENT, surge=1))

    with pytest.raises(StoppedError, match=r"would go below its minimum: desired 3 - 1 < 3"):
        stack.up()

    assert not any(is_cordoned(node) for node in simulation.nodes())


def test_a_minimum_that_may_be_lowered_is_lowered_and_restored():
    simulation = shop()
    simulation.cloud.groups["workers"].minimum = 3
    before = Before(simulation)
    allow = Allow(lower_minimum=("workers",))

    Stack(simulation, options(capacity=Capacity.DECREMENT, surge=1, allow=allow)).up()

    before.check_replaced()


def test_a_surge_needs_no_lower_minimum():
    simulation = shop()
    group = simulation.cloud.groups["workers"]
    group.minimum = group.desired
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


def runs(simulation: Simulation, app: str, node: str) -> bool:
    return any(pod["metadata"]["name"].startswith(app) for pod in simulation.pods_on(node))


def test_workloads_are_as_healthy_as_before_before_the_next_node():
    simulation = Simulation(workers=3)
    simulation.deploy("cart", 4)
    Stack(simulation, options()).up(until="ip-")
    old = [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]
    name = next(name for name in old if runs(simulation, "cart", name))
    inner, began = simulation.clock.tick, simulation.clock.seconds

    def crash() -> None:
        """Every pod that started after the test began crashes."""
        inner()
        for pod in simulation.api.of(PODS, "shop"):
            if pod.get("boundAt", 0) > began:
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}

    simulation.clock.tick = crash

    with pytest.raises(TimedOutError, match=r"Deployment shop/cart has \d of 4 pods ready"):
        steps.rotate_node(run(simulation.world()), name)


def test_facts_and_journal_tell_the_seconds_of_every_phase():
    simulation = shop()
    stack = Stack(simulation, options())
    stack.up(until="ip-")

    facts = steps.rotate_node(run(simulation.world()), first_old(simulation))

    assert list(facts["seconds"]) == ["capacity", "drain", "release", "terminate", "gone", "health"]
    assert facts["evicted"] > 0
    assert [event["event"] for event in simulation.journal if event.get("node")][-1] == "replaced"


def test_the_cluster_autoscaler_leaves_all_nodes_alone_until_the_end():
    simulation = shop()
    simulation.deploy("cluster-autoscaler", 1, namespace="kube-system")
    before = Before(simulation)
    stack = Stack(simulation, options())
    stack.up(until="ip-")

    kept = [node["metadata"]["annotations"].get(autoscaler.ANNOTATION) for node in simulation.nodes()]
    assert kept == ["true"] * len(simulation.nodes())
    stack.up()

    before.check_replaced()
    assert not any(node["metadata"].get("annotations") for node in simulation.nodes())


def test_an_old_node_that_the_user_annotated_stays_so_where_it_is_not_replaced():
    simulation = shop()
    simulation.deploy("cluster-autoscaler", 1, namespace="kube-system")
    user, other = (node["metadata"] for node in simulation.nodes()[:2])
    user.setdefault("annotations", {})[autoscaler.ANNOTATION] = "true"
    world = simulation.world()
    world.record.put(AUTOSCALER, "Deployment kube-system/cluster-autoscaler")

    autoscaler.keep(world, simulation.nodes())
    assert other["annotations"][autoscaler.ANNOTATION] == "true"
    autoscaler.release(world, simulation.nodes(), {user["name"], other["name"]})

    assert user["annotations"] == {autoscaler.ANNOTATION: "true"}
    assert not other["annotations"]


def test_without_an_autoscaler_no_node_is_annotated():
    simulation = shop()
    Stack(simulation, options()).up()

    assert not any(node["metadata"].get("annotations") for node in simulation.nodes())


def test_the_sizes_of_a_managed_node_group_go_through_eks():
    simulation = shop()
    simulation.cloud.node_groups = True
    simulation.cloud.groups["workers"].maximum = 3
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()
    operations_called = {name for name, _ in simulation.cloud.calls}
    assert "update_nodegroup_config" in operations_called
    assert "update_auto_scaling_group" not in operations_called


def test_a_node_group_that_eks_is_at_work_on_is_waited_for():
    simulation = shop()
    simulation.cloud.node_groups = True
    simulation.cloud.busy_until["workers"] = simulation.clock.seconds + 30
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()


def leaving(simulation: Simulation) -> list[str]:
    """Nodes whose instances are being terminated."""
    return [
        node["metadata"]["name"]
        for node in simulation.nodes()
        if simulation.cloud.instances[node["spec"]["providerID"].rpartition("/")[2]] == "shutting-down"
    ]


def test_the_next_node_is_begun_while_the_instance_of_the_one_before_ends() -> None:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 3, maxUnavailable=1)
    simulation.cloud.end_seconds = 50
    before = Before(simulation)
    stack = Stack(simulation, options(surge=2), to_the_end=False)
    stack.up(until="ip-")
    ending: list[list[str]] = []
    simulation.api.before_write = lambda what: (
        ending.append(leaving(simulation)) if "/eviction" in what else None
    )

    stack.up()

    before.check_replaced()
    assert [] in ending
    assert max(map(len, ending)) >= 1
    assert leaving(simulation) == []


def test_a_node_whose_pods_end_with_it_is_waited_for_to_the_end() -> None:
    simulation = Simulation(workers=2)
    simulation.deploy("web", 2, maxUnavailable=1)
    stack = Stack(simulation, options(), to_the_end=False)
    stack.up(until="ip-")
    old = [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})]
    simulation.deploy("stays", 1, pod={"tolerations": [{"operator": "Exists"}], "nodeName": old[0]})

    steps.rotate_node(run(simulation.world(), options()), old[0], to_the_end=False)

    assert simulation.node(old[0]) is None


def test_a_run_that_is_killed_before_an_instance_has_ended_waits_for_it_in_the_end() -> None:
    simulation = Simulation(workers=2)
    simulation.deploy("web", 2, maxUnavailable=1)
    before = Before(simulation)
    stack = Stack(simulation, options(surge=2), to_the_end=False)
    simulation.cloud.end_seconds = 30
    stack.up(until="restore")
    assert leaving(simulation)
    simulation.restart()

    stack.up()

    before.check_replaced()
