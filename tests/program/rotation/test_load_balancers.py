"""An instance is terminated when no load balancer sends to it any more: target health says when."""

from dataclasses import replace

import pytest

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.migration.rotation import steps
from eks_cilium.runtime.errors import StoppedError

from .migrations import QUICK, Before, Stack, options, run
from .simulation.load_balancers import EXCLUDED, Balancing
from .simulation.threads import SharedClock
from .simulation.world import Simulation

pytestmark = pytest.mark.simulation

PATIENT = replace(QUICK, load_balancer_timeout=600)


class Shop:
    """A cluster with load balancers, before its first drain."""

    def __init__(self) -> None:
        self.simulation = Simulation(workers=3)
        self.simulation.deploy("web", 4, maxUnavailable=1)
        self.balancing = Balancing(self.simulation)
        self.reported: list[str] = []
        self.at_the_end: list[list[str]] = []

    def rotate(self, *, limit: float = 600) -> float:
        """Replace the first node; returns the seconds that its release took."""
        Stack(self.simulation, options()).up(until="ip-")
        name = self.simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"]
        self.simulation.cloud.before_write = lambda _: self.at_the_end.append(self.balancing.sends_to(name))
        given = run(
            self.simulation.world(),
            report=self.reported.append,
            limits=replace(PATIENT, load_balancer_timeout=limit),
        )
        seconds: float = steps.rotate_node(given, name)["seconds"]["release"]
        return seconds


@pytest.mark.parametrize("bound", [True, False])
def test_an_ingress_with_nodes_as_targets_is_waited_for(bound: bool):
    """Found by its TargetGroupBinding, or by its tags alone."""
    shop = Shop()
    shop.balancing.ingress("web", delay=300, bound=bound)

    seconds = shop.rotate()

    assert 280 <= seconds < 330
    assert shop.at_the_end == [[]]
    assert any("(draining)" in line for line in shop.reported)


@pytest.mark.parametrize("classic", [True, False])
def test_a_service_is_waited_for_as_long_as_its_load_balancer_takes(classic: bool):
    shop = Shop()
    shop.balancing.service("web", delay=120, classic=classic)

    seconds = shop.rotate()

    assert 100 <= seconds < 140
    assert shop.at_the_end == [[]]


def test_load_balancers_that_released_the_node_during_its_drain_cost_no_time():
    shop = Shop()
    shop.balancing.ingress("web", delay=0)

    assert shop.rotate() < 10


def test_without_load_balancers_aws_is_not_asked():
    shop = Shop()

    assert shop.rotate() < 10
    assert shop.balancing.calls == []


def test_load_balancers_of_other_clusters_are_no_matter():
    shop = Shop()
    shop.balancing.ingress("web", delay=0)
    other = shop.balancing.service("other", cluster="other", delay=500)

    assert shop.rotate() < 10
    assert other.draining


def test_only_groups_that_hold_the_node_are_asked_again():
    shop = Shop()
    for number in range(40):
        shop.balancing.service(f"quick-{number}", delay=0)
    shop.balancing.ingress("slow", delay=60)

    shop.rotate()

    assert shop.balancing.calls.count("DescribeTargetHealth") < 41 + 60


def test_nodes_that_are_waited_for_at_once_share_the_answers():
    clock = SharedClock()
    simulation = Simulation(clock=clock, workers=4)
    simulation.deploy("web", 4, maxUnavailable=4)
    balancing = Balancing(simulation)
    balancing.ingress("web", delay=120)
    given = options(surge=3)
    Stack(simulation, given).up(until="ip-")
    names = [node["metadata"]["name"] for node in simulation.nodes(**{"cni-plugin": "aws"})][:3]
    every = PATIENT.poll_interval * 3

    def rotate(name: str) -> None:
        steps.rotate_node(run(simulation.world(), given, limits=PATIENT), name)

    errors = clock.run(*[lambda name=name: rotate(name) for name in names])

    assert errors == []
    assert 120 / every <= balancing.calls.count("DescribeTargetHealth") < 1.3 * 140 / every
    assert balancing.calls.count("DescribeTargetGroups") <= 3


def test_a_controller_that_does_not_work_holds_the_node_until_the_limit():
    shop = Shop()
    shop.balancing.ingress("web")
    shop.balancing.works = False

    assert 40 <= shop.rotate(limit=45) < 60
    [note] = [each for each in shop.simulation.journal if each["event"] == "load-balancers-not-released"]
    assert "k8s-web (healthy)" in note["missing"]
    assert any("is terminated all the same" in line for line in shop.reported)


def test_without_the_rights_the_limit_is_waited_out_and_the_rights_are_named():
    shop = Shop()
    shop.balancing.ingress("web")
    shop.balancing.denied = True

    seconds = shop.rotate(limit=100)

    assert 80 <= seconds < 110
    [line] = [line for line in shop.reported if "AccessDenied" in line]
    assert "elasticloadbalancing: DescribeTargetGroups" in line


def test_pods_that_are_targets_themselves_are_awaited_until_they_are_deregistered():
    """They have ended with the drain: their connections cannot be drained any more."""
    shop = Shop()
    group = shop.balancing.ingress("web", app="web", delay=300)

    assert shop.rotate() < 20
    assert group.draining


def test_the_label_that_has_nodes_deregistered_goes_when_a_drain_is_given_up():
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    Balancing(simulation).ingress("web")
    Stack(simulation, options()).up(until="ip-")
    name = simulation.nodes(**{"cni-plugin": "aws"})[0]["metadata"]["name"]
    owner = {"kind": "ReplicaSet", "name": "other", "controller": True}
    simulation.run("stuck", name, metadata={"finalizers": ["example.com/x"], "ownerReferences": [owner]})
    with pytest.raises(StoppedError, match="shop/stuck: terminating"):
        steps.rotate_node(run(simulation.world(), options(drain_timeout_seconds=20)), name)

    node = simulation.node(name)
    assert node is not None
    assert not is_cordoned(node)
    assert EXCLUDED not in node["metadata"]["labels"]


def test_a_whole_migration_behind_load_balancers_ends_as_it_began():
    simulation = Simulation(workers=3)
    simulation.deploy("web", 4, maxUnavailable=1)
    balancing = Balancing(simulation)
    balancing.ingress("web", delay=10)
    before = Before(simulation)

    Stack(simulation, options()).up()

    before.check_replaced()
    assert all(balancing.sends_to(node["metadata"]["name"]) for node in simulation.nodes())
