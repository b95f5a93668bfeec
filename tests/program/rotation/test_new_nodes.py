"""What a new node needs before pods are moved to it, besides an agent that is ready."""

from typing import Any

import pytest

from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.agents.start_up_taints import keeping_pods_away
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.settings.model.migration import Target

from .migrations import Before, Stack, options
from .simulation.api_server import Object
from .simulation.controllers import CILIUM_NODES
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

NO_ADDRESSES = "InsufficientFreeAddressesInSubnet: The specified subnet does not have enough free addresses"


@pytest.fixture
def simulation() -> Simulation:
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    return simulation


def taint(key: str, effect: str = "NoExecute") -> Object:
    return {"key": key, "effect": effect}


def lift(simulation: Simulation, seconds: float) -> None:
    """Start-up taints are removed so long after a node has joined."""
    inner = simulation.clock.tick
    seen: dict[str, float] = {}
    keys = {each["key"] for each in simulation.start_up_taints}

    def tick() -> None:
        inner()
        for node in simulation.nodes():
            began = seen.setdefault(node["metadata"]["name"], simulation.clock.seconds)
            if simulation.clock.seconds - began >= seconds:
                node["spec"]["taints"] = [
                    each for each in node["spec"].get("taints") or () if each["key"] not in keys
                ]

    simulation.clock.tick = tick


@pytest.mark.parametrize(
    "found",
    [
        taint("ebs.csi.aws.com/agent-not-ready"),
        taint("efs.csi.aws.com/agent-not-ready", "NoSchedule"),
        taint("example.com/gpu-driver-missing", "NoSchedule"),
    ],
)
def test_a_node_with_a_start_up_taint_takes_no_pods_yet(simulation: Simulation, found: Object) -> None:
    simulation.start_up_taints = [found]

    with pytest.raises(TimedOutError, match=f"taint {found['key']}:{found['effect']} keeps pods off ip-"):
        Stack(simulation, options()).up()

    assert simulation.api.evictions == []


def test_pods_move_when_the_start_up_taint_is_gone(simulation: Simulation) -> None:
    before = Before(simulation)
    simulation.start_up_taints = [taint("ebs.csi.aws.com/agent-not-ready")]
    lift(simulation, 20)

    Stack(simulation, options()).up()

    before.check_replaced()


def test_a_taint_that_every_old_node_of_the_group_has_is_no_start_up_taint(simulation: Simulation) -> None:
    dedicated = taint("dedicated", "NoSchedule")
    for node in simulation.nodes():
        node["spec"].setdefault("taints", []).append(dict(dedicated))
    simulation.start_up_taints = [dedicated]
    stack = Stack(simulation, options())

    stack.up(until="ip-")

    new = next(node for node in simulation.nodes() if "cni-plugin" not in node["metadata"]["labels"])
    assert dedicated in new["spec"]["taints"]


def test_a_soft_taint_keeps_no_pods_away(simulation: Simulation) -> None:
    simulation.start_up_taints = [taint("example.com/busy", "PreferNoSchedule")]

    Stack(simulation, options()).up(until="ip-")


GROUP = "eks.amazonaws.com/nodegroup"
EBS = taint("ebs.csi.aws.com/agent-not-ready")
DEDICATED = taint("dedicated", "NoSchedule")


def node(*taints: Object, group: str = "") -> Object:
    labels = {GROUP: group} if group else {}
    return {"metadata": {"name": "n", "labels": labels}, "spec": {"taints": list(taints)}}


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (node(DEDICATED, group="gpu"), [node(DEDICATED, group="gpu"), node(group="general")], ""),
        (
            node(DEDICATED, group="general"),
            [node(DEDICATED, group="gpu"), node(group="general")],
            "dedicated",
        ),
        (node(DEDICATED), [node(DEDICATED), node()], ""),  # which group they are of is not known
        (node(EBS), [node(EBS), node()], "ebs"),  # an old node on which the driver does not run
        (node(EBS), [node(EBS), node(EBS)], ""),  # a driver that never removes it
        (node(EBS), [], "ebs"),
        (node(DEDICATED), [], ""),
        (node(taint("node.kubernetes.io/unschedulable", "NoSchedule")), [node()], ""),  # a cordon
    ],
)
def test_which_taints_keep_pods_away_for_now(new: Object, old: list[Object], said: str) -> None:
    assert keeping_pods_away(new, old).startswith(said)
    assert bool(keeping_pods_away(new, old)) is bool(said)


# Addresses


def ciliums(pool: int, used: int = 0, error: str = "") -> dict[str, Any]:
    addresses: Object = {f"10.0.0.{number}": {} for number in range(pool)}
    taken: Object = dict(list(addresses.items())[:used])
    operator = {"error": error} if error else {}
    return {
        "spec": {"ipam": {"pool": addresses} if pool else {}},
        "status": {"ipam": {"used": taken, "operator-status": operator}},
    }


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ciliums(0), "Cilium has no addresses for pods"),
        (ciliums(0, error=NO_ADDRESSES), f"Cilium has no addresses for pods: {NO_ADDRESSES}"),
        (ciliums(4, used=4), "Cilium has no free address for pods, 4 of 4 are in use"),
        (ciliums(4, used=2, error=NO_ADDRESSES), f"Cilium gets no more addresses for pods: {NO_ADDRESSES}"),
    ],
)
def test_a_node_without_addresses_takes_no_pods(
    simulation: Simulation, found: dict[str, Any], said: str
) -> None:
    simulation.cilium_node = found

    with pytest.raises(TimedOutError, match=said):
        Stack(simulation, options()).up()

    assert simulation.api.evictions == []


def test_a_node_that_gets_its_addresses_late_is_waited_for(simulation: Simulation) -> None:
    before = Before(simulation)
    simulation.cilium_node = ciliums(0)
    inner = simulation.clock.tick

    def fill() -> None:
        inner()
        for each in simulation.api.of(CILIUM_NODES):
            if int(simulation.clock.seconds) % 20 == 0:
                each.update(ciliums(8, used=1))

    simulation.clock.tick = fill
    Stack(simulation, options()).up()

    before.check_replaced()


def test_an_older_node_whose_addresses_are_all_in_use_still_serves(simulation: Simulation) -> None:
    Stack(simulation, options()).up(until="ip-")
    simulation.clock.sleep(1000)
    for each in simulation.api.of(CILIUM_NODES):
        each.update(ciliums(4, used=4, error=NO_ADDRESSES))
    world = simulation.world()
    members = world.groups.group("workers").members
    gate = CniGate(world, Target.CILIUM)
    new = [
        member for member in members if "cni-plugin" not in gate.nodes[member.instance]["metadata"]["labels"]
    ]

    assert [gate.not_serving(member) for member in new] == [""]


def test_cilium_nodes_of_other_address_modes_are_not_judged(simulation: Simulation) -> None:
    simulation.cilium_node = {"spec": {"ipam": {"podCIDRs": ["10.9.0.0/24"]}}}

    Stack(simulation, options()).up(until="ip-")
