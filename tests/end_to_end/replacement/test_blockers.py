"""What blocks a migration in the preview: each blocker names its object, and the key that permits it if any.

The tests share one cluster; each adds an obstacle, previews, and removes the obstacle again. No preview may
have changed the cluster.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(900)]

ALLOWED: dict[str, Any] = {"localStorage": ["kube-system/metrics-server"]}


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> Iterator[ExistingCluster]:
    spec = ClusterSpec(nodes=3, groups=1, workloads=("storage", "small", "database"))
    cluster = make_existing(spec, surge=3)
    yield cluster
    assert cluster.audit.cordons() == {}
    assert cluster.audit.evictions() == []
    assert cluster.calls.terminated() == []


@pytest.fixture
def allow(existing: ExistingCluster) -> Iterator[Any]:
    """`allow(**keys)` sets keys of `migration.allow` for the length of a test."""
    yield lambda **allowed: existing.configure(allow={**ALLOWED, **allowed})
    existing.configure(allow=ALLOWED, surge=3, capacity="surge")


@contextmanager
def present(existing: ExistingCluster, *objects: dict[str, Any]) -> Iterator[None]:
    texts = [json.dumps(each) for each in objects]
    existing.kubectl.apply(texts)
    try:
        yield
    finally:
        existing.kubectl("delete", "-f", "-", "--wait", "--timeout=60s", stdin="\n---\n".join(texts))


def blocked_preview(existing: ExistingCluster) -> str:
    preview = existing.pulumi("preview")
    assert preview.code != 0, preview.output
    return preview.output


def assert_previews(existing: ExistingCluster) -> None:
    preview = existing.pulumi("preview")
    assert preview.code == 0, preview.output


def budget(name: str, **limits: Any) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "small"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}, **limits},
    }


def pod(name: str, node: str = "", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "small"},
        "spec": {"containers": [{"name": "app", "image": "registry.example/app:1"}], **spec},
    }


def wait_until_ready(existing: ExistingCluster, pod: str) -> None:
    existing.kubectl("wait", pod, "-n", "small", "--for=condition=Ready", "--timeout=60s")


def test_a_preview_without_obstacles_succeeds(existing: ExistingCluster) -> None:
    assert_previews(existing)


@pytest.mark.parametrize(
    "limits",
    [{"minAvailable": 1}, {"maxUnavailable": 0}, {"minAvailable": "100%"}, {"maxUnavailable": "0%"}],
    ids=["min 1 of 1", "max 0", "min 100%", "max 0%"],
)
def test_a_budget_that_never_allows_a_disruption(
    existing: ExistingCluster, allow: Any, limits: dict[str, Any]
) -> None:
    with present(existing, budget("never", **limits)):
        existing.kubectl("wait", "pdb/never", "-n", "small", "--for=jsonpath={.status.expectedPods}=1")
        output = blocked_preview(existing)
        assert "small/never" in output
        assert "migration.allow.budgets" in output

        allow(budgets=["small/never"])
        assert_previews(existing)


def test_two_budgets_on_one_pod(existing: ExistingCluster) -> None:
    with present(existing, budget("one", maxUnavailable=1), budget("two", maxUnavailable=1)):
        output = blocked_preview(existing)

    assert "small/one" in output
    assert "one and two" in output


def test_a_bare_pod(existing: ExistingCluster, allow: Any) -> None:
    with present(existing, pod("debug")):
        wait_until_ready(existing, "pod/debug")
        output = blocked_preview(existing)
        assert "small/debug" in output
        assert "migration.allow.barePods" in output

        allow(barePods=["small/debug"])
        assert_previews(existing)


def test_local_storage(existing: ExistingCluster, allow: Any) -> None:
    scratch = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "scratch", "namespace": "small"},
        "spec": {
            "selector": {"matchLabels": {"app": "scratch"}},
            "template": {
                "metadata": {"labels": {"app": "scratch"}},
                "spec": {**pod("x")["spec"], "volumes": [{"name": "scratch", "emptyDir": {}}]},
            },
        },
    }
    with present(existing, scratch):
        existing.kubectl("rollout", "status", "deploy/scratch", "-n", "small", "--timeout=60s")
        output = blocked_preview(existing)
        assert "small/scratch" in output
        assert "migration.allow.localStorage" in output

        allow(localStorage=[*ALLOWED["localStorage"], "small/scratch"])
        assert_previews(existing)


def test_a_volume_in_a_zone_without_a_guaranteed_new_node(existing: ExistingCluster, allow: Any) -> None:
    existing.configure(surge=1)
    output = blocked_preview(existing)
    assert "small/db" in output
    assert "migration.allow.strandedPods" in output

    allow(strandedPods=["small/db"])
    existing.configure(surge=1)
    assert_previews(existing)


def definition(group: str, kind: str, plural: str, scope: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if group == "vpcresources.k8s.aws":
        version["name"] = "v1beta1"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


def test_security_groups_for_pods(existing: ExistingCluster, allow: Any) -> None:
    kind = definition("vpcresources.k8s.aws", "SecurityGroupPolicy", "securitygrouppolicies", "Namespaced")
    policy = {
        "apiVersion": "vpcresources.k8s.aws/v1beta1",
        "kind": "SecurityGroupPolicy",
        "metadata": {"name": "db", "namespace": "small"},
        "spec": {"securityGroups": {"groupIds": ["sg-1"]}},
    }
    with present(existing, kind):
        existing.kubectl("wait", f"crd/{kind['metadata']['name']}", "--for=condition=Established")
        with present(existing, policy):
            output = blocked_preview(existing)
            assert "SecurityGroupPolicy small/db" in output
            assert "migration.allow.securityGroupPolicies" in output

            allow(securityGroupPolicies=True)
            assert_previews(existing)


@contextmanager
def labelled(existing: ExistingCluster, label: str) -> Iterator[str]:
    """Label the node of the database for the length of a `with` block; yield the node's name."""
    node = existing.kubectl("get", "pod", "db-0", "-n", "small", "-o", "jsonpath={.spec.nodeName}")
    existing.kubectl("label", "node", node, label)
    try:
        yield node
    finally:
        existing.kubectl("label", "node", node, f"{label.partition('=')[0]}-")


def test_a_karpenter_node(existing: ExistingCluster, allow: Any) -> None:
    with labelled(existing, "karpenter.sh/nodepool=default") as node:
        output = blocked_preview(existing)
        assert node in output
        assert "Karpenter" in output
        assert "migration.allow.karpenterNodes" in output


def test_a_fargate_node_is_skipped_where_that_is_permitted(existing: ExistingCluster, allow: Any) -> None:
    with labelled(existing, "eks.amazonaws.com/compute-type=fargate"):
        output = blocked_preview(existing)
        assert "Fargate" in output
        assert "migration.allow.fargateNodes" in output

        allow(fargateNodes=True)
        assert_previews(existing)


def test_a_cluster_in_auto_mode(existing: ExistingCluster) -> None:
    with labelled(existing, "eks.amazonaws.com/compute-type=auto"):
        assert "Auto Mode" in blocked_preview(existing)


def test_a_decrement_below_the_minimum(existing: ExistingCluster, allow: Any) -> None:
    for name, sizes in existing.before.groups.items():
        existing.aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=sizes.desired)
    try:
        existing.configure(capacity="decrement", surge=1)
        output = blocked_preview(existing)
        assert "migration.allow.lowerMinimum" in output
    finally:
        for name, sizes in existing.before.groups.items():
            existing.aws.autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=name, MinSize=sizes.minimum
            )


def test_a_cluster_that_does_not_exist_yet_is_no_error(existing: ExistingCluster) -> None:
    with existing.named("tomorrow"):
        preview = existing.pulumi("preview")

    assert preview.code == 0, preview.output
    assert "tomorrow" in preview.output
