"""The prober detects every violation of a PodDisruptionBudget, and no other; fed with lines of kubectl."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.demo.prober import Prober, ProberError, following, selects
from lab.environment import Places

pytestmark = pytest.mark.unit

SELECTOR = {"matchLabels": {"app": "web"}}


def pod(name, kind="ADDED", *, ready="True", deleted="", namespace="shop", app="web"):
    return f"{kind}|uid-{name}|{namespace}|{name}|{deleted}|{ready}|{json.dumps({'app': app})}"


def budget(kind="ADDED", *, desired=2, expected=3, name="web"):
    return f"{kind}|shop|{name}|{desired}|{expected}|{json.dumps(SELECTOR)}"


@pytest.fixture
def prober():
    """Three ready pods selected by a PDB that requires two."""
    seen = Prober(clock=lambda: 12.0)
    seen.read_budget(budget())
    for name in "abc":
        seen.read_pod(pod(name))
    return seen


def lowest(prober):
    return {each.key: each.lowest for each in prober.budgets}


def test_a_budget_counts_once_all_its_pods_were_seen():
    seen = Prober()
    seen.read_budget(budget())
    for name in "ab":
        seen.read_pod(pod(name))
    assert not seen.all_budgets_met()

    seen.read_pod(pod("c"))

    assert seen.all_budgets_met()
    assert seen.breaches == []


def test_a_disruption_that_the_budget_allows_is_no_breach(prober):
    prober.read_pod(pod("a", "MODIFIED", deleted="2030-01-01T00:00:00Z"))
    prober.read_pod(pod("a", "DELETED", ready="False"))
    prober.read_pod(pod("d"))
    prober.read_pod(pod("b", "DELETED"))

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
    ids=["being deleted", "not ready", "not started", "deleted"],
)
def test_a_pod_that_stops_serving_breaks_the_budget(prober, change):
    for name in "ab":
        prober.read_pod(pod(name, **{"kind": "MODIFIED", **change}))

    assert [str(breach) for breach in prober.breaches] == ["shop/web had 1 ready pods, 2 are required"]
    assert prober.breaches[0].at == 12.0


def test_a_breach_is_reported_once_until_it_gets_worse(prober):
    prober.read_pod(pod("a", "DELETED"))
    prober.read_pod(pod("b", "DELETED"))
    prober.read_pod(pod("d", ready="False"))
    prober.read_budget(budget("MODIFIED"))
    prober.read_pod(pod("c", "DELETED"))

    assert [breach.ready for breach in prober.breaches] == [1, 0]


def test_pods_that_the_budget_does_not_select_do_not_count(prober):
    prober.read_pod(pod("a", "DELETED"))
    prober.read_pod(pod("x", app="api"))
    prober.read_pod(pod("y", namespace="elsewhere"))
    prober.read_pod(pod("b", "DELETED"))

    assert len(prober.breaches) == 1


def test_a_budget_is_judged_by_its_latest_requirement(prober):
    prober.read_pod(pod("a", "DELETED"))
    prober.read_budget(budget("MODIFIED", desired=3))
    prober.read_pod(pod("b", "DELETED"))

    assert [breach.desired for breach in prober.breaches] == [3]


def test_a_prober_raises_after_its_watch_ended(prober):
    prober.raise_if_watch_ended()
    prober.record_watch_end("the watch of pods ended: Unauthorized")

    with pytest.raises(ProberError, match="Unauthorized"):
        prober.raise_if_watch_ended()


@pytest.mark.parametrize(
    ("requirement", "holds"),
    [
        ({"operator": "In", "values": ["web", "api"]}, True),
        ({"operator": "NotIn", "values": ["web"]}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "DoesNotExist"}, False),
    ],
)
def test_selectors_match_as_in_kubernetes(requirement, holds):
    assert selects({"matchExpressions": [{"key": "app", **requirement}]}, {"app": "web"}) is holds
    assert selects({}, {"app": "web"})


@dataclass(frozen=True)
class Ending:
    """A kubectl whose watches print one line and end."""

    places: Places

    def command(self, *_words: str) -> list[str]:
        return ["echo", "ADDED|node-1"]


@pytest.fixture
def ending(tmp_path: Path) -> Any:
    places = Places(tmp_path, tmp_path)
    keys = ("url", "account", "accessKeyId", "secretAccessKey", "region")
    places.cloud.write_text(json.dumps({"pid": 1, **dict.fromkeys(keys, "x")}))
    return Ending(places)


def test_a_watch_that_ended_begins_again(ending: Any) -> None:
    seen: list[str] = []
    twice = threading.Event()

    def read(line: str) -> None:
        seen.append(line)
        if len(seen) == 2:
            twice.set()

    with following(ending, "nodes", "", read):
        assert twice.wait(10)

    assert set(seen) == {"ADDED|node-1"}


def test_a_watch_that_must_not_end_says_why_it_did(ending: Any) -> None:
    reasons: list[str] = []
    ended = threading.Event()

    def note(reason: str) -> None:
        reasons.append(reason)
        ended.set()

    with following(ending, "pods", "", lambda _: None, note):
        assert ended.wait(10)

    assert reasons == ["the watch of pods ended: no message"]
