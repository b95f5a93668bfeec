"""The values of an overlay for every release, rendered by real Helm from the real chart."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.cilium.overlay.values import OverlayMode, overlay_values
from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.cilium.versions import TRIED, minor, release_of
from eks_cilium.cluster.pod_addresses import PodAddresses, configured
from lab.toolchain import Toolchain
from tests.program.cilium.rendering import Rendered, render

pytestmark = pytest.mark.charts

Render = Callable[..., Rendered]


@pytest.fixture(params=TRIED)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


def mode_of(version: str, **changes: Any) -> OverlayMode:
    mode = OverlayMode(
        release=release_of(version),
        cluster_name="dev",
        api_host="ABC.gr7.eu-central-1.eks.amazonaws.com",
        api_port="443",
        pod_cidrs=("10.64.0.0/14", "100.64.0.0/16"),
        node_mask_size=24,
    )
    return dataclasses.replace(mode, **changes)


@pytest.fixture
def rendered(toolchain: Toolchain, version: str) -> Render:
    def go(**changes: Any) -> Rendered:
        values = overlay_values(mode_of(version, **changes))
        return render(toolchain.helm(), toolchain.chart(version), values)

    return go


@pytest.mark.parametrize(("protocol", "port"), [("vxlan", 8472), ("geneve", 6081)])
def test_pods_get_addresses_of_the_pool_and_nodes_have_tunnels(rendered: Render, protocol: Any, port: int):
    config = rendered(protocol=protocol).config

    pool = ("10.64.0.0/14", "100.64.0.0/16")
    assert configured(config) == PodAddresses("cluster-pool", pool, 24, protocol, port)
    assert config.get("routing-mode") == "tunnel" or config["tunnel"] == protocol


def test_everything_that_leaves_a_node_has_the_nodes_address(rendered: Render):
    """On every interface, whatever the image calls them, and to every network of the VPC."""
    config = rendered().config

    assert config["enable-ipv4-masquerade"] == "true"
    assert "egress-masquerade-interfaces" not in config
    assert not config.get("ipv4-native-routing-cidr")
    assert config.get("enable-ip-masq-agent", "false") == "false"
    assert config.get("enable-endpoint-routes", "false") == "false"
    assert config.get("auto-direct-node-routes", "false") == "false"


def test_the_operator_makes_no_interfaces_and_needs_no_rights_in_ec2(rendered: Render):
    result = rendered()

    assert "operator-generic" in result.operator["template"]["spec"]["containers"][0]["image"]
    annotations = result.objects["ServiceAccount", "cilium-operator"]["metadata"].get("annotations") or {}
    assert "eks.amazonaws.com/role-arn" not in annotations
    assert not [key for key in result.config if key.startswith(("eni-", "aws-", "subnet-"))]


def test_the_operator_removes_the_start_up_taint(rendered: Render):
    result = rendered()

    assert result.config.get("agent-not-ready-taint-key", AGENT_NOT_READY_TAINT) == AGENT_NOT_READY_TAINT
    tolerations = result.operator["template"]["spec"]["tolerations"]
    assert any(item.get("key", AGENT_NOT_READY_TAINT) == AGENT_NOT_READY_TAINT for item in tolerations)
    assert {"operator": "Exists"} in result.agent["tolerations"]


def test_agents_and_operator_need_no_address_of_the_pool(rendered: Render):
    """They come before any node has a part of it, and the control plane reaches neither's pods otherwise."""
    result = rendered()

    assert result.agent["hostNetwork"] is True
    assert result.operator["template"]["spec"]["hostNetwork"] is True


@pytest.mark.parametrize(("replaces", "words"), [(True, ("true", "strict")), (False, ("false", "disabled"))])
def test_services_are_served_as_the_configuration_says(rendered: Render, replaces: bool, words: Any):
    result = rendered(kube_proxy_replacement=replaces)

    assert result.config["kube-proxy-replacement"] in words
    environment = {item["name"]: item.get("value") for item in result.agent["containers"][0]["env"]}
    host = environment.get("KUBERNETES_SERVICE_HOST")
    assert host == ("ABC.gr7.eu-central-1.eks.amazonaws.com" if replaces else None)


def test_nothing_of_it_is_served_to_the_api_server(rendered: Render):
    """The control plane reaches no pod of an overlay, so webhooks and aggregated APIs would time out."""
    kinds = {kind for kind, _ in rendered(hubble_relay=True, hubble_ui=True).objects}

    assert not kinds & {"APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}


def test_hubbles_certificates_are_renewed_where_the_chart_can_without_a_hook(rendered: Render, version: str):
    kinds = {key[0] for key in rendered().objects if "generate-certs" in key[1]}

    assert ("CronJob" in kinds) == (minor(version) >= (1, 19))
    hooks = [
        item
        for item in rendered(hubble_relay=True, hubble_ui=True).objects.values()
        if "helm.sh/hook" in (item["metadata"].get("annotations") or {})
    ]
    assert not hooks, "Helm waits for a hook even without `--wait`, and there are no nodes yet"


def test_packets_are_encrypted_where_it_is_asked_for(rendered: Render):
    assert rendered(encryption="wireguard").config["enable-wireguard"] == "true"


def test_the_chart_knows_every_key_it_is_given(version: str):
    changes = {"encryption": "wireguard", "hubble_relay": True, "hubble_ui": True, "protocol": "geneve"}

    assert unknown_keys(version, overlay_values(mode_of(version, **changes))) == []
