"""What a preview refuses: each reason with the object, and how to permit it where that is sane.

One cluster for the module; every test puts something into it, previews, and takes it out again. Nothing may
have been touched by any of it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.existing.shape import Shape
from tests.end_to_end.existing.making import Existing, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(900)]

ALLOWED: dict[str, Any] = {"localStorage": ["kube-system/metrics-server"]}


@pytest.fixture(scope="module")
def existing(make_existing: MakeExisting) -> Iterator[Existing]:
    shape = Shape(nodes=3, groups=1, workloads=("storage", "small", "database"))
    made = make_existing(shape, surge=3)
    yield made
    assert made.audit.cordons() == {}
    assert made.audit.evictions() == []
    assert made.calls.terminated() == []


@pytest.fixture
def allow(existing: Existing) -> Iterator[Any]:
    """Permits something for the length of a test."""
    yield lambda **allowed: existing.configure(allow={**ALLOWED, **allowed})
    existing.configure(allow=ALLOWED, surge=3, capacity="surge")


@contextmanager
def present(existing: Existing, *objects: dict[str, Any]) -> Iterator[None]:
    texts = [json.dumps(each) for each in objects]
    existing.kubectl.apply(texts)
    try:
        yield
    finally:
        existing.kubectl("delete", "-f", "-", "--wait", "--timeout=60s", stdin="\n---\n".join(texts))


def blocker(existing: Existing) -> str:
    preview = existing.pulumi("preview")
    assert preview.code != 0, preview.output
    return preview.output


def passes(existing: Existing) -> None:
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


def wait_until_ready(existing: Existing, what: str) -> None:
    existing.kubectl("wait", what, "-n", "small", "--for=condition=Ready", "--timeout=60s")


def test_without_anything_in_the_way_the_preview_passes(existing: Existing) -> None:
    passes(existing)


@pytest.mark.parametrize(
    "limits",
    [{"minAvailable": 1}, {"maxUnavailable": 0}, {"minAvailable": "100%"}, {"maxUnavailable": "0%"}],
    ids=["as many as there are", "none", "all of them", "none of a hundred"],
)
def test_a_budget_that_never_allows_anything(existing: Existing, allow: Any, limits: dict[str, Any]) -> None:
    with present(existing, budget("never", **limits)):
        existing.kubectl("wait", "pdb/never", "-n", "small", "--for=jsonpath={.status.expectedPods}=1")
        said = blocker(existing)
        assert "small/never" in said
        assert "migration.allow.budgets" in said

        allow(budgets=["small/never"])
        passes(existing)


def test_two_budgets_on_one_pod(existing: Existing) -> None:
    with present(existing, budget("one", maxUnavailable=1), budget("two", maxUnavailable=1)):
        said = blocker(existing)

    assert "small/one" in said
    assert "one and two" in said


def test_a_bare_pod(existing: Existing, allow: Any) -> None:
    with present(existing, pod("debug")):
        wait_until_ready(existing, "pod/debug")
        said = blocker(existing)
        assert "small/debug" in said
        assert "migration.allow.barePods" in said

        allow(barePods=["small/debug"])
        passes(existing)


def test_local_storage(existing: Existing, allow: Any) -> None:
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
        said = blocker(existing)
        assert "small/scratch" in said
        assert "migration.allow.localStorage" in said

        allow(localStorage=[*ALLOWED["localStorage"], "small/scratch"])
        passes(existing)


def test_a_volume_in_a_zone_where_no_new_node_is_sure_to_come_up(existing: Existing, allow: Any) -> None:
    existing.configure(surge=1)
    said = blocker(existing)
    assert "small/db" in said
    assert "migration.allow.strandedPods" in said

    allow(strandedPods=["small/db"])
    existing.configure(surge=1)
    passes(existing)


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


def test_security_groups_of_pods(existing: Existing, allow: Any) -> None:
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
            said = blocker(existing)
            assert "SecurityGroupPolicy small/db" in said
            assert "migration.allow.securityGroupPolicies" in said

            allow(securityGroupPolicies=True)
            passes(existing)


@contextmanager
def labelled(existing: Existing, label: str) -> Iterator[str]:
    """The node of the database with a label more, by its name."""
    node = existing.kubectl("get", "pod", "db-0", "-n", "small", "-o", "jsonpath={.spec.nodeName}")
    existing.kubectl("label", "node", node, label)
    try:
        yield node
    finally:
        existing.kubectl("label", "node", node, f"{label.partition('=')[0]}-")


def test_a_node_of_karpenter(existing: Existing, allow: Any) -> None:
    with labelled(existing, "karpenter.sh/nodepool=default") as node:
        said = blocker(existing)
        assert node in said
        assert "Karpenter" in said
        assert "migration.allow.karpenterNodes" in said


def test_a_node_on_fargate_stays_where_that_is_permitted(existing: Existing, allow: Any) -> None:
    with labelled(existing, "eks.amazonaws.com/compute-type=fargate"):
        said = blocker(existing)
        assert "Fargate" in said
        assert "migration.allow.fargateNodes" in said

        allow(fargateNodes=True)
        passes(existing)


def test_a_cluster_in_auto_mode(existing: Existing) -> None:
    with labelled(existing, "eks.amazonaws.com/compute-type=auto"):
        assert "Auto Mode" in blocker(existing)


def test_a_decrement_below_the_minimum(existing: Existing, allow: Any) -> None:
    for name, sizes in existing.before.groups.items():
        existing.aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=sizes.desired)
    try:
        existing.configure(capacity="decrement", surge=1)
        said = blocker(existing)
        assert "migration.allow.lowerMinimum" in said
    finally:
        for name, sizes in existing.before.groups.items():
            existing.aws.autoscaling.update_auto_scaling_group(
                AutoScalingGroupName=name, MinSize=sizes.minimum
            )


def test_a_cluster_that_is_not_there_yet_is_no_error(existing: Existing) -> None:
    with existing.named("tomorrow"):
        preview = existing.pulumi("preview")

    assert preview.code == 0, preview.output
    assert "tomorrow" in preview.output
