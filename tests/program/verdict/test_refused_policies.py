"""Agents take an object whole or not at all; which they refuse is compared with Cilium's own `Parse`."""

from typing import Any

import pytest
import yaml

from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import Cluster, Decision, Evaluator, Flow, Pod, Port, SelectorScope
from lab.toolchain import Toolchain
from tests.program.verdict.oracle import Case, ours, refused_by_cilium, refused_by_us, theirs
from tests.program.verdict.refused_policies import ACCEPTED, REFUSED

CLIENT, SERVER = (
    Pod("cluster-1", "red", {"app": "client"}, {}, "a", {}),
    Pod("cluster-1", "red", {}, {}, "b", {}),
)
FLOW = Flow(CLIENT, SERVER, Port(80))
BAD = REFUSED[0]
DENYING = "{endpointSelector: {}, egressDeny: [{toEntities: [all]}]}"
ALLOWING = "{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {app: other}}]}]}"


def policy(**rules: Any) -> Policy:
    metadata = {"name": "rule", "namespace": "red"}
    written = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata, **rules}
    return Policy("cluster-1", written)


def case(*policies: Policy) -> Case:
    return Case((Cluster("cluster-1", SelectorScope.OWN_CLUSTER, policies),), (FLOW,))


def rule(text: str) -> Any:
    return yaml.safe_load(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    "rules",
    [
        {"specs": [rule(BAD), rule(DENYING)]},
        {"specs": [rule(DENYING), rule(BAD)]},
        {"spec": rule(BAD), "specs": [rule(ALLOWING)]},
        {"spec": rule(ALLOWING), "specs": [rule(DENYING), rule(BAD)]},
    ],
    ids=["first of specs", "last of specs", "spec", "specs beside spec"],
)
def test_one_refused_rule_leaves_the_whole_object_out(rules: dict[str, Any]) -> None:
    evaluator = Evaluator(case(policy(**rules)).clusters)

    verdict = evaluator.evaluate(FLOW)

    assert (verdict.egress.reason, verdict.ingress.reason) == ("no policy selects it",) * 2
    (left_out,) = evaluator.not_evaluated
    assert left_out.why.startswith("agents refuse it and enforce none of it: spec")


@pytest.mark.unit
@pytest.mark.parametrize("text", REFUSED)
def test_what_agents_refuse_is_refused_in_the_preview_and_decides_nothing(text: str) -> None:
    found = policy(spec=rule(text))

    assert refused_by_us(case(found)) == {("cluster-1", 0)}
    assert check(found, "1.20.2", any_cluster=True)


@pytest.mark.unit
@pytest.mark.parametrize("text", ACCEPTED)
def test_what_agents_accept_is_not_refused(text: str) -> None:
    assert refused_by_us(case(policy(spec=rule(text)))) == set()


@pytest.mark.control_plane
def test_cilium_refuses_the_same_policies_and_decides_the_same_without_them(toolchain: Toolchain) -> None:
    cases = [case(policy(spec=rule(text))) for text in (*REFUSED, *ACCEPTED)]

    assert [
        text
        for text, refused in zip(
            (*REFUSED, *ACCEPTED), refused_by_cilium(toolchain.oracle(), cases), strict=True
        )
        if bool(refused) != (text in REFUSED)
    ] == []
    answers = theirs(toolchain.oracle(), cases)
    assert [ours(each) for each in cases if "toServices" not in str(each)] == [
        answer for each, answer in zip(cases, answers, strict=True) if "toServices" not in str(each)
    ]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "version", "refused"),
    [
        # Up to 1.19 agents check a key together with its source, where `any.-app` is one.
        ("{endpointSelector: {matchLabels: {-app: a}}, ingress: [{}]}", "1.19.7", False),
        ("{endpointSelector: {matchLabels: {-app: a}}, ingress: [{}]}", "1.20.2", True),
        # Up to 1.15 entries that deny are not checked.
        (
            "{endpointSelector: {}, egressDeny: [{toEntities: [world], toCIDR: [10.0.0.0/8]}]}",
            "1.15.19",
            False,
        ),
        (
            "{endpointSelector: {}, egressDeny: [{toEntities: [world], toCIDR: [10.0.0.0/8]}]}",
            "1.16.19",
            True,
        ),
        ("{endpointSelector: {}, ingress: []}", "1.16.19", False),
        ("{endpointSelector: {}, ingress: []}", "1.17.15", True),
        (ACCEPTED[-2], "1.12.4", False),
        (ACCEPTED[-2], "1.16.19", True),
        (ACCEPTED[-2], "1.17.15", False),
        ("{endpointSelector: {}, egress: [{toEntities: [cluster-mesh]}]}", "1.19.7", True),
        ("{endpointSelector: {}, egress: [{toEntities: [cluster-mesh]}]}", "1.20.2", False),
        (
            "{endpointSelector: {}, egress: [{toPorts: [{ports: [{port: '80', protocol: SCTP}]}]}]}",
            "1.12.4",
            True,
        ),
    ],
)
def test_each_release_refuses_what_it_refuses(text: str, version: str, refused: bool) -> None:
    cluster = Cluster(
        "cluster-1", SelectorScope.ANY_CLUSTER, (policy(spec=rule(text)),), agents=Agents(version)
    )

    assert bool(Evaluator([cluster]).not_evaluated) is refused


@pytest.mark.unit
@pytest.mark.parametrize(
    "written",
    [
        {"spec": 5},
        {"spec": {"endpointSelector": 5, "ingress": [{}]}},
        {"spec": {"endpointSelector": {}, "ingress": {"fromEndpoints": 5}}},
        {"spec": {"endpointSelector": {}, "ingress": [5]}},
        {"spec": {"endpointSelector": {}, "ingress": [{"toPorts": [{"ports": ["80"]}]}]}},
        {"spec": {"endpointSelector": {}, "ingress": [{"fromEndpoints": [{"matchLabels": {5: "a"}}]}]}},
        {"spec": {"endpointSelector": {}, "ingress": [{"fromCIDR": [5]}]}},
        {"spec": {"endpointSelector": {"matchExpressions": [{}]}, "ingress": [{}]}},
        {"spec": None},
        {},
    ],
)
def test_an_object_of_any_shape_is_one_line_and_decides_nothing(written: dict[str, Any]) -> None:
    evaluator = Evaluator(case(policy(**written)).clusters)

    assert evaluator.evaluate(FLOW).decision is Decision.ALLOWED
    assert len(evaluator.not_evaluated) == 1


@pytest.mark.unit
@pytest.mark.parametrize(
    "spec",
    [
        {"podSelector": {"matchLabels": {"app": ["a"]}}, "ingress": [{}]},
        {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Is"}]}, "ingress": [{}]},
        {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/99"}}]}]},
        {"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": {}}}}]}]},
    ],
)
def test_values_that_no_rule_can_have_are_one_line_before_the_first_flow(spec: dict[str, Any]) -> None:
    metadata = {"name": "rule", "namespace": "red"}
    found = Policy("cluster-1", {"kind": "NetworkPolicy", "metadata": metadata, "spec": spec})

    evaluator = Evaluator(case(found).clusters)

    (left_out,) = evaluator.not_evaluated
    assert left_out.why.startswith(("agents cannot read it", "agents refuse it"))
    assert evaluator.evaluate(FLOW).decision is Decision.ALLOWED
