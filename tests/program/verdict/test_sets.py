"""The evaluator with its sets says what asking every rule says, and asks less."""

import dataclasses
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import (
    Cluster,
    Decision,
    Endpoint,
    Entity,
    Evaluator,
    Flow,
    Pod,
    Port,
    SelectorScope,
    Verdict,
)
from eks_cilium.policy.verdict.labels import Identity, Requirement, Selector
from eks_cilium.policy.verdict.matching.port_names import names_of
from eks_cilium.policy.verdict.matching.selectors import SelectorIndex
from eks_cilium.policy.verdict.matching.sets import members
from eks_cilium.policy.verdict.matching.side import MOST_KEPT, Side, keep
from eks_cilium.policy.verdict.reading.rules import rules_of
from tests.benchmarks.tables import table
from tests.program.verdict.generation import Generator
from tests.program.verdict.plain import PlainEvaluator

pytestmark = pytest.mark.unit

RELEASES = ("1.15.19", "1.16.19", "1.19.7", "1.20.2")


def unknown(endpoint: Endpoint, chance: random.Random) -> Endpoint:
    """The endpoint with some of what is known about it forgotten, as in a stack file."""
    if not isinstance(endpoint, Pod):
        return chance.choice((endpoint, endpoint, Entity("kube-apiserver"), Entity("world")))
    forgotten: dict[str, Any] = {
        name: None for name in ("namespace_labels", "service_account", "named_ports") if chance.random() < 0.4
    }
    return dataclasses.replace(endpoint, **forgotten)


def of_release(cluster: Cluster, chance: random.Random) -> Cluster:
    ports = chance.choice((None, frozenset({("http", Port(8080))}), frozenset({("dns", Port(53, "UDP"))})))
    selects = frozenset(name for name in ("nodes", "pods") if chance.random() < 0.15)
    agents = Agents(chance.choice(RELEASES))
    return dataclasses.replace(cluster, agents=agents, named_ports=ports, cidr_selects=selects)


def test_sets_and_rules_agree_on_a_table_of_applications() -> None:
    made = table(30)
    evaluator, plain = Evaluator(made.clusters), PlainEvaluator(made.clusters)

    for number in range(900):
        flow = made.flow(number)
        assert written(evaluator.evaluate(flow)) == written(plain.evaluate(flow))


LABELS = st.tuples(st.sampled_from(("k8s", "any", "node")), st.sampled_from("ab"))
VALUES = st.lists(st.sampled_from("xyz"), max_size=2).map(tuple)
REQUIREMENTS = st.builds(
    lambda label, operator, values: Requirement(label[0], label[1], operator, values),
    LABELS,
    st.sampled_from(("In", "In", "NotIn", "Exists", "DoesNotExist")),
    VALUES,
)
SELECTORS = st.lists(st.builds(Selector, st.lists(REQUIREMENTS, max_size=4).map(tuple)), unique=True)
IDENTITIES = st.builds(
    lambda labels, unknown: Identity(
        tuple((source, key, value) for (source, key), value in labels.items()),
        tuple((source, key, "what it is") for source, key in unknown),
    ),
    st.dictionaries(LABELS.filter(lambda label: label[0] != "any"), st.sampled_from("xyz")),
    st.lists(LABELS.filter(lambda label: label[0] != "any"), max_size=1),
)


@settings(deadline=None)
@given(SELECTORS, IDENTITIES)
def test_the_index_selects_what_each_selector_selects(selectors: list[Selector], identity: Identity) -> None:
    index = SelectorIndex({each: 1 << number for number, each in enumerate(selectors)})

    found = index.rules_selecting(identity)

    truths = [each.matches(identity).truth for each in selectors]
    assert list(members(found.certain)) == [place for place, truth in enumerate(truths) if truth]
    assert list(members(found.possible)) == [
        place for place, truth in enumerate(truths) if truth is not False
    ]


def written(verdict: Verdict) -> tuple[Any, ...]:
    return (verdict, verdict.egress.hints, verdict.ingress.hints)


@pytest.mark.parametrize("seed", range(4))
def test_sets_and_rules_agree_on_all_pairs_of_random_endpoints(seed: int) -> None:
    generator, chance = Generator(seed), random.Random(seed)
    for _ in range(25):
        cases = [generator.case() for _ in range(2)]
        clusters = tuple(of_release(cluster, chance) for cluster in cases[0].clusters)
        flows = [flow for case in cases for flow in case.flows]
        ends = [unknown(end, chance) for flow in flows for end in (flow.source, flow.destination)]
        evaluator, plain = Evaluator(clusters), PlainEvaluator(clusters)

        for source in ends:
            for destination in ends:
                flow = Flow(source, destination, chance.choice(flows).port)
                assert written(evaluator.evaluate(flow)) == written(plain.evaluate(flow))


def world(size: int) -> tuple[Cluster, list[Pod]]:
    """As many policies as pods, each with values of its own, so that no two select the same pods."""
    policies = tuple(_policy(number) for number in range(size))
    named: dict[str, Port] = {}
    pods = [
        Pod("cluster-1", f"ns-{number % 10}", {"app": f"app-{number}"}, {}, "a", named)
        for number in range(size)
    ]
    return Cluster("cluster-1", SelectorScope.OWN_CLUSTER, policies), pods


def _policy(number: int) -> Policy:
    spec = {
        "endpointSelector": {"matchLabels": {"app": f"app-{number}"}},
        "ingress": [
            {
                "fromEndpoints": [{"matchLabels": {"app": f"app-{number + 10}"}}],
                "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}],
            },
            {"fromCIDR": [f"10.{number % 250}.0.0/16"]},
        ],
    }
    metadata = {"name": f"policy-{number}", "namespace": f"ns-{number % 10}"}
    return Policy("cluster-1", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})


def calls(run: Callable[[], object]) -> int:
    """The number of functions that are called, which is the same on every machine."""
    counted: Counter[str] = Counter()
    sys.setprofile(lambda frame, event, argument: counted.update([event]))
    try:
        run()
    finally:
        sys.setprofile(None)
    return counted["call"]


def whole_table(evaluator: Evaluator, pods: list[Pod]) -> Callable[[], object]:
    port = Port(8080)
    return lambda: [evaluator.evaluate(Flow(source, other, port)) for source in pods for other in pods]


def test_a_table_takes_the_same_calls_a_flow_whatever_the_number_of_policies() -> None:
    per_flow = []
    for size in (40, 160):
        cluster, pods = world(size)
        evaluator = Evaluator([cluster])
        assert evaluator.evaluate(Flow(pods[10], pods[0], Port(8080))).decision is Decision.ALLOWED
        per_flow.append(calls(whole_table(evaluator, pods[:40])) / 1600)

    assert per_flow[1] < 1.2 * per_flow[0] < 50


def test_an_identity_is_matched_once_for_all_pods_that_have_it() -> None:
    cluster, pods = world(20)
    side = Side(cluster, rules_of(cluster)[0], names_of)
    copy = dataclasses.replace(pods[0])

    assert side.subject(copy).rules is side.subject(pods[0]).rules
    assert side.peer(copy).rules is side.peer(pods[0]).rules
    assert side.subject(copy).rules != side.subject(pods[1]).rules


def test_what_is_kept_does_not_grow_with_the_number_of_flows() -> None:
    kept: dict[int, int] = {}
    for number in range(2 * MOST_KEPT + 1):
        keep(kept, number, number)

    assert kept == {2 * MOST_KEPT: 2 * MOST_KEPT}
