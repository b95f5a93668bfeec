# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""Explanations name the rule that decides on each side, and propose a change that works and does no more."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Decision,
    Endpoint,
    Entity,
    Evaluator,
    Flow,
    Mode,
    Pod,
    Port,
    SelectorScope,
)
from eks_cilium.policy.why import Explainer, Explanation, lines
from lab.toolchain import Toolchain
from tests.program.verdict.generation import Generator
from tests.program.verdict.oracle import Case, theirs

CLIENT = Pod("cluster-1", "shop", {"app": "client"}, {}, "default", {})
SERVER = Pod("cluster-2", "data", {"app": "server"}, {}, "default", {"http": Port(8080)})
OUTSIDE = Address("203.0.113.9")
PORT = Port(8080)


def policy(spec: str, cluster: str = "cluster-1", namespace: str = "shop", name: str = "rule") -> Policy:
    metadata = {"name": name, "namespace": namespace}
    written = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata}
    return Policy(cluster, {**written, "spec": yaml.safe_load(spec)})


def explained(*policies: Policy, to: Endpoint = SERVER, port: Port = PORT, **options: Any) -> Explanation:
    clusters = [
        Cluster(
            name,
            SelectorScope.OWN_CLUSTER,
            tuple(each for each in policies if each.cluster == name),
            **options,
        )
        for name in ("cluster-1", "cluster-2")
    ]
    verdict = Evaluator(clusters).evaluate(Flow(CLIENT, to, port))
    return Explainer(clusters).explain(verdict)


def text(explanation: Explanation) -> str:
    return "\n".join(lines(explanation))


@pytest.mark.unit
def test_what_no_policy_selects_is_said_so_on_both_sides() -> None:
    said = text(explained())

    assert "  egress of cluster-1/shop app=client: allowed: no policy selects it" in said
    assert "  ingress of cluster-2/data app=server: allowed: no policy selects it" in said


@pytest.mark.unit
def test_the_deciding_entry_is_named_with_the_selector_that_means_the_peer() -> None:
    spec = "{endpointSelector: {matchLabels: {app: client}}, egress: [{toEndpoints: [{matchLabels: {app: other}}, {matchLabels: {app: server, 'io.kubernetes.pod.namespace': data, 'io.cilium.k8s.policy.cluster': cluster-2}}], toPorts: [{ports: [{port: '8080', protocol: TCP}]}]}]}"

    said = text(explained(policy(spec)))

    assert (
        "CiliumNetworkPolicy shop/rule selects it by app=client, k8s:io.kubernetes.pod.namespace=shop" in said
    )
    assert "CiliumNetworkPolicy shop/rule egress[0] allows it: toEndpoints[1] means it: app=server" in said
    assert "only at 8080/TCP" in said


@pytest.mark.unit
@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (
            "toEndpoints: [{matchLabels: {app: server}}]",
            "toEndpoints[0] wants k8s:io.kubernetes.pod.namespace=shop (it names no namespace",
        ),
        ("toEntities: [host]", "toEntities[0] wants reserved:host="),
        ("toCIDR: [10.0.0.0/8]", "toCIDR[0], 10.0.0.0/8, means addresses outside of the clusters"),
        ("toEntities: [all], toPorts: [{ports: [{port: '80', protocol: TCP}]}]", "it is only at 80/TCP"),
        ("toEntities: []", "it names no peer"),
    ],
)
def test_a_default_deny_names_what_each_entry_lacks(entry: str, says: str) -> None:
    explanation = explained(policy(f"{{endpointSelector: {{}}, egress: [{{{entry}}}]}}"))

    assert explanation.verdict.egress.decision is Decision.DENIED
    assert f"shop/rule egress[0] does not allow it: {says}" in text(explanation)


@pytest.mark.unit
def test_a_network_that_misses_the_address_is_named() -> None:
    said = text(
        explained(policy("{endpointSelector: {}, egress: [{toCIDR: [198.51.100.0/24]}]}"), to=OUTSIDE)
    )

    assert "toCIDR[0], 198.51.100.0/24, does not hold 203.0.113.9" in said


@pytest.mark.unit
def test_a_rule_that_denies_has_to_be_narrowed() -> None:
    explanation = explained(
        policy(
            "{endpointSelector: {}, egress: [{toEntities: [all]}], egressDeny: [{toEntities: [cluster-mesh]}]}"
        )
    )

    (change,) = explanation.changes
    assert change.policy is None
    assert change.says.startswith("take the flow out of CiliumNetworkPolicy shop/rule egressDeny[0]")


@pytest.mark.unit
def test_only_some_of_many_entries_are_listed() -> None:
    entries = ", ".join(f"{{toEndpoints: [{{matchLabels: {{app: x{number}}}}}]}}" for number in range(9))

    said = text(explained(policy(f"{{endpointSelector: {{}}, egress: [{entries}]}}")))

    assert "and 3 more entries that do not allow it" in said


@pytest.mark.unit
@pytest.mark.parametrize("to", [SERVER, OUTSIDE, Entity("host"), Entity("kube-apiserver")])
@pytest.mark.parametrize("port", [Port(8080), Port(8000, "UDP", "8000-8100/UDP", 8100)])
def test_the_proposed_policy_allows_the_flow_and_is_sound(to: Endpoint, port: Port) -> None:
    denying = [
        policy("{endpointSelector: {}, egress: [{}]}"),
        policy("{endpointSelector: {}, ingress: [{}]}", "cluster-2", "data"),
    ]
    explanation = explained(*denying, to=to, port=port)

    proposed = [change.policy for change in explanation.changes if change.policy]
    assert [finding for each in proposed for finding in check(each, "1.20.2")] == []
    assert explained(*denying, *proposed, to=to, port=port).verdict.decision is Decision.ALLOWED


@pytest.mark.unit
def test_the_proposal_names_the_peer_completely() -> None:
    (change,) = explained(policy("{endpointSelector: {}, egress: [{}]}")).changes

    assert change.policy is not None
    assert change.policy.object["metadata"] == {"name": "allow-client-to-server-egress", "namespace": "shop"}
    assert change.policy.object["spec"] == {
        "endpointSelector": {"matchLabels": {"k8s:app": "client"}},
        "egress": [
            {
                "toEndpoints": [
                    {
                        "matchLabels": {
                            "k8s:app": "server",
                            "k8s:io.cilium.k8s.policy.cluster": "cluster-2",
                            "k8s:io.kubernetes.pod.namespace": "data",
                        }
                    }
                ],
                "toPorts": [{"ports": [{"port": "8080", "protocol": "TCP"}]}],
            }
        ],
    }


@pytest.mark.unit
def test_the_proposal_takes_no_name_of_an_existing_policy() -> None:
    existing = policy("{endpointSelector: {}, egress: [{}]}", name="allow-client-to-server-egress")

    (change,) = explained(existing).changes

    assert change.policy is not None
    assert change.policy.name == "allow-client-to-server-egress-2"


@pytest.mark.unit
@pytest.mark.parametrize("to", [SERVER, OUTSIDE])
def test_an_allowed_flow_can_be_denied_alone(to: Endpoint) -> None:
    (change,) = explained(to=to).changes

    assert change.policy is not None
    assert check(change.policy, "1.20.2") == []
    assert explained(change.policy, to=to).verdict.decision is Decision.DENIED
    assert explained(change.policy, to=to, port=Port(8081)).verdict.decision is Decision.ALLOWED


@pytest.mark.unit
def test_before_1_16_a_rule_that_denies_also_switches_the_default() -> None:
    (change,) = explained(agents=Agents("1.15.19")).changes

    assert "then also denies every ingress of the pod that no policy allows" in change.says


@pytest.mark.unit
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": Mode.NEVER}, "policyEnforcementMode"),
        ({"agents": Agents(audit=True)}, "policyAuditMode: false"),
    ],
)
def test_where_nothing_is_enforced_the_option_has_to_change(options: dict[str, Any], says: str) -> None:
    explanation = explained(policy("{endpointSelector: {}, egress: [{}]}"), **options)

    assert explanation.verdict.decision is Decision.ALLOWED
    assert says in explanation.changes[0].says


OPPOSITE = {Decision.ALLOWED: Decision.DENIED, Decision.DENIED: Decision.ALLOWED}


def with_what_is_proposed(seed: int) -> Iterator[tuple[Case, Decision]]:
    """For each flow of a random case: the clusters with what is proposed, and the decision that it promises."""
    case = Generator(seed).case()
    evaluator, explainer = Evaluator(case.clusters), Explainer(case.clusters)
    for flow in case.flows:
        verdict = evaluator.evaluate(flow)
        explanation = explainer.explain(verdict)
        assert text(explanation)
        proposed = [change.policy for change in explanation.changes if change.policy]
        if proposed and len(proposed) == len(explanation.changes):
            later = [
                dataclasses.replace(
                    cluster,
                    policies=(
                        *cluster.policies,
                        *(each for each in proposed if each.cluster == cluster.name),
                    ),
                )
                for cluster in case.clusters
            ]
            names = [(each.cluster, each.namespace, each.name) for each in proposed]
            assert len(set(names)) == len(names)
            yield Case(tuple(later), (flow,)), OPPOSITE[verdict.decision]


@pytest.mark.unit
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_proposed_turns_random_verdicts_into_their_opposite(seed: int) -> None:
    for case, promised in with_what_is_proposed(seed):
        assert Evaluator(case.clusters).evaluate(case.flows[0]).decision is promised


@pytest.mark.control_plane
def test_cilium_decides_as_what_is_proposed_promises(toolchain: Toolchain) -> None:
    cases = [found for seed in range(60) for found in with_what_is_proposed(seed)]

    answers = theirs(toolchain.oracle(), [case for case, _ in cases])

    decided = [
        Decision.DENIED if "denied" in both else Decision.ALLOWED for ((both,),) in zip(answers, strict=True)
    ]
    assert [promised for _, promised in cases] == decided
