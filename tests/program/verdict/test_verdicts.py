# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""Verdicts beyond allowed and denied: the rules behind them, unknown facts, hints, and changes with 1.19."""

import json
from typing import Any

import pytest
import yaml

from eks_cilium.policy import report
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.identity_labels import is_identity_label
from eks_cilium.policy.verdict import (
    Address,
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
    changed_verdicts,
    failed_assertion,
    selector_changes,
    selector_scope_of,
)

pytestmark = pytest.mark.unit

CLIENT = Pod("cluster-1", "red", {"app": "client"})
SERVER = Pod("cluster-2", "blue", {"app": "server"})
NAMESPACE, CLUSTER = "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster"
PLACE = f"{NAMESPACE}: blue, {CLUSTER}: cluster-2"


def policy(rule: str, name: str = "rule", kind: str = "CiliumNetworkPolicy") -> Policy:
    spec = {"endpointSelector": {}, **yaml.safe_load(rule)}
    metadata = {"name": name, **({"namespace": "red"} if kind == "CiliumNetworkPolicy" else {})}
    return Policy(
        "cluster-1", {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}
    )


def evaluator(*policies: Policy, **more: Any) -> Evaluator:
    scope = SelectorScope.OWN_CLUSTER
    return Evaluator([Cluster("cluster-1", scope, policies, **more), Cluster("cluster-2", scope)])


def verdict_on(rule: str, destination: Endpoint = SERVER, port: Port = Port(8080)) -> Verdict:  # noqa: B008 - frozen
    return evaluator(policy(rule)).evaluate(Flow(CLIENT, destination, port))


@pytest.mark.parametrize(
    ("version", "scope"),
    [
        ("1.12.4", "any cluster"),
        ("1.18.11", "any cluster"),
        ("1.19.7", "own cluster"),
        ("v1.20.2", "own cluster"),
    ],
)
def test_what_a_selector_without_a_cluster_means_changed_with_1_19(version: str, scope: str) -> None:
    assert selector_scope_of(version) == scope


def test_the_rule_that_allows_is_named() -> None:
    verdict = verdict_on(f"{{egress: [{{}}, {{toEndpoints: [{{matchLabels: {{{PLACE}}}}}]}}]}}")

    assert [str(rule) for rule in verdict.egress.rules] == ["CiliumNetworkPolicy red/rule egress[1]"]
    assert verdict.decision is Decision.ALLOWED


def test_the_rules_that_deny_are_named_and_not_those_that_only_switch_the_default() -> None:
    verdict = verdict_on("{egress: [{toEntities: [all]}], egressDeny: [{toEntities: [all]}]}")

    assert [rule.section for rule in verdict.egress.rules] == ["egressDeny[0]"]


@pytest.mark.parametrize(
    ("rule", "end", "why"),
    [
        ("{egress: [{toFQDNs: [{matchName: a.example}]}]}", Address("203.0.113.1"), "behind a DNS name"),
        ("{egress: [{toServices: [{k8sService: {serviceName: a}}]}]}", SERVER, "the endpoints of a Service"),
        ("{egress: [{toGroups: [{aws: {}}]}]}", Address("203.0.113.1"), "a cloud's group"),
        ("{egress: [{toNodes: [{matchLabels: {a: b}}]}]}", Entity("remote-node"), "the labels of nodes"),
        ("{egress: [{toCIDRSet: [{cidrGroupRef: a}]}]}", Address("203.0.113.1"), "a CiliumCIDRGroup"),
        ("{egress: [{toCIDR: [10.0.0.0/8]}]}", Entity("kube-apiserver"), "the addresses of kube-apiserver"),
        ("{egress: [{toPorts: [{ports: [{port: http}]}]}]}", SERVER, "is called http"),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{io.cilium.k8s.namespace.labels.team: x, {CLUSTER}: cluster-2}}}}]}}]}}",
            SERVER,
            "the labels of namespace blue",
        ),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{io.cilium.k8s.policy.serviceaccount: x, {PLACE}}}}}]}}]}}",
            SERVER,
            "the service account",
        ),
        (
            "{egress: [{toEntities: [all]}], egressDeny: [{toCIDRSet: [{cidrGroupRef: a}]}]}",
            Address("203.0.113.1"),
            "a CiliumCIDRGroup",
        ),
    ],
)
def test_a_flow_that_depends_on_unknown_facts_is_undecided_with_the_reason(
    rule: str, end: Endpoint, why: str
) -> None:
    verdict = verdict_on(rule, end)

    assert verdict.decision is Decision.UNDECIDED
    assert why in verdict.egress.reason


def test_unknown_facts_do_not_matter_where_another_rule_decides() -> None:
    allowed = verdict_on(
        "{egress: [{toFQDNs: [{matchName: a.example}]}, {toEntities: [world]}]}", Address("203.0.113.1")
    )
    denied = verdict_on("{egress: [{toServices: [{}]}], egressDeny: [{toEntities: [all]}]}")

    assert (allowed.decision, denied.decision) == (Decision.ALLOWED, Decision.DENIED)


@pytest.mark.parametrize(("modes", "end"), [({"nodes"}, Entity("remote-node")), ({"pods"}, SERVER)])
def test_networks_may_select_pods_and_nodes_with_policy_cidr_match_mode(
    modes: set[str], end: Endpoint
) -> None:
    rule = policy("{egress: [{toCIDR: [0.0.0.0/0]}]}")

    verdict = evaluator(rule, cidr_selects=frozenset(modes)).evaluate(Flow(CLIENT, end, Port(80)))

    assert verdict.decision is Decision.UNDECIDED


def test_conditions_beyond_the_port_are_in_the_report() -> None:
    rule = (
        f"{{egress: [{{toEndpoints: [{{matchLabels: {{{PLACE}}}}}], authentication: {{mode: required}}, "
        "toPorts: [{ports: [{port: '8080', protocol: TCP}], rules: {http: [{path: /}]}}]}]}"
    )

    verdict = verdict_on(rule)

    assert verdict.egress.layer7 == ("http rules", "mutual authentication")
    assert "then http rules, mutual authentication" in report.table([verdict])


def test_policies_that_select_nodes_or_that_agents_refuse_are_listed_as_not_evaluated() -> None:
    nodes = Policy(
        "cluster-1",
        {
            "kind": "CiliumClusterwideNetworkPolicy",
            "metadata": {"name": "nodes"},
            "spec": {"nodeSelector": {}, "ingress": [{}]},
        },
    )
    refused = policy("{egress: [{toEntities: [all], toCIDR: [10.0.0.0/8]}]}")

    both = evaluator(nodes, refused)

    assert both.evaluate(Flow(CLIENT, SERVER, Port(80))).egress.reason == "no policy selects it"
    about_nodes, by_agents = report.not_evaluated_lines(both.not_evaluated)
    assert about_nodes.startswith("cluster-1: CiliumClusterwideNetworkPolicy nodes: it selects nodes")
    assert "agents refuse it and enforce none of it: spec.egress[0]" in by_agents


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{app: server, {CLUSTER}: cluster-2}}}}]}}]}}",
            "it names no namespace, so it means the policy's own, red: write `io.kubernetes.pod.namespace: blue`",
        ),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{app: server, {NAMESPACE}: blue}}}}]}}]}}",
            f"from Cilium 1.19 on it means its own, cluster-1: write `{CLUSTER}: cluster-2`",
        ),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{app: web, {PLACE}}}}}]}}]}}",
            "CiliumNetworkPolicy red/rule egress[0] wants app=web",
        ),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{{PLACE}}}}}], toPorts: [{{ports: [{{port: '80'}}]}}]}}]}}",
            "allows cluster-2/blue app=server, but only at 80/any",
        ),
        ("{egress: [{toCIDR: [10.0.0.0/8]}]}", "allows 10.0.0.0/8, but networks select no pods"),
    ],
)
def test_a_hint_names_the_closest_rule_and_what_it_lacks(rule: str, hint: str) -> None:
    (found,) = verdict_on(rule).egress.hints

    assert hint in found


def test_policies_see_only_labels_that_are_part_of_identities() -> None:
    labels = {"app": "server", "pod-template-hash": "abc", "app.kubernetes.io/name": "web"}

    assert [key for key in labels if is_identity_label(key)] == ["app", "app.kubernetes.io/name"]
    rule = f"{{egress: [{{toEndpoints: [{{matchLabels: {{pod-template-hash: abc, {PLACE}}}}}]}}]}}"
    assert verdict_on(rule, Pod("cluster-2", "blue", labels)).decision is Decision.DENIED


def test_selectors_and_verdicts_that_change_with_1_19_are_listed() -> None:
    bare = policy(f"{{egress: [{{toEndpoints: [{{matchLabels: {{{NAMESPACE}: blue}}}}, {{}}]}}]}}")
    plain = Policy(
        "cluster-1",
        {
            "kind": "NetworkPolicy",
            "metadata": {"name": "plain", "namespace": "red"},
            "spec": {
                "podSelector": {},
                "ingress": [{"from": [{"podSelector": {}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
            },
        },
    )
    sound = policy(
        f"{{egress: [{{toEndpoints: [{{matchLabels: {{{PLACE}}}}}]}}, {{toEntities: [cluster]}}]}}", "sound"
    )

    found = selector_changes([bare, plain, sound])

    assert [(change.policy, change.path) for change in found] == [
        ("CiliumNetworkPolicy red/rule", "spec.egress[0].toEndpoints[0]"),
        ("CiliumNetworkPolicy red/rule", "spec.egress[0].toEndpoints[1]"),
        ("NetworkPolicy red/plain", "spec.ingress[0].from[0]"),
    ]
    flows = [Flow(CLIENT, SERVER, Port(80)), Flow(CLIENT, Pod("cluster-1", "blue"), Port(80))]
    ((before, after),) = changed_verdicts(evaluator(bare).clusters, flows)
    assert (before.decision, after.decision) == (Decision.ALLOWED, Decision.DENIED)


def test_only_a_failed_assertion_is_reported_with_its_verdict_and_fix() -> None:
    flow = Flow(CLIENT, SERVER, Port(80))

    assert failed_assertion(evaluator().evaluate(flow), Decision.ALLOWED) is None
    assert str(failed_assertion(evaluator(policy("{egress: [{}]}")).evaluate(flow), Decision.ALLOWED)) == (
        "cluster-1/red app=client -> cluster-2/blue app=server at 80/TCP must be allowed and is denied "
        "(egress denied by default of red/rule; ingress allowed: no policy selects it); "
        "fix: allow it on egress in cluster-1, or write an intent for it"
    )


def test_an_undecided_flow_is_neither_allowed_nor_denied() -> None:
    verdict = verdict_on("{egress: [{toServices: [{}]}]}", port=Port(80))

    for wanted in (Decision.ALLOWED, Decision.DENIED):
        assert failed_assertion(verdict, wanted) is not None


def test_the_table_is_aligned_and_the_markdown_escaped() -> None:
    verdicts = [
        verdict_on("{egress: [{}]}"),
        verdict_on("{egress: [{}]}", Pod("cluster-2", "blue", {"app": "a|b*"})),
    ]

    header, first, second = report.table(verdicts).splitlines()
    assert header.index("VERDICT") == first.index("denied") == second.index("denied")
    assert "app=a\\|b\\*" in report.markdown(verdicts)
    assert report.table([]) == "No traffic to judge."


def test_the_json_document_holds_the_whole_verdict() -> None:
    document = json.loads(json.dumps(report.document([verdict_on("{egress: [{}]}", Entity("host"))])))

    assert document["schema"] == "eks-cilium/verdicts/v1"
    (verdict,) = document["verdicts"]
    assert (verdict["from"]["cluster"], verdict["to"], verdict["verdict"]) == (
        "cluster-1",
        {"entity": "host"},
        "denied",
    )
    assert verdict["egress"]["rules"] == [
        {"cluster": "cluster-1", "policy": "CiliumNetworkPolicy red/rule", "rule": "egress[0]"}
    ]
    assert verdict["ingress"]["decision"] == "not asked"
