"""The prober sees every breach of a budget and invents none: fed with lines as kubectl prints them."""

import json

import pytest

from lab.demo.prober import BlindError, Prober, selects

pytestmark = pytest.mark.unit

SELECTOR = {"matchLabels": {"app": "web"}}


def pod(name, kind="ADDED", *, ready="True", deleted="", namespace="shop", app="web"):
    return f"{kind}|uid-{name}|{namespace}|{name}|{deleted}|{ready}|{json.dumps({'app': app})}"


def budget(kind="ADDED", *, desired=2, expected=3, name="web"):
    return f"{kind}|shop|{name}|{desired}|{expected}|{json.dumps(SELECTOR)}"


@pytest.fixture
def prober():
    """Three ready pods under a budget that wants two."""
    seen = Prober(clock=lambda: 12.0)
    seen.see_budget(budget())
    for name in "abc":
        seen.see_pod(pod(name))
    return seen


def lowest(prober):
    return {each.key: each.lowest for each in prober.budgets}


def test_a_budget_counts_from_the_moment_when_all_its_pods_are_seen():
    seen = Prober()
    seen.see_budget(budget())
    for name in "ab":
        seen.see_pod(pod(name))
    assert not seen.sees_all_kept()

    seen.see_pod(pod("c"))

    assert seen.sees_all_kept()
    assert seen.breaches == []


def test_one_pod_that_goes_as_the_budget_allows_is_no_breach(prober):
    prober.see_pod(pod("a", "MODIFIED", deleted="2030-01-01T00:00:00Z"))
    prober.see_pod(pod("a", "DELETED", ready="False"))
    prober.see_pod(pod("d"))
    prober.see_pod(pod("b", "DELETED"))

    assert prober.breaches == []
    assert lowest(prober) == {"shop/web": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"deleted": "2030-01-01T00:00:00Z"},
        {"ready": "False"},
        {"ready": ""},
        {"kind": "DELETED"},
    ],
    ids=["being deleted", "not ready", "not started", "gone"],
)
def test_whatever_makes_a_pod_stop_serving_breaks_the_budget(prober, change):
    for name in "ab":
        prober.see_pod(pod(name, **{"kind": "MODIFIED", **change}))

    assert [str(breach) for breach in prober.breaches] == ["shop/web had 1 ready pods of 2 wanted"]
    assert prober.breaches[0].at == 12.0


def test_a_breach_is_told_once_until_it_gets_worse(prober):
    prober.see_pod(pod("a", "DELETED"))
    prober.see_pod(pod("b", "DELETED"))
    prober.see_pod(pod("d", ready="False"))
    prober.see_budget(budget("MODIFIED"))
    prober.see_pod(pod("c", "DELETED"))

    assert [breach.ready for breach in prober.breaches] == [1, 0]


def test_pods_of_others_do_not_count(prober):
    prober.see_pod(pod("a", "DELETED"))
    prober.see_pod(pod("x", app="api"))
    prober.see_pod(pod("y", namespace="elsewhere"))
    prober.see_pod(pod("b", "DELETED"))

    assert len(prober.breaches) == 1


def test_a_budget_that_wants_more_than_before_is_held_to_it(prober):
    prober.see_pod(pod("a", "DELETED"))
    prober.see_budget(budget("MODIFIED", desired=3))
    prober.see_pod(pod("b", "DELETED"))

    assert [breach.desired for breach in prober.breaches] == [3]


def test_a_prober_whose_watch_ended_says_so(prober):
    prober.check_sight()
    prober.go_blind("the watch of pods ended: Unauthorized")

    with pytest.raises(BlindError, match="Unauthorized"):
        prober.check_sight()


@pytest.mark.parametrize(
    ("requirement", "holds"),
    [
        ({"operator": "In", "values": ["web", "api"]}, True),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_selectors_mean_what_they_mean_to_kubernetes(requirement, holds):
    assert selects({"matchExpressions": [{"key": "app", **requirement}]}, {"app": "web"}) is holds
    assert selects({}, {"app": "web"})
