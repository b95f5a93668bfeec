# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""Mistakes in policies written by hand: each with its place, what is allowed and how to fix it."""

from typing import Any

import pytest
import yaml

from eks_cilium.policy.objects import Finding, Policy, UnreadablePolicyError, check, parse_policies

pytestmark = pytest.mark.unit

PEER = "io.cilium.k8s.policy.cluster"


def found(
    rule: str, kind: str = "CiliumNetworkPolicy", version: str = "1.19.7", **more: Any
) -> list[Finding]:
    metadata = {"name": "x"} if kind.startswith("CiliumClusterwide") else {"name": "x", "namespace": "a"}
    spec = {"endpointSelector": {}, **yaml.safe_load(rule)}
    written = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}
    return check(Policy("cluster-1", written, "file.yaml"), version, **more)


@pytest.mark.parametrize(
    ("rule", "key", "allowed"),
    [
        ("{egress: []}", "spec", "a rule with an entry"),
        (
            "{egress: [{toEntities: [world], toCIDR: [10.0.0.0/8]}]}",
            "spec.egress[0]",
            "one kind of peers in an entry, not toCIDR and toEntities",
        ),
        (
            "{ingress: [{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: '80'}]}]}]}",
            "spec.ingress[0].icmps",
            "icmps or toPorts",
        ),
        (
            "{egress: [{toPorts: [{ports: [{port: '70000'}]}]}]}",
            "spec.egress[0].toPorts[0].ports[0].port",
            "0 to 65535",
        ),
        (
            "{egress: [{toCIDR: [10.0.0.1]}]}",
            "spec.egress[0].toCIDR[0]",
            "a network such as 10.0.0.0/16, also for",
        ),
        (
            "{egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}]}]}",
            "spec.egress[0].toCIDRSet[0].except[0]",
            "a network inside 10.0.0.0/8",
        ),
        (
            "{ingress: [{toPorts: [{ports: [{port: '53', protocol: UDP}], rules: {http: [{}]}}]}]}",
            "spec.ingress[0].toPorts[0].ports[0].protocol",
            "TCP where there are rules of layer 7",
        ),
        (
            "{ingress: [{toPorts: [{ports: [{port: '53', protocol: UDP}], rules: {dns: [{matchPattern: '*'}]}}]}]}",
            "spec.ingress[0].toPorts[0].rules.dns",
            "nothing on ingress",
        ),
        (
            "{endpointSelector: {matchExpressions: [{key: app, operator: In}]}, egress: [{}]}",
            "spec.endpointSelector.matchExpressions[0].values",
            "at least one value with In",
        ),
        (
            "{endpointSelector: {matchExpressions: [{key: app, operator: Exists, values: [x]}]}, egress: [{}]}",
            "spec.endpointSelector.matchExpressions[0].values",
            "no values with Exists",
        ),
    ],
)
def test_rules_that_agents_would_refuse_are_refused(rule: str, key: str, allowed: str) -> None:
    (finding,) = found(rule)

    assert finding.key == key
    assert finding.allowed.startswith(allowed)


def test_a_namespaced_policy_selects_no_nodes() -> None:
    written: dict[str, Any] = {"nodeSelector": {}, "egress": [{}]}
    policy = {"kind": "CiliumNetworkPolicy", "metadata": {"name": "x", "namespace": "a"}, "spec": written}

    (finding,) = check(Policy("cluster-1", policy), "1.19.7")

    assert (finding.key, finding.allowed) == (
        "spec.nodeSelector",
        "nothing: only a CiliumClusterwideNetworkPolicy can select nodes",
    )


@pytest.mark.parametrize(
    ("metadata", "kind", "key"),
    [
        ({}, "CiliumNetworkPolicy", "metadata.name"),
        ({"name": "x"}, "CiliumNetworkPolicy", "metadata.namespace"),
        ({"name": "x", "namespace": "a"}, "CiliumClusterwideNetworkPolicy", "metadata.namespace"),
    ],
)
def test_name_and_namespace_of_a_policy_are_required(metadata: dict[str, str], kind: str, key: str) -> None:
    written = {"kind": kind, "metadata": metadata, "spec": {"endpointSelector": {}, "egress": [{}]}}

    (finding,) = check(Policy("cluster-1", written), "1.19.7")

    assert finding.key == key


def test_no_rule_and_unknown_keys_at_the_top_are_refused() -> None:
    written = {"kind": "CiliumNetworkPolicy", "metadata": {"name": "x", "namespace": "a"}, "sepc": {}}

    assert [finding.key for finding in check(Policy("cluster-1", written), "1.19.7")] == ["sepc", "spec"]


@pytest.mark.parametrize(
    "selector",
    [
        f"{{matchLabels: {{{PEER}: cluster-2}}}}",
        f"{{matchLabels: {{'k8s:{PEER}': cluster-2}}}}",
        f"{{matchLabels: {{'any:{PEER}': cluster-2}}}}",
        f"{{matchExpressions: [{{key: {PEER}, operator: Exists}}]}}",
        "{matchLabels: {'reserved:host': ''}}",
    ],
)
def test_a_peer_that_names_its_cluster_means_the_same_everywhere(selector: str) -> None:
    assert found(f"{{egress: [{{toEndpoints: [{selector}]}}]}}") == []


@pytest.mark.parametrize("section", ["egress: [{toEndpoints", "ingressDeny: [{fromEndpoints"])
def test_a_peer_that_names_none_is_refused_unless_permitted(section: str) -> None:
    rule = f"{{{section}: [{{matchLabels: {{app: server}}}}]}}]}}"

    (finding,) = found(rule)

    assert "any cluster up to Cilium 1.18, and only those of its own cluster from 1.19 on" in finding.allowed
    assert f"`{PEER}: cluster-1`" in finding.fix
    assert found(rule, any_cluster=True) == []


def test_all_mistakes_of_a_policy_are_found_at_once() -> None:
    ports = "toPorts: [{ports: [{port: '70000'}]}]"
    rule = f"{{egress: [{{toEndpoints: [{{}}], {ports}}}, {{toCIDRSet: [{{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}}]}}"

    assert len(found(rule)) == 3


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"name": "My_Policy", "namespace": "a"}, "metadata.name"),
        ({"name": "-x", "namespace": "a"}, "metadata.name"),
        ({"name": "x" * 254, "namespace": "a"}, "metadata.name"),
        ({"name": "x", "namespace": "a.b"}, "metadata.namespace"),
        ({"name": "x", "namespace": "A"}, "metadata.namespace"),
        ({"name": "x", "namespace": "x" * 64}, "metadata.namespace"),
    ],
)
def test_names_that_an_api_server_refuses_are_refused(metadata: dict[str, str], key: str) -> None:
    rule: dict[str, Any] = {"endpointSelector": {}, "egress": [{}]}
    written = {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": rule}

    assert [finding.key for finding in check(Policy("cluster-1", written), "1.19.7")] == [key]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (
            "{endpointSelector: {matchLabels: {statefulset.kubernetes.io/pod-name: a-0}}, egress: [{}]}",
            "spec.endpointSelector",
        ),
        (
            "{endpointSelector: {matchExpressions: [{key: 'k8s:pod-template-hash', operator: Exists}]}, egress: [{}]}",
            "spec.endpointSelector",
        ),
        (
            f"{{egress: [{{toEndpoints: [{{matchLabels: {{'any:controller-revision-hash': a, {PEER}: b}}}}]}}]}}",
            "spec.egress[0].toEndpoints[0]",
        ),
    ],
)
def test_a_selector_by_labels_that_no_identity_has_is_refused(rule: str, key: str) -> None:
    (finding,) = found(rule)

    assert finding.key == key
    assert finding.allowed.startswith("a label that Cilium makes part of identities")


def test_a_label_that_no_identity_has_may_be_excluded() -> None:
    assert not found(
        "{endpointSelector: {matchExpressions: [{key: pod-template-hash, operator: DoesNotExist}]}, egress: [{}]}"
    )


def test_merge_keys_are_read_as_kubectl_reads_them() -> None:
    text = """
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: x, namespace: a}
specs:
  - &shared {endpointSelector: {}, egress: [{}]}
  - {<<: *shared, egress: [{toEntities: [world]}]}
  - {<<: [*shared], ingress: [{}]}
"""
    (policy,) = parse_policies(text, cluster="cluster-1", origin="file.yaml")

    shared, overridden, extended = policy.object["specs"]
    assert shared == {"endpointSelector": {}, "egress": [{}]}
    assert overridden == {"endpointSelector": {}, "egress": [{"toEntities": ["world"]}]}
    assert extended == {**shared, "ingress": [{}]}


@pytest.mark.parametrize(
    "text",
    [
        "{kind: List, apiVersion: v1, items: 5}",
        "{kind: List, apiVersion: v1, items: {a: b}}",
        "{kind: List, apiVersion: v1, items: [5]}",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, spec: {endpointSelector: {matchLabels: {5: a}}}}",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, spec: {endpointSelector: {matchLabels: {yes: a}}}}",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, spec: {[a]: b}}",
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, kind: X}",
    ],
)
def test_a_file_of_another_shape_is_one_refusal(text: str) -> None:
    with pytest.raises(UnreadablePolicyError, match=r"file\.yaml"):
        parse_policies(text, cluster="cluster-1", origin="file.yaml")
