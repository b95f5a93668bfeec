"""Differences, drift and names of objects, as pure functions."""

import pytest

from lab.providers.kubernetes.connection.discovery import Kind, api_version_of
from lab.providers.kubernetes.objects import manifests
from lab.providers.kubernetes.objects.differences import merge_changes, object_changes
from lab.providers.kubernetes.releases.helm import resource_names
from lab.providers.kubernetes.releases.release_inputs import (
    chart_arguments,
    install_flags,
    uninstall_flags,
    upgrade_flags,
)
from lab.providers.values import UNKNOWN, Secret

pytestmark = pytest.mark.unit


def changes(old, new, **mutable):
    mutable = {"mutable_config_maps": False, "mutable_secrets": False} | mutable
    found = object_changes({"metadata": {}, **old}, {"metadata": {}, **new}, **mutable)
    return {(change.path, change.kind, change.replaces) for change in found}


def test_paths_are_written_as_pulumi_writes_them():
    old = {"metadata": {"labels": {"a/b": "1"}}, "spec": {"ports": [{"port": 80}]}}
    new = {"metadata": {"labels": {"a/b": "2"}}, "spec": {"ports": [{"port": 81}, {"port": 82}]}}

    assert changes(old, new) == {
        ('metadata.labels["a/b"]', "update", False),
        ("spec.ports[0].port", "update", False),
        ("spec.ports[1]", "add", False),
    }


def test_whole_value_that_brings_an_immutable_property_replaces():
    job = {"apiVersion": "batch/v1", "kind": "Job"}

    assert changes(job, {**job, "spec": {"template": {}}}) == {("spec", "add", True)}
    assert changes(job, {**job, "spec": {"suspend": True}}) == {("spec", "add", False)}
    assert changes(job, {**job, "spec": UNKNOWN}) == {("spec", "add", False)}


def test_immutable_secret_stays_immutable_though_secrets_are_mutable():
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "1"}}
    other = {**secret, "data": {"a": "2"}}

    assert changes(secret, other, mutable_secrets=True) == {("data.a", "update", False)}
    declared = {"immutable": True}
    assert changes(secret | declared, other | declared, mutable_secrets=True) == {("data.a", "update", True)}


@pytest.mark.parametrize(
    ("live", "inputs", "expected"),
    [
        ({"cpu": "1"}, {"cpu": "1000m"}, {"cpu": "1000m"}),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, {"memory": "1024Mi"}),
        ({"cpu": "2"}, {"cpu": "1000m"}, {"cpu": "2"}),
        ({"a": 1, "filled": "in"}, {"a": 1}, {"a": 1}),
        ({}, {"a": 1}, {}),
        ({"l": [{"n": 1, "filled": "in"}, {"n": 2}]}, {"l": [{"n": 1}]}, {"l": [{"n": 1}, {"n": 2}]}),
        ({"port": 80}, {"port": "http"}, {"port": 80}),
    ],
)
def test_live_inputs_hold_drift_but_nothing_that_the_server_filled_in(live, inputs, expected):
    assert manifests.live_inputs(live, inputs) == expected


def test_keys_of_json_schema_are_spelled_as_each_side_wants():
    sent = manifests.manifest_of(
        {"metadata": {"uid": "u", "name": "n"}, "s": [{"x_kubernetes_int_or_string": True}]}
    )
    kept = manifests.state_of({**sent, "apiVersion": "v1"}, {"apiVersion": "v1"}, "me")

    assert sent == {"metadata": {"name": "n"}, "s": [{"x-kubernetes-int-or-string": True}]}
    assert kept["s"] == [{"x_kubernetes_int_or_string": True}]
    assert kept["__inputs"] == Secret({"apiVersion": "v1"})
    assert kept["__fieldManager"] == "me"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:core/v1:Namespace", ("v1", "Namespace")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        (
            "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole",
            ("rbac.authorization.k8s.io/v1", "ClusterRole"),
        ),
    ],
)
def test_token_names_the_api_version_and_kind(token, expected):
    assert api_version_of(token) == expected


def test_paths_of_objects():
    assert Kind("v1", "Node", "nodes", namespaced=False).path("x", "n") == "/api/v1/nodes/n"
    assert Kind("v1", "Pod", "pods", namespaced=True).path("x", "p") == "/api/v1/namespaces/x/pods/p"
    assert Kind("a.b/v1", "C", "cs", namespaced=True).collection("x") == "/apis/a.b/v1/namespaces/x/cs"


def test_three_way_comparison_ignores_what_others_added():
    old, live = {"a": 1, "gone": 1}, {"a": 2, "gone": 1, "theirs": 1, "deep": {"x": 1, "y": 1}}
    new = {"a": 1, "deep": {"x": 1}, "fresh": 1}

    found = {(change.path, change.kind) for change in merge_changes(old, live, new)}

    assert found == {("a", "update"), ("gone", "delete"), ("fresh", "add")}


def test_resources_of_a_chart_are_named_by_kind():
    manifest = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: n}\n---\n---\n# nothing\n---\n"
        "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: a}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: n}\n"
    )

    assert resource_names(manifest) == {"ConfigMap/v1": ["n/a", "n/b"], "DaemonSet.apps/apps/v1": ["a"]}


class TestWordsForHelm:
    def test_chart_is_named_by_path_repository_or_alias(self):
        remote = {
            "chart": "cilium",
            "version": "1.19.7",
            "repositoryOpts": {"repo": "https://charts.lab.test/"},
        }

        assert chart_arguments(remote) == [
            "cilium",
            "--version",
            "1.19.7",
            "--repo",
            "https://charts.lab.test/",
        ]
        assert chart_arguments({"chart": "cilium", "repositoryOpts": {"repo": "mine"}}) == ["mine/cilium"]
        assert chart_arguments({"chart": "./cilium.tgz", "version": ""}) == ["./cilium.tgz"]

    def test_waiting_and_timeouts(self):
        assert install_flags({"skipAwait": True, "waitForJobs": True}) == ["--timeout", "300s"]
        assert install_flags({"waitForJobs": True, "timeout": 9}) == [
            "--wait",
            "--wait-for-jobs",
            "--timeout",
            "9s",
        ]
        assert uninstall_flags({"skipAwait": True}) == []
        assert uninstall_flags({"skipAwait": True, "atomic": True, "timeout": 9}) == [
            "--wait",
            "--timeout",
            "9s",
        ]

    def test_installing_and_upgrading_have_their_own_flags(self):
        inputs = {
            "skipAwait": True,
            "createNamespace": True,
            "skipCrds": True,
            "cleanupOnFail": True,
            "maxHistory": 3,
        }

        assert install_flags(inputs) == ["--timeout", "300s", "--create-namespace", "--skip-crds"]
        assert upgrade_flags(inputs) == ["--timeout", "300s", "--cleanup-on-fail", "--history-max", "3"]


def test_only_what_is_gone_is_a_difference_of_inputs():
    """A CLI shows other differences from the state, so that a refresh never shows `"x" => "x"`."""
    changes = merge_changes(
        {"same": 1, "gone": 1, "changed": 1},
        {"same": 1, "gone": 1, "changed": 2, "by others": 1},
        {"same": 1, "changed": 3, "new": 1},
    )

    assert {change.path: (change.kind, change.of_inputs) for change in changes} == {
        "changed": ("update", False),
        "new": ("add", False),
        "gone": ("delete", True),
    }
