"""A peak of load in the middle of a migration, with a clock of the test."""

import pytest

from lab.disturbances.peak import Peak

pytestmark = pytest.mark.unit


class World:
    """Nodes, and a load whose pods are ready or not."""

    def __init__(self):
        self.now = 0.0
        self.nodes = frozenset({"a", "b", "c"})
        self.unready = 2
        self.calls = []

    def raise_beyond(self, nodes):
        self.calls.append(f"raised beyond {nodes}")
        return 7

    def end(self):
        self.calls.append("ended")

    def waiting(self):
        return self.unready


@pytest.fixture
def world():
    return World()


@pytest.fixture
def peak(world):
    return Peak(
        world, frozenset({"a", "b", "c"}), lambda: world.nodes, hold=5, longest=60, clock=lambda: world.now
    )


def pass_time(world, peak, seconds):
    for _ in range(seconds):
        world.now += 1
        peak.step()


def test_it_begins_when_a_third_of_the_old_nodes_is_gone(world, peak):
    pass_time(world, peak, 10)
    assert world.calls == []
    world.nodes = frozenset({"b", "c", "new"})
    pass_time(world, peak, 3)
    assert world.calls == ["raised beyond 2"]


def test_it_ends_some_time_after_all_its_pods_are_ready(world, peak):
    world.nodes = frozenset()
    pass_time(world, peak, 10)
    world.unready = 0
    pass_time(world, peak, 5)
    assert "ended" not in world.calls
    pass_time(world, peak, 10)
    assert world.calls == ["raised beyond 2", "ended"]
    assert peak.history == ["7 pods began in the middle", "ended after 15 s"]


def test_it_ends_in_any_case_after_its_longest_time_and_with_the_run(world, peak):
    world.nodes = frozenset()
    pass_time(world, peak, 62)
    assert world.calls[-1] == "ended"
    peak.end()
    assert world.calls.count("ended") == 1


def test_a_peak_that_never_began_ends_nothing(world, peak):
    peak.end()
    assert world.calls == []
