"""Policies of whole clusters are named and not judged, and leave undecided what they may decide."""

import pytest
import yaml

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import Cluster, Evaluator, Flow, Mode, Pod, Port, SelectorScope

pytestmark = pytest.mark.unit

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {"team": "x"}, "default", {})
SERVER = Pod("cluster-1", "blue", {"app": "server"}, {"team": "y"}, "default", {})
FLOW = Flow(CLIENT, SERVER, Port(80))
READING = Agents("1.20.2", cluster_policies=True)


def evaluator(
    spec: str, kind: str = "ClusterNetworkPolicy", agents: Agents = READING, mode: Mode = Mode.DEFAULT
) -> Evaluator:
    written = {"apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": kind, "metadata": {"name": "all"}}
    policy = Policy("cluster-1", {**written, "spec": yaml.safe_load(spec)})
    return Evaluator([Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,), mode, agents=agents)])


@pytest.mark.parametrize(
    ("subject", "directions", "expected"),
    [
        ("namespaces: {}", "ingress: [{action: Deny}]", ("allowed", "undecided")),
        ("namespaces: {}", "egress: [{action: Deny}]", ("undecided", "allowed")),
        ("namespaces: {matchLabels: {team: x}}", "ingress: [{}], egress: [{}]", ("undecided", "allowed")),
        (
            "namespaces: {matchLabels: {kubernetes.io/metadata.name: blue}}",
            "ingress: [{}]",
            ("allowed", "undecided"),
        ),
        (
            "pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: server}}}",
            "ingress: [{}]",
            ("allowed", "undecided"),
        ),
        (
            "pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: other}}}",
            "ingress: [{}]",
            ("allowed", "allowed"),
        ),
        ("namespaces: {}", "ingress: []", ("allowed", "allowed")),
        ("namespaces: 5", "ingress: [{}]", ("allowed", "undecided")),
    ],
)
def test_what_it_may_decide_is_undecided(subject: str, directions: str, expected: tuple[str, str]) -> None:
    found = evaluator(f"{{tier: Admin, priority: 1, subject: {{{subject}}}, {directions}}}")

    verdict = found.evaluate(FLOW)

    assert (str(verdict.egress.decision), str(verdict.ingress.decision)) == expected
    (left_out,) = found.not_evaluated
    assert left_out.policy == "ClusterNetworkPolicy all"
    assert "verdicts on the pods it selects are undecided" in left_out.why


@pytest.mark.parametrize(
    ("kind", "agents", "why"),
    [
        ("ClusterNetworkPolicy", Agents("1.20.2"), "enable-k8s-cluster-network-policy"),
        ("AdminNetworkPolicy", READING, "no release of Cilium reads a AdminNetworkPolicy"),
        ("BaselineAdminNetworkPolicy", READING, "no release of Cilium"),
    ],
)
def test_what_agents_do_not_read_decides_nothing(kind: str, agents: Agents, why: str) -> None:
    found = evaluator("{subject: {namespaces: {}}, ingress: [{action: Deny}]}", kind, agents)

    assert str(found.evaluate(FLOW).decision) == "allowed"
    assert why in found.not_evaluated[0].why


def test_where_nothing_is_enforced_it_decides_nothing() -> None:
    found = evaluator("{subject: {namespaces: {}}, ingress: [{action: Deny}]}", mode=Mode.NEVER)

    assert str(found.evaluate(FLOW).decision) == "allowed"
