"""The evaluator with its sets says what asking every rule says, and asks less."""

import dataclasses
import random
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

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
from eks_cilium.policy.verdict.matching.side import MOST_KEPT, keep
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


def test_an_identity_is_matched_once_for_all_pods_and_flows_that_have_it() -> None:
    cluster, pods = world(100)
    copies = [dataclasses.replace(pods[0]) for _ in range(20)]
    evaluator = Evaluator([cluster])
    first = calls(lambda: evaluator.evaluate(Flow(pods[0], pods[10], Port(8080))))

    others = calls(lambda: [evaluator.evaluate(Flow(copy, pods[10], Port(8080))) for copy in copies])

    assert others / len(copies) < first / 2


def test_what_is_kept_does_not_grow_with_the_number_of_flows() -> None:
    kept: dict[int, int] = {}
    for number in range(2 * MOST_KEPT + 1):
        keep(kept, number, number)

    assert kept == {2 * MOST_KEPT: 2 * MOST_KEPT}
