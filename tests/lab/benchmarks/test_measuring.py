"""What a watch shows becomes times and seconds of unavailability; what was measured becomes a page."""

import json
from xml.etree import ElementTree

import pytest

from tests.benchmarks.migration import page
from tests.benchmarks.migration.measuring import Measured
from tests.benchmarks.migration.recorder import Nodes, Recorder
from tests.benchmarks.migration.services import services

pytestmark = pytest.mark.unit


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pod(name, kind="MODIFIED", *, ready="True", deleted="", app="web"):
    return f"{kind}|uid-{name}|bench|{name}|{deleted}|{ready}|{json.dumps({'app': app})}"


def test_a_service_is_unavailable_from_too_few_ready_pods_to_enough(clock: Clock) -> None:
    seen = Recorder(clock, {"web": 2})
    for name in "ab":
        seen.read_pod(pod(name, "ADDED"))
    clock.now = 110
    seen.read_pod(pod("a", deleted="2026-01-01T00:00:00Z"))
    clock.now = 113
    seen.read_pod(pod("c", "ADDED"))

    assert seen.seconds_unavailable() == 3


def test_a_service_without_a_budget_needs_one_pod(clock: Clock) -> None:
    seen = Recorder(clock)
    for name in "ab":
        seen.read_pod(pod(name, "ADDED"))
    seen.read_pod(pod("a", "DELETED"))
    assert seen.seconds_unavailable() == 0

    seen.read_pod(pod("b", deleted="2026-01-01T00:00:00Z"))
    clock.now += 4

    assert seen.seconds_unavailable() == 4


def test_a_service_that_starts_is_not_unavailable(clock: Clock) -> None:
    seen = Recorder(clock, {"web": 2})
    seen.read_pod(pod("a", "ADDED"))
    clock.now += 9
    seen.read_pod(pod("b", "ADDED"))

    assert seen.seconds_unavailable() == 0


def test_stops_and_starts_are_those_that_were_seen(clock: Clock) -> None:
    seen = Recorder(clock)
    seen.read_pod(pod("a", "ADDED"))
    clock.now = 110
    seen.read_pod(pod("a", deleted="2026-01-01T00:00:00Z"))
    seen.read_pod(pod("b", "ADDED", ready="False"))
    clock.now = 112
    seen.read_pod(pod("b"))
    clock.now = 114
    seen.read_pod(pod("a", "DELETED", deleted="2026-01-01T00:00:00Z"))

    assert seen.stops() == {"web": 4}
    assert seen.starts() == {"web": 2}


def test_a_node_takes_pods_when_it_is_ready_and_agents_have_removed_their_taint(clock: Clock) -> None:
    seen = Nodes(clock)
    seen.read("ADDED|new|True|NoSchedule")
    clock.now = 105
    seen.read("MODIFIED|new|True|PreferNoSchedule")
    clock.now = 109
    seen.read("DELETED|old|True|")
    seen.read("MODIFIED|new|True|")

    assert seen.usable == {"new": 105}


@pytest.mark.parametrize("pods", [120, 600, 3000])
def test_there_are_about_as_many_pods_as_asked_for_and_budgets_of_each_kind(pods: int) -> None:
    found = list(services(pods))

    running = sum(each["spec"]["replicas"] for each in found if "replicas" in each["spec"])
    assert abs(running - pods) <= pods / 4
    assert {key for each in found if each["kind"] == "PodDisruptionBudget" for key in each["spec"]} == {
        "maxUnavailable",
        "minAvailable",
        "selector",
    }


def measured(**changes) -> Measured:
    values = {
        "name": "a <program>",
        "at_once": "4",
        "ended_well": True,
        "nodes": 4,
        "pods": 40,
        "whole": 100.0,
        "replacing": 60.0,
        "floor": 50.0,
        "requests": 140,
        "evicted": 40,
        "calls": 20,
        "ended_otherwise": [],
        "breaches": 0,
        "unavailable": 0.0,
        "busy": 0.5,
        "own": 0.25,
        "left": [(0.0, 4), (50.0, 2), (90.0, 0)],
        "times": {"launch": 10.0, "stop": 4.0, "start": 3.0},
    }
    return Measured(**{**values, **changes})


def test_evictions_count_as_requests_of_pods_and_not_of_nodes() -> None:
    assert measured().requests_a_node == 25
    assert measured().calls_a_node == 5
    assert "1.20 x" in page.cells(measured())


def test_the_table_replaces_what_was_between_the_markers() -> None:
    text = page.write(f"above\n{page.BEGIN}\nold\n{page.END}\nbelow\n", "new")

    assert text == f"above\n{page.BEGIN}\nnew\n{page.END}\nbelow\n"


def test_a_program_that_ended_with_an_error_is_named_so() -> None:
    assert page.cells(measured(ended_well=False))[0].endswith("ended with an error")


def test_the_plot_has_a_curve_for_each_program() -> None:
    drawn = ElementTree.fromstring(page.plot([measured(), measured(name="b")]))

    curves = [each for each in drawn.iter("{http://www.w3.org/2000/svg}path") if each.get("fill") == "none"]
    assert len(curves) == 2
