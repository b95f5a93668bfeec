"""A provider's inputs: known ones, unknown ones, and which change means another cluster."""

import json

import pytest

from lab.providers.errors import RefusedError
from lab.providers.kubernetes.configuration import Configuration, check, difference
from lab.providers.values import UNKNOWN

pytestmark = pytest.mark.unit


def kubeconfig(server="https://one.lab.test", token="t"):
    return json.dumps(
        {
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(token="new")}, set()),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig("https://two.lab.test")}, {"kubeconfig"}),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": UNKNOWN}, {"kubeconfig"}),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": kubeconfig("https://two.lab.test"), "clusterIdentifier": "a"},
            set(),
        ),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": UNKNOWN, "clusterIdentifier": "a"},
            set(),
        ),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "b"},
            {"clusterIdentifier"},
        ),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"}, set()),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(), "namespace": "apps"}, set()),
    ],
)
def test_only_another_cluster_needs_another_provider(old, new, replaces):
    found = difference(old, new)

    assert found.changes
    assert {change.path for change in found.changes if change.replaces} == replaces


def test_same_inputs_are_no_difference():
    assert not difference({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig()}).changes


@pytest.mark.parametrize(
    ("given", "property_"),
    [
        ({"kubeconfg": "x"}, "kubeconfg"),
        ({"renderYamlToDirectory": "out"}, "renderYamlToDirectory"),
        ({"kubeClientSettings": {"qps": 5}}, "kubeClientSettings"),
        ({"enableServerSideApply": "false"}, "enableServerSideApply"),
        (
            {"helmReleaseSettings": '{"driver": "secret", "pluginsPath": "p"}'},
            "helmReleaseSettings.pluginsPath",
        ),
    ],
)
def test_unknown_inputs_and_those_not_offered_are_named(given, property_):
    assert [failure.property for failure in check(given)] == [property_]


def test_known_inputs_pass_even_before_they_are_known():
    given = {
        "kubeconfig": UNKNOWN,
        "clusterIdentifier": UNKNOWN,
        "enableServerSideApply": "true",
        "deleteUnreachable": "true",
        "suppressDeprecationWarnings": "true",
        "helmReleaseSettings": UNKNOWN,
        "version": "4.34.2",
    }

    assert check(given) == []


def test_booleans_come_as_text_or_from_the_environment():
    given = {
        "kubeconfig": kubeconfig(),
        "deleteUnreachable": "true",
        "helmReleaseSettings": '{"driver": "memory"}',
    }
    read = Configuration.read(given, {"PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE": "true"})

    assert read.delete_unreachable
    assert read.mutable_config_maps
    assert not read.upsert
    assert read.helm_driver == "memory"
    assert Configuration.read({}, {"KUBECONFIG": kubeconfig()}).access().server == "https://one.lab.test"


def test_no_kubeconfig_at_all_is_explained():
    with pytest.raises(RefusedError, match="set the provider's kubeconfig or KUBECONFIG"):
        Configuration.read({}, {}).access()
