"""A range of ports is allowed as a whole, denied as a whole, or split where the answer changes."""

import random

import pytest
import yaml

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Endpoint,
    Evaluator,
    Flow,
    Pod,
    Port,
    SelectorScope,
    changed_verdicts,
)
from eks_cilium.policy.verdict.ranges import EVERY_PORT, verdicts_on
from tests.program.verdict.generation import Generator

pytestmark = pytest.mark.unit

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
SERVER = Pod("cluster-1", "red", {"app": "web"}, {}, "default", {"http": Port(8080, "TCP")})
OUTSIDE = Address("203.0.113.5")


def parts(egress: str, port: Port, destination: Endpoint = SERVER) -> list[tuple[str, str]]:
    spec = {"endpointSelector": {"matchLabels": {"app": "client"}}, "egress": yaml.safe_load(egress)}
    metadata = {"name": "rule", "namespace": "red"}
    policy = Policy("cluster-1", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})
    evaluator = Evaluator([Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,))])
    found = verdicts_on(evaluator, Flow(CLIENT, destination, port))
    return [(str(verdict.flow.port), str(verdict.decision)) for verdict in found]


WANTED = Port(8000, "TCP", "8000-8100/TCP", 8100)


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        (
            "{port: '8000', endPort: 8050, protocol: TCP}",
            [("8000-8050/TCP", "allowed"), ("8051-8100/TCP", "denied")],
        ),
        ("{port: '7000', endPort: 9000}", [("8000-8100/TCP", "allowed")]),
        ("{port: '8000', endPort: 8050, protocol: UDP}", [("8000-8100/TCP", "denied")]),
        (
            "{port: '8100'}",
            [("8000-8099/TCP", "denied"), ("8100/TCP", "allowed")],
        ),
        (
            "{port: http}",
            [("8000-8079/TCP", "denied"), ("8080/TCP", "allowed"), ("8081-8100/TCP", "denied")],
        ),
        ("{port: '0'}", [("8000-8100/TCP", "allowed")]),
    ],
)
def test_a_range_is_split_where_the_answer_changes(ports: str, expected: list[tuple[str, str]]) -> None:
    assert parts(f"[{{toEntities: [all], toPorts: [{{ports: [{ports}]}}]}}]", WANTED) == expected


def test_every_port_means_every_port_of_every_protocol() -> None:
    only_https = "[{toCIDR: [203.0.113.0/24], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]"

    assert parts(only_https, EVERY_PORT, OUTSIDE) == [
        ("1-442/TCP", "denied"),
        ("443/TCP", "allowed"),
        ("444-65535/TCP", "denied"),
        ("every port/UDP", "denied"),
        ("every port/SCTP", "denied"),
    ]


@pytest.mark.parametrize(("egress", "decision"), [("[{}]", "denied"), ("[{toEntities: [all]}]", "allowed")])
def test_every_port_is_one_verdict_where_all_are_alike(egress: str, decision: str) -> None:
    assert parts(egress, EVERY_PORT, OUTSIDE) == [("every port", decision)]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        (EVERY_PORT, ["8080/TCP allowed denied"]),
        (WANTED, ["8080/TCP allowed denied"]),
        (Port(8080), ["8080/TCP allowed denied"]),
        (Port(80), []),
    ],
)
def test_what_changes_with_1_19_is_found_at_each_port(port: Port, expected: list[str]) -> None:
    entry = "{toEndpoints: [{}], toPorts: [{ports: [{port: '8080', protocol: TCP}]}]}"
    spec = {"endpointSelector": {}, "egress": [yaml.safe_load(entry)]}
    metadata = {"name": "rule", "namespace": "red"}
    policy = Policy("cluster-1", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})
    clusters = [
        Cluster(name, SelectorScope.OWN_CLUSTER, policies)
        for name, policies in (("cluster-1", (policy,)), ("cluster-2", ()))
    ]
    remote = Pod("cluster-2", "red", {"app": "web"}, {}, "default", {})

    found = changed_verdicts(clusters, [Flow(CLIENT, remote, port)])

    assert [f"{old.flow.port} {old.decision} {new.decision}" for old, new in found] == expected


@pytest.mark.parametrize("seed", range(3))
def test_each_port_of_random_ranges_is_decided_as_its_part_says(seed: int) -> None:
    generator, chance = Generator(seed), random.Random(seed)
    for _ in range(60):
        case = generator.case()
        evaluator = Evaluator(case.clusters)
        for source, destination in ((flow.source, flow.destination) for flow in case.flows):
            first, protocol = chance.choice((1, 80, 8000)), chance.choice(("TCP", "UDP", "SCTP"))
            asked = Flow(source, destination, Port(first, protocol, "", first + 900))
            parts = verdicts_on(evaluator, asked)

            ends = [(part.flow.port.number, part.flow.port.last) for part in parts]
            assert [end + 1 for _, end in ends[:-1]] == [start for start, _ in ends[1:]]
            assert (ends[0][0], ends[-1][1]) == (first, first + 900)
            for part, (start, end) in zip(parts, ends, strict=True):
                for number in {start, end, chance.randint(start, end)}:
                    found = evaluator.evaluate(Flow(source, destination, Port(number, protocol)))
                    assert (found.egress, found.ingress) == (part.egress, part.ingress)
