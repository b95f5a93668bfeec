"""The values of mode chaining for every release, rendered by real Helm from the real chart."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from eks_cilium.cilium.chaining import ChainingMode, chaining_values
from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.cilium.values import merged
from eks_cilium.cilium.versions import TRIED, release_of
from lab.toolchain import Toolchain
from tests.program.cilium.rendering import Rendered, render
from tests.program.cilium.test_rendered_charts import watched

pytestmark = pytest.mark.charts

Render = Callable[..., Rendered]
POOL = "198.19.0.0/16"


@pytest.fixture(params=TRIED)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


def mode_of(version: str, **changes: Any) -> ChainingMode:
    mode = ChainingMode(release=release_of(version), cluster_name="dev", pool=POOL)
    return dataclasses.replace(mode, **changes)


@pytest.fixture
def rendered(toolchain: Toolchain, version: str) -> Render:
    def go(**changes: Any) -> Rendered:
        values = chaining_values(mode_of(version, **changes))
        return render(toolchain.helm(), toolchain.chart(version), values)

    return go


def test_cilium_is_chained_and_leaves_the_other_configuration_alone(rendered: Render, version: str):
    result = rendered()

    assert result.config["cni-chaining-mode"] == "aws-cni"
    if version == "1.12.4":
        assert (
            "--cni-exclusive=false"
            in result.agent["containers"][0]["lifecycle"]["postStart"]["exec"]["command"]
        )
    else:
        assert result.config["cni-exclusive"] == "false"


def test_pods_are_routed_by_the_vpc_and_not_masqueraded(rendered: Render, version: str):
    config = rendered().config

    assert config.get("routing-mode") == "native" or config.get("tunnel") == "disabled"
    assert config["enable-ipv4-masquerade"] == "false"
    assert config["enable-identity-mark"] == "false"
    assert (config.get("enable-endpoint-routes") == "true") is (version == "1.12.4")


def test_agents_get_their_own_addresses_from_the_pool(rendered: Render):
    config = rendered().config

    assert config["ipam"] == "cluster-pool"
    assert config["cluster-pool-ipv4-cidr"] == POOL
    assert config["cluster-pool-ipv4-mask-size"] == "27"


def test_no_interface_is_asked_of_aws(rendered: Render):
    result = rendered()

    assert "operator-generic" in result.operator["template"]["spec"]["containers"][0]["image"]
    assert "eni-tags" not in result.config


def test_services_are_left_to_kube_proxy(rendered: Render):
    assert rendered().config["kube-proxy-replacement"] in ("false", "disabled")


def test_while_policies_are_paused_helm_owns_no_mode(rendered: Render):
    assert "enable-policy" not in rendered(policies_are_paused=True).config
    assert rendered().config["enable-policy"] == "default"


def test_the_operator_deletes_no_pod(rendered: Render):
    assert not watched(rendered())


def test_an_agent_that_restarts_leaves_its_configuration(rendered: Render):
    """Not in 1.12, whose hook always removes the configuration."""
    assert "cni-uninstall" not in rendered().config


def test_the_rules_of_the_vpc_cni_in_iptables_stay(rendered: Render, version: str):
    hooks = rendered().agent["containers"][0]["lifecycle"]

    assert version == "1.12.4" or "postStart" not in hooks


def test_agents_and_envoy_avoid_nodes_that_cannot_run_them(rendered: Render, version: str):
    fargate = {
        "key": "eks.amazonaws.com/compute-type",
        "operator": "NotIn",
        "values": ["fargate", "auto", "hybrid"],
    }
    result = rendered()

    for name in ["cilium", *(["cilium-envoy"] if ("DaemonSet", "cilium-envoy") in result.objects else [])]:
        pod = result.objects["DaemonSet", name]["spec"]["template"]["spec"]
        required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        (term,) = required["nodeSelectorTerms"]
        assert fargate in term["matchExpressions"]


def test_no_helm_hook_waits_for_a_pod(rendered: Render):
    objects = rendered(hubble_relay=True, hubble_ui=True).objects.values()

    assert not [item for item in objects if "helm.sh/hook" in (item["metadata"].get("annotations") or {})]


def test_encryption_makes_routes_smaller_where_they_can_be(rendered: Render, version: str):
    config = rendered(encryption="wireguard").config

    assert config["enable-wireguard"] == "true"
    expected = "true" if release_of(version).chained_routes_have_mtu else None
    assert config.get("enable-route-mtu-for-cni-chaining") == expected


def test_the_chart_knows_every_key_it_is_given(version: str):
    changes = {"encryption": "wireguard", "hubble_relay": True, "hubble_ui": True}

    assert unknown_keys(version, chaining_values(mode_of(version, **changes))) == []


def test_the_charts_own_defaults_would_break_a_cluster(toolchain: Toolchain, version: str):
    """The chart does not warn about these defaults, so this program refuses to leave them."""
    bare = {"cni": {"chainingMode": "aws-cni"}}
    routing = dict([release_of(version).native_routing])

    config = render(toolchain.helm(), toolchain.chart(version), merged(bare, routing)).config

    assert config["enable-ipv4-masquerade"] == "true"
    assert config["cluster-pool-ipv4-cidr"] == "10.0.0.0/8"
    assert config.get("cni-exclusive", "true") == "true"
