"""Reading and planning a cluster twice as large takes twice as many steps, counted and not timed."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import httpx
import pytest

from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.objects import HOSTNAME
from eks_cilium.cluster.selectors import Requirement, Selector
from eks_cilium.migration import report
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.reading import read
from eks_cilium.migration.options import Recorded
from eks_cilium.migration.plan.model import Plan
from eks_cilium.migration.plan.planner import plan
from eks_cilium.settings.model.migration import MigrationOptions
from tests.benchmarks.big_account import BigAccount
from tests.benchmarks.big_cluster import NAME, BigCluster

pytestmark = pytest.mark.simulation

FEW, MANY = 40, 80
OF_A_GROUP = 10
OPTIONS = MigrationOptions(surge="10%", parallel=12)


def steps(act: Callable[[], Any]) -> int:
    """How many functions are called."""
    calls = count()

    def note(_frame: Any, event: str, _argument: Any) -> None:
        if event in ("call", "c_call"):
            next(calls)

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return next(calls)


def facts_of(nodes: int) -> Facts:
    cluster = BigCluster(nodes, OF_A_GROUP)
    lists = {path: f'{{"items":[{",".join(objects)}]}}'.encode() for path, objects in cluster.collections()}

    def answer(request: httpx.Request) -> httpx.Response:
        if "limit" not in request.url.params:
            return httpx.Response(404, json={"message": "not found"})
        return httpx.Response(200, content=lists.get(request.url.path, b'{"items":[]}'))

    with KubernetesApi("https://cluster.example", None, transport=httpx.MockTransport(answer)) as api:
        return read(NAME, api, BigAccount(cluster))


def as_it_is(facts: Facts) -> Facts:
    return facts


def in_one_namespace(facts: Facts) -> Facts:
    """Each budget compares a label of its own with all pods of the cluster."""
    pods = tuple(replace(pod, namespace="shop") for pod in facts.pods)
    budgets = tuple(replace(budget, namespace="shop") for budget in facts.budgets)
    return replace(facts, pods=pods, budgets=budgets)


def on_disks_of_nodes(facts: Facts) -> Facts:
    """Each volume is bound to a node of its own."""
    volumes = {
        name: replace(volume, terms=((Requirement(HOSTNAME, "In", volume.attached_to),),))
        for name, volume in facts.volumes.items()
    }
    return replace(facts, volumes=volumes)


def blocked_everywhere(facts: Facts) -> Facts:
    """Every budget blocks every node it has pods on."""
    closed = [
        replace(
            budget,
            max_unavailable=0,
            desired_healthy=budget.expected_pods,
            disruptions_allowed=0,
            selector=Selector(budget.selector.requirements if budget.selector else ()),
        )
        for budget in facts.budgets
    ]
    return replace(facts, budgets=tuple(closed))


def planned(facts: Facts) -> Plan:
    """The plan when half of the nodes are replaced, shown as a preview shows it."""
    left = frozenset(node.name for node in facts.nodes[::2])
    made = plan(facts, OPTIONS, recorded=Recorded(outgoing=left, part=left))
    report.table(made)
    report.document(made)
    for node in made.nodes:
        made.blockers_of(node.node)
        report.lines_of_node(node)
    return made


def test_reading_twice_as_many_nodes_takes_twice_as_many_steps() -> None:
    facts_of(FEW)  # what is made once is made now

    few, many = steps(lambda: facts_of(FEW)), steps(lambda: facts_of(MANY))

    assert many < 2.1 * few


@pytest.mark.parametrize("change", [as_it_is, in_one_namespace, on_disks_of_nodes, blocked_everywhere])
def test_planning_twice_as_many_nodes_takes_twice_as_many_steps(change: Callable[[Facts], Facts]) -> None:
    smaller, larger = change(facts_of(FEW)), change(facts_of(MANY))
    planned(smaller)

    few, many = steps(lambda: planned(smaller)), steps(lambda: planned(larger))

    assert len(planned(larger).nodes) == MANY / 2
    assert many < 2.2 * few


def test_the_estimate_says_what_it_is_spent_on() -> None:
    made = planned(facts_of(FEW))

    assert sum(share.seconds for share in made.shares) == pytest.approx(made.seconds)
    assert [share.seconds for share in made.shares] == sorted(
        (share.seconds for share in made.shares), reverse=True
    )
    assert json.dumps(report.document(made)["boundBy"])
    assert "Of this time: " in report.table(made)
