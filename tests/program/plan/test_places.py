"""Whether an evicted pod can run again on another node."""

import pytest

from eks_cilium.cluster.objects import HOSTNAME, ZONE
from eks_cilium.cluster.selectors import Requirement
from eks_cilium.migration.facts.model import Instance
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import Allow, MigrationOptions
from tests.program.plan.builders import ZONES, World, group, node, zone_of

pytestmark = pytest.mark.unit


def with_volume(nodes: int, zone: str | None, on: int = 0, **changes) -> World:
    world = World(nodes)
    pod = world.pod("db-0", on, world.owner("StatefulSet", "db", 1), claims=("data-db-0",))
    world.volume(pod, zone, **changes)
    return world


def test_a_volume_in_a_zone_that_gets_a_new_node_moves():
    result = plan(with_volume(6, zone_of(0)).facts())

    assert result.clean
    assert result.nodes[0].volumes == ("pv-data-db-0",)


def test_a_volume_in_a_zone_without_a_group_blocks():
    (blocker,) = plan(with_volume(6, "eu-central-1z").facts()).blockers

    assert blocker.code is Code.VOLUME_ZONE
    assert str(blocker.object) == "StatefulSet shop/db"
    assert f"pv-data-db-0 in eu-central-1z; new nodes are certain in {', '.join(ZONES)}" in blocker.problem


def test_a_volume_in_a_zone_where_a_new_node_is_uncertain_blocks_until_permitted():
    facts = with_volume(3, zone_of(2), on=2).facts()

    (blocker,) = plan(facts).blockers
    allowed = plan(facts, MigrationOptions(allow=Allow(stranded_pods=("shop/db",))))

    assert blocker.code is Code.VOLUME_ZONE
    assert f"pv-data-db-0 in {zone_of(2)}" in blocker.problem
    assert plan(facts, MigrationOptions(surge=3)).clean
    assert allowed.clean
    assert Code.STRANDED in {warning.code for warning in allowed.warnings}


def test_a_group_in_the_volumes_zone_alone_makes_it_certain():
    world = with_volume(2, zone_of(0))
    world.groups = [
        group([world.nodes[0]], "a", zones=(zone_of(0),)),
        group([world.nodes[1]], "b", zones=(zone_of(1),)),
    ]

    assert plan(world.facts()).clean


def test_a_tainted_group_of_other_pods_does_not_count():
    world = with_volume(2, zone_of(1))
    tainted = node(1, taints=(taint("NoSchedule"),))
    world.nodes[1] = tainted
    world.groups = [
        group([world.nodes[0]], "general", zones=(zone_of(0),)),
        group([tainted], "gpu", zones=(zone_of(1),)),
    ]

    assert [blocker.code for blocker in plan(world.facts()).blockers] == [Code.VOLUME_ZONE]


def test_a_volume_that_every_node_reaches_moves():
    assert plan(with_volume(2, None, shared=True).facts()).clean


def test_a_volume_on_the_nodes_own_disk_blocks_whatever_is_permitted():
    everything = Allow(stranded_pods=("*/*",), local_storage=("*/*",))

    result = plan(with_volume(3, None, local=True).facts(), MigrationOptions(allow=everything))

    assert [blocker.code for blocker in result.blockers] == [Code.LOCAL_VOLUME]
    assert result.blockers[0].setting == ""


@pytest.mark.parametrize(
    ("demand", "clean"),
    [
        (Requirement(ZONE, "In", (zone_of(0),)), True),
        (Requirement(ZONE, "In", ("eu-central-1z",)), False),
        (Requirement(HOSTNAME, "In", ("node-0",)), False),
        (Requirement(HOSTNAME, "NotIn", ("node-0",)), True),
        (Requirement("kubernetes.io/os", "In", ("linux",)), True),
        (Requirement("disk", "In", ("fast",)), False),
        (Requirement("cni-plugin", "In", ("aws",)), False),
        (Requirement("disk", "DoesNotExist"), True),
    ],
)
def test_a_pods_node_requirements_are_compared_with_future_nodes(demand, clean):
    world = World(3)
    world.pod("web-0", 0, world.owner("StatefulSet", "web", 2), node_requirements=((demand,),))

    result = plan(world.facts())

    assert result.clean is clean
    if not clean:
        assert [blocker.code for blocker in result.blockers] == [Code.PLACEMENT]


def test_new_nodes_lack_a_label_that_only_one_node_of_a_group_has():
    world = World(3)
    world.nodes[0] = node(0, labels={"disk": "fast"})
    demand = Requirement("disk", "In", ("fast",))
    world.pod("web-0", 0, world.owner("StatefulSet", "web", 2), node_requirements=((demand,),))

    (blocker,) = plan(world.facts()).blockers

    assert blocker.code is Code.PLACEMENT
    assert "disk In fast" in blocker.problem


def test_new_nodes_have_a_label_of_the_whole_group():
    world = World(3)
    world.nodes = [node(number, labels={"disk": "fast"}) for number in range(3)]
    demand = Requirement("disk", "In", ("fast",))
    world.pod("web-0", 0, world.owner("StatefulSet", "web", 2), node_requirements=((demand,),))

    assert plan(world.facts()).clean


def test_one_term_of_several_is_enough():
    world = World(3)
    terms = ((Requirement("disk", "In", ("fast",)),), (Requirement("kubernetes.io/os", "In", ("linux",)),))
    world.pod("web-0", 0, world.owner("StatefulSet", "web", 2), node_requirements=terms)

    assert plan(world.facts()).clean


def test_a_node_that_has_cilium_already_counts():
    world = with_volume(1, zone_of(2))
    stays = node(2)
    world.nodes.append(stays)
    world.groups = [
        group([world.nodes[0]], zones=(zone_of(0),)),
        group([stays], "new", instances=(Instance("i-2", zone_of(2)),), zones=(zone_of(2),)),
    ]

    result = plan(world.facts(), recorded=Recorded(outgoing=frozenset({"node-0"})))

    assert result.clean
    assert [pod.verdict for pod in result.nodes[0].pods] == [Verdict.EVICT]


def taint(effect: str):
    from eks_cilium.migration.facts.model import Taint

    return Taint("dedicated", effect, "gpu")


def waiting(world: World, **options: int) -> dict[str, str]:
    result = plan(world.facts(), MigrationOptions(**options))
    return {
        warning.object.name: warning.text for warning in result.warnings if warning.code is Code.VOLUME_WAITS
    }


def test_a_volume_whose_zone_has_no_other_node_in_time_is_warned_of():
    """Its zone gets a new node when its own old one is terminated; a surge of one may start elsewhere."""
    world = World()
    (pod,) = world.deployment("db", [0], claims=("data",))
    world.volume(pod, zone_of(0))

    assert plan(world.facts()).clean
    assert (
        "1 pod cannot move before a new node is in the zone of a volume (pv-data in eu-central-1a)"
        in (waiting(world)["db"])
    )
    assert waiting(world, surge=3) == {}


def test_another_old_node_in_the_zone_is_good_enough():
    world = World(nodes=6)
    for number in range(6):
        (pod,) = world.deployment(f"db-{number}", [number], claims=(f"data-{number}",))
        world.volume(pod, zone_of(number))

    assert waiting(world) == {}
