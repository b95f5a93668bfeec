# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""Options of cilium-config decide what agents enforce, each in the releases that know it."""

import dataclasses
from typing import Any

import pytest
import yaml

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.identity_labels import label_filter
from eks_cilium.policy.verdict import Evaluator, Flow, Mode, Pod, Port, SelectorScope
from eks_cilium.policy.verdict.labels import identity_of
from eks_cilium.policy.verdict.options import cluster_of, differing

pytestmark = pytest.mark.unit

POD = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
FLOW = Flow(POD, Pod("cluster-1", "red", {"app": "server"}, {}, "default", {}), Port(80))


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        ("1.12.4", ["statefulset.kubernetes.io/pod-name", "controller-uid", "topology.kubernetes.io/zone"]),
        ("1.15.19", ["topology.kubernetes.io/zone"]),
        ("1.18.4", ["topology.kubernetes.io/zone"]),
        ("1.18.11", []),
        ("1.20.2", []),
    ],
)
def test_each_release_leaves_its_own_labels_out_of_identities(version: str, kept: list[str]) -> None:
    volatile = [
        *("statefulset.kubernetes.io/pod-name", "controller-uid", "topology.kubernetes.io/zone"),
        *("pod-template-hash", "kubernetes.io/x", "annotation.x"),
    ]

    found = label_filter(version)

    assert [key for key in volatile if found.keeps(key)] == kept
    assert found.keeps("app")
    assert found.keeps("app.kubernetes.io/name")


@pytest.mark.parametrize(
    ("option", "kept"),
    [
        ("!job", ["app", "team"]),
        ("k8s:!job", ["app", "team"]),
        ("any:!job", ["app", "job", "team"]),
        ("k8s:team", ["team"]),
        ("app team", ["app", "team"]),
        (r"k8s:!te.*", ["app", "job"]),
        ("reserved:.*", []),
    ],
)
def test_own_patterns_decide_which_labels_count(option: str, kept: list[str]) -> None:
    found = label_filter("1.20.2", option)

    assert [key for key in ("app", "job", "team") if found.keeps(key)] == kept
    assert found.keeps("io.kubernetes.pod.namespace")


@pytest.mark.parametrize("option", ["k8s:[[:alpha:]]", "(", r"\pL"])
def test_a_pattern_that_cannot_be_read_is_named(option: str) -> None:
    with pytest.raises(UserError, match="cilium-config has labels"):
        label_filter("1.20.2", option)


def test_a_selector_by_a_label_that_the_option_leaves_out_is_refused() -> None:
    spec = {"endpointSelector": {"matchLabels": {"job": "a"}}, "ingress": [{}]}
    metadata = {"name": "rule", "namespace": "red"}
    policy = Policy(
        "cluster-1",
        {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec},
    )

    assert check(policy, "1.20.2") == []
    (finding,) = check(policy, "1.20.2", labels="k8s:!job")
    assert finding.value == "job"


@pytest.mark.parametrize(
    ("version", "ingress"), [("1.16.19", "allowed"), ("1.17.15", "denied"), ("1.20.2", "denied")]
)
def test_with_the_option_off_every_rule_denies_by_default(version: str, ingress: str) -> None:
    spec = yaml.safe_load(
        "{endpointSelector: {}, enableDefaultDeny: {ingress: false}, ingress: [{fromEndpoints: [{matchLabels: {app: other}}]}]}"
    )

    assert _ingress({"enable-non-default-deny-policies": "false"}, version, spec) == ingress
    assert _ingress({}, version, spec) == "allowed"


def _ingress(config: dict[str, str], version: str, spec: Any) -> str:
    written = {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "rule", "namespace": "red"},
    }
    cluster = cluster_of("cluster-1", config, version)
    policy = Policy("cluster-1", {**written, "spec": spec})
    found = Evaluator([type(cluster)(**{**vars(cluster), "policies": (policy,)})])
    return str(found.evaluate(FLOW).ingress.decision)


@pytest.mark.parametrize(
    ("config", "version", "scope"),
    [
        ({}, "1.18.11", SelectorScope.ANY_CLUSTER),
        ({}, "1.19.7", SelectorScope.OWN_CLUSTER),
        ({"policy-default-local-cluster": "true"}, "1.18.11", SelectorScope.OWN_CLUSTER),
        ({"policy-default-local-cluster": "false"}, "1.20.2", SelectorScope.ANY_CLUSTER),
        ({"policy-default-local-cluster": "true"}, "1.17.15", SelectorScope.ANY_CLUSTER),
    ],
)
def test_what_a_selector_without_a_cluster_means(
    config: dict[str, str], version: str, scope: SelectorScope
) -> None:
    assert cluster_of("cluster-1", config, version).selector_scope is scope


def test_options_that_older_agents_do_not_know_change_nothing() -> None:
    config = {"enable-cilium-network-policy": "false", "enable-k8s-cluster-network-policy": "true"}

    assert cluster_of("cluster-1", config, "1.16.19").agents.ignored_kinds == {}
    assert cluster_of("cluster-1", config, "1.17.15").agents.ignored_kinds == {
        "CiliumNetworkPolicy": "enable-cilium-network-policy: false"
    }
    assert not cluster_of("cluster-1", config, "1.19.7").agents.cluster_policies
    assert cluster_of("cluster-1", config, "1.20.2").agents.cluster_policies


@pytest.mark.parametrize(
    ("defaults", "audit", "mode"),
    [
        ({"policy-audit-mode": "true"}, True, Mode.DEFAULT),
        ({"enable-policy": "never"}, False, Mode.NEVER),
        ({"enable-policy": "always"}, False, Mode.DEFAULT),
        ({"debug": "true"}, False, Mode.DEFAULT),
    ],
)
def test_nodes_that_enforce_nothing_count_for_the_whole_cluster(
    defaults: dict[str, str], audit: bool, mode: Mode
) -> None:
    found = cluster_of("cluster-1", {}, "1.20.2", [{"name": "some", "defaults": defaults}])

    assert (found.agents.audit, found.mode) == (audit, mode)


def test_options_that_differ_between_nodes_are_named() -> None:
    configs = [{"name": "some", "defaults": {"policy-audit-mode": "true", "debug": "true", "labels": "a"}}]

    assert list(differing({"labels": "a"}, configs)) == [
        "CiliumNodeConfig some sets policy-audit-mode: true on some nodes"
    ]


def test_the_labels_of_an_assertion_count_as_in_the_cluster_it_is_about() -> None:
    pod = Pod("cluster-1", "red", {"app": "client", "job": "a"}, {"team": "x"}, "default", {})
    known = cluster_of(
        "cluster-1", {"labels": "k8s:!job k8s:!io\\.cilium\\.k8s\\.namespace\\.labels\\.team"}, "1.20.2"
    )

    labels = {
        key
        for _, key, _ in identity_of(dataclasses.replace(pod, label_filter=known.agents.label_filter)).labels
    }

    assert {"app", "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster"} <= labels
    assert not labels & {"job", "io.cilium.k8s.namespace.labels.team"}
