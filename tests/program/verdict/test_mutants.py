"""Of policies with random faults, we refuse those that Cilium refuses, and judge the others as it does."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.verdict import Cluster, SelectorScope
from eks_cilium.policy.verdict.reading.rules import rules_of
from lab.toolchain import ORACLE_VERSIONS, Toolchain
from tests.program.verdict.mutants import Mutants
from tests.program.verdict.oracle import Case, answers_of, as_asked, both_of, ours

CASES, MANY_CASES = 5_000, 20_000
FLOWS = 2
BATCH = 5_000
REFUSALS = ("agents ", "an API server ")


@pytest.mark.control_plane
def test_five_thousand_policies_and_mutants_are_refused_and_judged_as_by_cilium(toolchain: Toolchain) -> None:
    compare(toolchain.oracle(), Mutants(7), CASES)


@pytest.mark.endurance
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("version", ORACLE_VERSIONS)
def test_many_more_mutants_are_refused_and_judged_as_by_each_release(
    toolchain: Toolchain, version: str, seed: int
) -> None:
    compare(toolchain.oracle(version), Mutants(seed, version), MANY_CASES)


def compare(oracle: Path, mutants: Mutants, count: int) -> None:
    """Fail with every case on which the two differ, and where the cases leave either decision out."""
    refused = 0
    for start in range(0, count, BATCH):
        cases = [mutants.case(FLOWS) for _ in range(min(BATCH, count - start))]
        answers = answers_of(oracle, cases)
        assert differences(cases, answers) == []
        refused += sum("refused" in answer for answer in answers)
        assert sum("panic" in answer for answer in answers) < len(answers) / 100
    assert count / 4 < refused < count / 2


def differences(cases: Sequence[Case], answers: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{case.title}: {found}\n{json.dumps(as_asked(case), indent=1)}"
        for case, answer in zip(cases, answers, strict=True)
        if (found := difference(case, answer))
    ]


def difference(case: Case, answer: dict[str, Any]) -> str:
    if "panic" in answer:
        return ""  # agents end, so there is no verdict: only definitions keep such a policy out
    (policy,) = case.clusters[0].policies
    left_out = rules_of(case.clusters[0])[1]
    refused = left_out[0].why if left_out and left_out[0].why.startswith(REFUSALS) else ""
    theirs = answer.get("refused", {}).get("cluster-1", {}).get("0", "")
    if bool(refused) != bool(theirs):
        # The API server checks NetworkPolicies itself, and agents do not: we refuse some of what it refuses.
        return "" if refused and policy.kind == "NetworkPolicy" else f"we: {refused!r}, Cilium: {theirs!r}"
    found = [
        (flow, side, decided, expected)
        for flow, both, verdict in zip(case.flows, ours(case), both_of(answer), strict=True)
        for side, decided, expected in zip(("egress", "ingress"), both, verdict, strict=True)
        if decided not in (expected, "undecided")
    ]
    return "\n".join(
        f"{flow}, {side}: we {decided}, Cilium {expected}" for flow, side, decided, expected in found
    )


def why(kind: str, spec: Any) -> str:
    """Why a policy is left out of verdicts; empty where it is not."""
    metadata = {"name": "rule", "namespace": "red"}
    policy = Policy("cluster-1", {"kind": kind, "metadata": metadata, "spec": spec})
    left_out = rules_of(Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,)))[1]
    return left_out[0].why if left_out else ""


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (
            {"endpointSelector": {}, "egress": [{"toCIDRSet": ""}]},
            "spec.egress[0].toCIDRSet is '', allowed: a list",
        ),
        (
            {"endpointSelector": {}, "ingress": [{"toPorts": [{"ports": [{"port": 80}]}]}]},
            "spec.ingress[0].toPorts[0].ports[0].port is 80, allowed: a text",
        ),
        (
            {"endpointSelector": {}, "ingress": [{}], "enableDefaultDeny": {"egress": 1}},
            "spec.enableDefaultDeny.egress is 1, allowed: true or false",
        ),
        (
            {"endpointSelector": {}, "ingress": [{"toPorts": [{"ports": [{"port": "1", "endPort": 1.5}]}]}]},
            "endPort is 1.5, allowed: a whole number",
        ),
    ],
)
def test_a_value_of_another_type_leaves_the_whole_object_out(spec: dict[str, Any], words: str) -> None:
    assert words in why("CiliumNetworkPolicy", spec)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"podSelector": {}, "policyTypes": "Egress"}, "spec.policyTypes is 'Egress', allowed: a list"),
        ({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {}}]}]}, "agents cannot read it"),
        ({"podSelector": {}, "ingress": [{"ports": [{"protocol": "ICMP"}]}]}, "knows no protocol ICMP"),
        (
            {"podSelector": {"matchLabels": {"k8s:app": "web"}}},
            "an API server refuses it, so no agent sees it: spec.podSelector has the key k8s:app, allowed: a "
            "label's key such as app, without a source such as k8s:",
        ),
        (
            {"podSelector": {}, "egress": [{"to": [{}]}]},
            "spec.egress[0].to[0] is {}, allowed: a peer with podSelector, namespaceSelector or ipBlock",
        ),
        (
            {"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]},
            "spec.egress[0].to[0] has ipBlock and podSelector, allowed: ipBlock alone",
        ),
        (
            {"podSelector": {}, "ingress": [{"ports": [{"port": 0}]}]},
            "spec.ingress[0].ports[0].port is 0, allowed: 1 to 65535",
        ),
        (
            {"podSelector": {}, "ingress": [{"ports": [{"port": 80, "endPort": 79}]}]},
            "spec.ingress[0].ports[0].endPort is 79, allowed: 80 to 65535",
        ),
        (
            {"podSelector": {}, "ingress": [{"ports": [{"port": "http", "endPort": 79}]}]},
            "spec.ingress[0].ports[0].endPort is 79, allowed: nothing where port is no number",
        ),
        (
            {"podSelector": {}, "policyTypes": ["Both"]},
            "spec.policyTypes[0] is Both, allowed: Ingress, Egress",
        ),
    ],
)
def test_a_network_policy_that_agents_cannot_read_is_left_out(spec: dict[str, Any], words: str) -> None:
    assert words in why("NetworkPolicy", spec)


@pytest.mark.unit
def test_null_is_the_empty_value_and_unknown_keys_are_ignored() -> None:
    entry = {"fromEndpoints": [None, {"matchLabels": {"app": None}}], "fromCIDR": None, "nonsense": 5}

    assert why("CiliumNetworkPolicy", {"endpointSelector": None, "ingress": [entry]}) == ""
