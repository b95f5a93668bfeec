"""The stored key trees are those of the real charts, and unknown or decided keys are found by them."""

import pytest

from eks_cilium.cilium.decided import DECIDED, DECIDED_IN_OVERLAY, DECIDED_IN_REPLACEMENT, decided_keys
from eks_cilium.cilium.keys import ANYTHING, chart_keys, unknown_keys
from eks_cilium.cilium.keys.extraction import extract
from eks_cilium.cilium.versions import TRIED
from lab.toolchain import Toolchain


@pytest.mark.charts
@pytest.mark.parametrize("version", TRIED)
def test_the_stored_tree_is_the_charts(toolchain: Toolchain, version: str):
    assert {".".join(path) for path in chart_keys(version)} == set(
        extract(toolchain.chart_directory(version))
    )


@pytest.mark.unit
@pytest.mark.parametrize("version", TRIED)
def test_keys_that_only_a_comment_mentions_are_known(version: str):
    assert unknown_keys(version, {"kubeProxyReplacement": "true", "egressMasqueradeInterfaces": "ens+"}) == []


@pytest.mark.unit
@pytest.mark.parametrize("version", ["1.16.19", "1.18.11", "1.19.7", "1.20.2"])
def test_keys_that_only_a_template_reads_are_known(version: str):
    """Two through a variable, one from a comment at another indentation, one by its path alone."""
    values = {
        "socketLB": {"hostNamespaceOnly": True, "terminatePodConnections": True},
        "ipMasqAgent": {"enabled": True, "config": {"nonMasqueradeCIDRs": ["10.0.0.0/8"]}},
        "nodePort": {"directRoutingDevice": "ens5"},
    }

    assert unknown_keys(version, values) == []


@pytest.mark.unit
@pytest.mark.parametrize("version", TRIED)
def test_a_key_that_is_read_only_where_another_is_empty_is_unknown(version: str):
    """`coalesce .Values.socketLB .Values.hostServices`: the first has defaults, so it is never empty."""
    (found,) = unknown_keys(version, {"hostServices": {"enabled": True}})

    assert found.path in {("hostServices",), ("hostServices", "enabled")}


@pytest.mark.unit
def test_a_removed_key_is_unknown():
    assert [found.path for found in unknown_keys("1.19.7", {"tunnel": "disabled"})] == [("tunnel",)]
    assert unknown_keys("1.12.4", {"tunnel": "disabled"}) == []


@pytest.mark.unit
def test_free_form_objects_accept_any_key():
    values = {
        "nodeSelector": {"a/b": "c"},
        "operator": {"affinity": {"x": {"y": 1}}},
        "resources": {"limits": {"cpu": 1}},
    }

    assert unknown_keys("1.19.7", values) == []


@pytest.mark.unit
def test_the_nearest_key_is_named():
    (found,) = unknown_keys("1.19.7", {"hubble": {"rely": {"enabled": True}}})

    assert (found.path, found.nearest) == (("hubble", "rely"), "hubble.relay")


@pytest.mark.unit
def test_every_decided_key_is_known_to_some_chart():
    """A misspelled entry of the table would refuse nothing."""
    prefixes = {
        ".".join(path[:length])
        for version in TRIED
        for path in chart_keys(version)
        for length in range(1, len(path) + 1)
        if path[length - 1] != ANYTHING
    }

    assert {*DECIDED, *DECIDED_IN_OVERLAY, *DECIDED_IN_REPLACEMENT} <= prefixes


@pytest.mark.unit
def test_a_key_with_one_right_value_may_have_it():
    assert decided_keys({"cni": {"chainingMode": "portmap"}}, DECIDED_IN_REPLACEMENT) == []
    assert len(decided_keys({"cni": {"chainingMode": "aws-cni"}}, DECIDED_IN_REPLACEMENT)) == 1


@pytest.mark.unit
def test_configurations_of_other_plugins_may_be_kept():
    assert decided_keys({"cni": {"exclusive": False}}) == []
    assert decided_keys({"cni": {"exclusive": False}}, DECIDED_IN_REPLACEMENT) == []


@pytest.mark.unit
def test_decided_keys_are_found_at_any_depth():
    values = {"eni": {"enabled": False, "gcInterval": "1m"}, "ipam": {"mode": "kubernetes"}}

    assert sorted(path for path, _, _ in decided_keys(values)) == [("eni", "enabled"), ("ipam",)]
