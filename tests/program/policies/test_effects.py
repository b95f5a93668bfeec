# ruff: noqa: E501 - rules are written in YAML's flow style, one a line
"""Which pods the policies of a stack put into default deny, by what runs in the clusters before."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from eks_cilium.policy.effects import newly_denied
from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    EnableDefaultDeny,
    Intent,
    Pods,
    Policy,
    deny_by_default,
    policy_pair,
)
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Decision,
    Evaluator,
    Flow,
    Mode,
    Pod,
    Port,
    SelectorScope,
)
from eks_cilium.policy.verdict.live import LiveCluster, live_cluster

pytestmark = pytest.mark.unit

CLIENT = Pods("one", "shop", {"app": "checkout"})
SERVER = Destination("two", "payments", {"app": "api"})
INTENT = Intent("pay", CLIENT, SERVER)
CLUSTERS = [Cluster(name, SelectorScope.OWN_CLUSTER) for name in ("one", "two")]


class Objects:
    """What was read of a cluster."""

    def __init__(self, name: str, pods: dict[str, str], policies: Sequence[Any], mode: str) -> None:
        self.config = {"cluster-name": name, "enable-policy": mode, "policy-default-local-cluster": "true"}
        self.pods: list[dict[str, Any]] = [
            dict(zip(("namespace", "name"), pod.split("/"), strict=True), ports=[]) for pod in pods
        ]
        self.endpoints = [
            {
                "metadata": dict(zip(("namespace", "name"), pod.split("/"), strict=True)),
                "labels": [
                    f"k8s:{label}",
                    f"k8s:io.kubernetes.pod.namespace={pod.split('/')[0]}",
                    f"k8s:io.cilium.k8s.policy.cluster={name}",
                ],
                "namedPorts": [],
            }
            for pod, label in pods.items()
        ]
        self.policies = policies
        self.groups: list[dict[str, Any]] = []
        self.services = None
        self.node_configs: list[dict[str, Any]] = []
        self.unread: list[str] = []
        self.cluster_ips: list[tuple[str, str]] = []
        self.malformed: list[str] = []


def running(
    name: str, pods: dict[str, str], policies: Sequence[Policy] = (), mode: str = "default"
) -> LiveCluster:
    """A cluster whose pods, `namespace/name`, have one label each."""
    return live_cluster(Objects(name, pods, [policy.object for policy in policies], mode))


def shown(policies: Sequence[Policy], *live: LiveCluster) -> list[str]:
    return [
        str(each) for each in newly_denied(policies, CLUSTERS, {each.cluster.name: each for each in live})
    ]


def by_hand(text: str) -> Policy:
    return Policy(
        "one", {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", **yaml.safe_load(text)}
    )


SHOP = running(
    "one",
    {"shop/checkout-0": "app=checkout", "shop/checkout-1": "app=checkout", "shop/web-0": "app=web"},
)
PAYMENTS = running("two", {"payments/api-0": "app=api", "payments/db-0": "app=db"})


def test_the_pods_of_both_sides_are_named_with_their_direction() -> None:
    assert shown(policy_pair(INTENT), SHOP, PAYMENTS) == [
        "one: egress of shop/checkout-0, shop/checkout-1 (by shop/pay-egress); DNS stays allowed",
        "two: ingress of payments/api-0 (by payments/pay-ingress)",
    ]


def test_pods_that_a_policy_selects_already_are_not_news() -> None:
    denied = deny_by_default(DefaultDeny(Pods("one", "shop"), ("egress",), "all"))
    shop = running("one", {"shop/checkout-0": "app=checkout"}, [denied])

    assert shown(policy_pair(INTENT), shop, PAYMENTS) == [
        "two: ingress of payments/api-0 (by payments/pay-ingress)"
    ]


def test_what_exists_already_is_not_news() -> None:
    egress, ingress = policy_pair(INTENT)
    shop = running("one", {"shop/checkout-0": "app=checkout"}, [egress])
    payments = running("two", {"payments/api-0": "app=api"}, [ingress])

    assert shown((egress, ingress), shop, payments) == []


def test_a_policy_that_is_widened_names_the_pods_it_did_not_select_before() -> None:
    egress, _ = policy_pair(INTENT)
    shop = running("one", {"shop/checkout-0": "app=checkout", "shop/web-0": "app=web"}, [egress])
    wider, _ = policy_pair(Intent("pay", Pods("one", "shop"), SERVER))

    assert shown([wider], shop) == [
        "one: egress of shop/web-0 (by shop/pay-egress); DNS stays allowed",
    ]


def test_a_default_deny_names_every_pod_of_its_namespace_in_both_directions() -> None:
    assert shown([deny_by_default(DefaultDeny(Pods("one", "shop")))], SHOP) == [
        "one: egress of shop/checkout-0, shop/checkout-1, shop/web-0 (by shop/default-deny); DNS stays allowed",
        "one: ingress of shop/checkout-0, shop/checkout-1, shop/web-0 (by shop/default-deny)",
    ]


def test_a_policy_by_hand_that_cuts_dns_says_so() -> None:
    text = "{metadata: {name: web, namespace: shop}, spec: {endpointSelector: {}, egress: [{toEntities: [world]}]}}"

    (line,) = shown([by_hand(text)], running("one", {"shop/web-0": "app=web"}))
    assert line == (
        "one: egress of shop/web-0 (by shop/web); DNS is denied too: allow port 53 of k8s-app: kube-dns in "
        "kube-system"
    )


def test_a_cache_on_the_network_of_nodes_is_not_among_what_stays_allowed() -> None:
    objects = Objects("one", {"shop/checkout-0": "app=checkout"}, [], "default")
    objects.pods.append(
        {"namespace": "kube-system", "name": "node-local-dns-x1", "hostNetwork": True, "ports": []}
    )

    (line,) = shown([policy_pair(INTENT)[0]], live_cluster(objects))
    assert line.endswith("; DNS stays allowed, but not by the NodeLocal DNSCache on the network of nodes")


def test_an_intent_that_only_allows_denies_no_pod() -> None:
    only = Intent("pay", CLIENT, SERVER, EnableDefaultDeny(egress=False, ingress=False))

    assert shown(policy_pair(only), SHOP, PAYMENTS) == []
    assert shown(policy_pair(only)) == []


@pytest.mark.parametrize("mode", [Mode.ALWAYS, Mode.NEVER])
def test_where_all_or_no_pods_are_denied_anyway_nothing_changes(mode: Mode) -> None:
    shop = running("one", {"shop/checkout-0": "app=checkout"}, mode=mode.value)

    assert shown([policy_pair(INTENT)[0]], shop) == []


def test_a_new_policy_that_selects_no_running_pod_is_shown_by_its_labels() -> None:
    shop = running("one", {"shop/web-0": "app=web"})

    assert shown([policy_pair(INTENT)[0]], shop) == [
        "one: egress of pods in shop with app=checkout, which no pod is now (by shop/pay-egress); DNS stays "
        "allowed"
    ]


@pytest.mark.parametrize("live", [(), (running("one", {}),)], ids=["not read", "no pod of Cilium"])
def test_where_no_pod_is_known_labels_stand_for_pods(live: Sequence[LiveCluster]) -> None:
    text = "{metadata: {name: web, namespace: shop}, spec: {endpointSelector: {matchExpressions: [{key: app, operator: Exists}]}, ingress: [{}]}}"
    denied = deny_by_default(DefaultDeny(Pods("one", "other"), ("egress",)))

    assert shown([*policy_pair(INTENT), denied, by_hand(text)], *live) == [
        "one: egress of pods in shop with app=checkout (by shop/pay-egress); DNS stays allowed",
        "one: egress of every pod in other (by other/default-deny); DNS stays allowed",
        "one: ingress of the pods in shop that it selects (by shop/web)",
        "two: ingress of pods in payments with app=api (by payments/pay-ingress)",
    ]


APPS = ("checkout", "web", "api")
DENIES = st.builds(EnableDefaultDeny, st.booleans(), st.booleans())
PODS = st.builds(lambda app: Pods("one", "shop", {"app": app} if app else {}), st.sampled_from(("", *APPS)))
POLICIES = st.lists(
    st.one_of(
        st.builds(
            lambda name, source, denies: policy_pair(Intent(name, source, SERVER, denies))[0],
            st.sampled_from("abc"),
            PODS,
            DENIES,
        ),
        st.builds(
            lambda name, pods, way: deny_by_default(DefaultDeny(pods, (way,), name)),
            st.sampled_from("def"),
            PODS,
            st.sampled_from(("egress", "ingress")),
        ),
    ),
    max_size=4,
    unique_by=lambda policy: policy.name,
)


@settings(deadline=None)
@given(POLICIES, POLICIES)
def test_named_is_exactly_what_is_allowed_before_and_denied_after(
    existing: list[Policy], wanted: list[Policy]
) -> None:
    live = running("one", {f"shop/{app}-0": f"app={app}" for app in APPS}, existing)
    found = newly_denied(wanted, CLUSTERS, {"one": live})

    names = {policy.name for policy in wanted}
    kept = tuple(policy for policy in live.cluster.policies if policy.name not in names)
    now, later = live.cluster, replace(live.cluster, policies=(*kept, *wanted))
    before, after = Evaluator([now]), Evaluator([later])
    changed = {
        (direction, f"shop/{workload.names[0]}")
        for workload in live.workloads
        for direction in ("egress", "ingress")
        if _free(before, workload.pod, direction) and not _free(after, workload.pod, direction)
    }
    assert {(each.direction, name) for each in found for name in each.pods} == changed


def _free(evaluator: Evaluator, pod: Pod, direction: str) -> bool:
    """Whether traffic that no policy names is allowed."""
    elsewhere = Address("203.0.113.10")
    egress = direction == "egress"
    flow = Flow(pod if egress else elsewhere, elsewhere if egress else pod, Port(9))
    return evaluator.evaluate(flow).decision is Decision.ALLOWED


def test_only_some_of_many_pods_are_named() -> None:
    many = running("one", {f"shop/checkout-{number}": "app=checkout" for number in range(7)})

    assert "shop/checkout-3 and 3 more (by" in shown([policy_pair(INTENT)[0]], many)[0]
