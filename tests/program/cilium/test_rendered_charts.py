"""The values of ENI mode for every release, rendered by real Helm from the real chart."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from eks_cilium.cilium.keys import unknown_keys
from eks_cilium.cilium.masquerade import Masquerade, decide
from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT, EniMode, eni_values, merged
from eks_cilium.cilium.versions import TRIED, minor, release_of
from lab.toolchain import Toolchain
from tests.program.cilium.rendering import RefusedByChartError, Rendered, render

pytestmark = pytest.mark.charts

Render = Callable[..., Rendered]
ROLE = "arn:aws:iam::111122223333:role/dev-cilium-operator"
SUBNETS = ["subnet-0a", "subnet-0b"]


@pytest.fixture(params=TRIED)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


def mode_of(version: str, **changes: Any) -> EniMode:
    release = release_of(version)
    mode = EniMode(
        release=release,
        cluster_name="dev",
        region="eu-central-1",
        api_host="ABC.gr7.eu-central-1.eks.amazonaws.com",
        api_port="443",
        operator_role_arn=ROLE,
        subnet_filter=SUBNETS if release.filters_are_lists else " ".join(SUBNETS),
        native_cidr="10.0.0.0/16",
        masquerade=Masquerade(enabled=False),
        interface_tags={"eks-cilium/cluster": "dev"},
    )
    return dataclasses.replace(mode, **changes)


@pytest.fixture
def rendered(toolchain: Toolchain, version: str) -> Render:
    def go(**changes: Any) -> Rendered:
        values = eni_values(mode_of(version, **changes))
        return render(toolchain.helm(), toolchain.chart(version), values)

    return go


def test_pods_get_addresses_of_the_vpc_without_an_overlay(rendered: Render):
    config = rendered().config

    assert config["ipam"] == "eni"
    assert config.get("routing-mode") == "native" or config.get("tunnel") == "disabled"
    assert config["enable-endpoint-routes"] == "true"
    assert "tunnel-protocol" not in config or config.get("routing-mode") == "native"


def test_hubbles_certificates_are_renewed_where_the_chart_can_without_a_hook(rendered: Render, version: str):
    kinds = {key[0]: document for key, document in rendered().objects.items() if "generate-certs" in key[1]}

    if minor(version) < (1, 19):
        assert not kinds
        return
    assert kinds["CronJob"]["spec"]["schedule"] == "0 0 1 */4 *"
    assert "helm.sh/hook" not in (kinds["Job"]["metadata"].get("annotations") or {})


def test_in_a_running_cluster_no_job_renews_hubbles_certificates(rendered: Render):
    objects = rendered(beside=("eks-cilium/cni", "aws-vpc-cni")).objects

    assert not [key for key in objects if key[0] in ("Job", "CronJob")]


def test_with_pod_identity_the_operators_service_account_names_no_role(rendered: Render):
    """The AWS SDK would prefer that role; keys of a Secret, which it prefers too, have to be optional."""
    account = ("ServiceAccount", "cilium-operator")
    by_pods, by_provider = rendered(operator_role_arn=None), rendered()

    assert not (by_pods.objects[account]["metadata"].get("annotations"))
    assert not ({})
    assert by_provider.objects[account]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == ROLE
    pod = by_pods.objects[("Deployment", "cilium-operator")]["spec"]["template"]["spec"]
    keys = [variable for variable in pod["containers"][0]["env"] if variable["name"].startswith("AWS_")]
    assert all(key["valueFrom"]["secretKeyRef"]["optional"] for key in keys if "valueFrom" in key)
    assert pod["hostNetwork"] is True


def test_nodes_in_private_subnets_do_not_masquerade(rendered: Render):
    config = rendered(masquerade=decide({"private"}, {"al2023"})).config

    assert config["enable-ipv4-masquerade"] == "false"
    assert "egress-masquerade-interfaces" not in config


@pytest.mark.parametrize(
    ("family", "pattern"), [("al2023", "ens+"), ("al2", "eth+"), ("bottlerocket", "eth+")]
)
def test_nodes_in_public_subnets_masquerade_on_the_interfaces_of_their_image(
    rendered: Render, family: Any, pattern: str
):
    config = rendered(masquerade=decide({"private", "public"}, {family})).config

    assert config["enable-ipv4-masquerade"] == "true"
    assert config["egress-masquerade-interfaces"] == pattern
    assert config["ipv4-native-routing-cidr"] == "10.0.0.0/16"


def test_the_operator_removes_the_start_up_taint(rendered: Render):
    result = rendered()

    assert result.config.get("agent-not-ready-taint-key", AGENT_NOT_READY_TAINT) == AGENT_NOT_READY_TAINT
    tolerations = result.operator["template"]["spec"]["tolerations"]
    assert any(item.get("key", AGENT_NOT_READY_TAINT) == AGENT_NOT_READY_TAINT for item in tolerations)


def test_the_agent_runs_on_tainted_nodes(rendered: Render):
    assert {"operator": "Exists"} in rendered().agent["tolerations"]


def test_the_operator_is_bound_to_its_role_and_knows_its_region(rendered: Render):
    result = rendered()

    annotations = result.objects["ServiceAccount", "cilium-operator"]["metadata"]["annotations"]
    assert annotations["eks.amazonaws.com/role-arn"] == ROLE
    containers = result.operator["template"]["spec"]["containers"]
    assert {"name": "AWS_REGION", "value": "eu-central-1"} in containers[0]["env"]
    assert "operator-aws" in containers[0]["image"]


def test_interfaces_are_tagged_and_only_created_where_nodes_are(rendered: Render):
    result = rendered()

    filters = result.config.get("subnet-ids-filter") or result.config["eni-subnet-ids-filter"]
    assert filters == " ".join(SUBNETS)
    assert result.config["eni-tags"] in ('{"eks-cilium/cluster":"dev"}', "eks-cilium/cluster=dev")


def test_the_replacement_of_kube_proxy_reaches_the_endpoint_directly(rendered: Render):
    result = rendered(kube_proxy_replacement=True)

    assert result.config["kube-proxy-replacement"] in ("true", "strict")
    environment = {item["name"]: item.get("value") for item in result.agent["containers"][0]["env"]}
    assert environment["KUBERNETES_SERVICE_HOST"] == "ABC.gr7.eu-central-1.eks.amazonaws.com"
    assert environment["KUBERNETES_SERVICE_PORT"] == "443"


def test_without_the_replacement_services_are_left_to_kube_proxy(rendered: Render):
    assert rendered(kube_proxy_replacement=False).config["kube-proxy-replacement"] in ("false", "disabled")


def test_host_ports_are_dead_beside_kube_proxy(rendered: Render):
    """The key `hostPort` changes nothing of it: agents serve host ports only with their NodePort feature."""
    config = rendered(kube_proxy_replacement=False).config

    assert "cni-chaining-mode" not in config
    assert config.get("enable-host-port", "false") == "false"
    assert config.get("enable-node-port", "false") == "false"


def test_host_ports_are_served_by_portmap_where_it_is_asked_for(rendered: Render):
    config = rendered(kube_proxy_replacement=False, extra={"cni": {"chainingMode": "portmap"}}).config

    assert config["cni-chaining-mode"] == "portmap"
    assert config["ipam"] == "eni"
    assert config["enable-endpoint-routes"] == "true"
    assert config["enable-ipv4-masquerade"] == "false"


def test_configurations_of_other_plugins_stay_where_it_is_asked_for(rendered: Render, version: str):
    result = rendered(extra={"cni": {"exclusive": False}})

    # 1.12 gives the choice to the script that installs the plugin, not to the agent.
    kept = "--cni-exclusive=false" in str(result.agent) if version.startswith("1.12.") else None
    assert kept or result.config["cni-exclusive"] == "false"


def test_keys_that_only_templates_read_reach_the_agent(rendered: Render, version: str):
    extra = {"socketLB": {"enabled": True, "hostNamespaceOnly": True}, "ipMasqAgent": {"enabled": True}}
    ranges = {"config": {"nonMasqueradeCIDRs": ["10.0.0.0/8"]}}
    result = rendered(extra=extra if version.startswith("1.12.") else merged(extra, {"ipMasqAgent": ranges}))

    assert result.config["bpf-lb-sock-hostns-only"] == "true"
    if not version.startswith("1.12."):
        assert "10.0.0.0/8" in str(result.objects["ConfigMap", "ip-masq-agent"]["data"])


def test_prefix_delegation_and_encryption_are_configured(rendered: Render):
    config = rendered(prefix_delegation=True, encryption="wireguard").config

    assert config["aws-enable-prefix-delegation"] == "true"
    assert config["enable-wireguard"] == "true"


def test_no_helm_hook_waits_for_a_node(rendered: Render):
    """Helm waits for a hook even without `--wait`, and there are no nodes yet."""
    objects = rendered(hubble_relay=True, hubble_ui=True).objects.values()

    assert not [item for item in objects if "helm.sh/hook" in (item["metadata"].get("annotations") or {})]


def test_the_chart_knows_every_key_it_is_given(version: str):
    changes = {
        "masquerade": Masquerade(enabled=True, interfaces="ens+"),
        "prefix_delegation": True,
        "encryption": "wireguard",
        "hubble_relay": True,
        "hubble_ui": True,
    }

    assert unknown_keys(version, eni_values(mode_of(version, **changes))) == []


def test_a_users_value_is_used_and_the_mode_stays(rendered: Render):
    result = rendered(extra={"debug": {"enabled": True}, "operator": {"skipCRDCreation": False}})

    assert result.config["debug"] == "true"
    assert result.operator["replicas"] == 2


def test_the_chart_itself_refuses_tunnel_in_later_releases(toolchain: Toolchain):
    """Shows that the renders above can fail: the key of 1.12 breaks every later chart."""
    values = merged(eni_values(mode_of("1.19.7")), {"tunnel": "disabled"})

    with pytest.raises(RefusedByChartError, match="tunnel was deprecated"):
        render(toolchain.helm(), toolchain.chart("1.19.7"), values)


def test_routing_mode_on_1_12_would_fall_back_to_an_overlay(toolchain: Toolchain):
    """The chart does not warn, hence the version table and the check of keys."""
    values = eni_values(mode_of("1.12.4"))
    del values["tunnel"]

    config = render(toolchain.helm(), toolchain.chart("1.12.4"), {**values, "routingMode": "native"}).config

    assert config["tunnel"] == "vxlan"
    assert [unknown.path for unknown in unknown_keys("1.12.4", {"routingMode": "native"})] == [
        ("routingMode",)
    ]


BESIDE = {"beside": ("cni-plugin", "aws"), "kube_proxy_replacement": False}


def test_beside_another_cni_agents_avoid_its_nodes(rendered: Render):
    affinity = rendered(**BESIDE).agent["affinity"]

    required = affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["nodeSelectorTerms"] == [
        {
            "matchExpressions": [
                {"key": "cni-plugin", "operator": "NotIn", "values": ["aws"]},
                {
                    "key": "eks.amazonaws.com/compute-type",
                    "operator": "NotIn",
                    "values": ["fargate", "auto", "hybrid"],
                },
            ]
        }
    ]
    assert "podAntiAffinity" in affinity, "the chart's own affinity is kept"


def test_beside_another_cni_envoy_avoids_its_nodes_too(rendered: Render, version: str):
    """Without the affinity, Envoy's pods would stay Pending on nodes without an agent."""
    if not release_of(version).envoy_is_a_daemon_set:
        assert ("DaemonSet", "cilium-envoy") not in rendered(**BESIDE).objects
        return
    enabled = {"envoy": {"enabled": True}}

    (term,) = envoy_terms(rendered(**BESIDE, extra=enabled))
    (stock,) = envoy_terms(rendered(extra=enabled))

    assert {"key": "cni-plugin", "operator": "NotIn", "values": ["aws"]} in term["matchExpressions"]
    assert term["matchExpressions"][: len(stock["matchExpressions"])] == stock["matchExpressions"]


def envoy_terms(result: Rendered) -> list[dict[str, Any]]:
    pod = result.objects["DaemonSet", "cilium-envoy"]["spec"]["template"]["spec"]
    return pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]


def test_beside_another_cni_the_operator_deletes_none_of_its_pods(rendered: Render):
    """Cilium's operator deletes CoreDNS pods without an endpoint; an interval of 0 seconds disables that."""
    alone, beside = rendered(), rendered(**BESIDE)

    assert watched(alone)
    assert not watched(beside)


def watched(result: Rendered) -> bool:
    container = result.operator["template"]["spec"]["containers"][0]
    flags = [*container.get("args", ()), *container.get("command", ())]
    return result.config.get("unmanaged-pod-watcher-interval", "15s") not in ("0", "0s") and not any(
        flag.startswith("--unmanaged-pod-watcher-interval=0") for flag in flags
    )


@pytest.mark.parametrize("extra", [{}, {"policyEnforcementMode": "always"}])
def test_beside_another_cni_helm_owns_no_mode_of_policies(rendered: Render, extra: dict[str, Any]):
    """Otherwise an upgrade would write the mode again while it is paused."""
    assert "enable-policy" not in rendered(**BESIDE, extra=extra).config
    assert rendered(extra=extra).config["enable-policy"] == extra.get("policyEnforcementMode", "default")


def test_beside_another_cni_kube_proxy_stays(rendered: Render):
    result = rendered(**BESIDE)

    assert result.config["kube-proxy-replacement"] in ("false", "disabled")
    environment = {item["name"] for item in result.agent["containers"][0]["env"]}
    assert "KUBERNETES_SERVICE_HOST" not in environment, "Services work while kube-proxy runs"


def test_the_chart_knows_the_keys_of_a_replacement(version: str):
    assert unknown_keys(version, eni_values(mode_of(version, **BESIDE))) == []


@pytest.mark.parametrize("release", [version for version in TRIED if minor(version) >= (1, 19)])
def test_interfaces_for_pods_are_made_in_their_own_subnets(toolchain: Toolchain, release: str):
    values = eni_values(mode_of(release, pod_subnets=["subnet-0c", "subnet-0d"]))

    config = render(toolchain.helm(), toolchain.chart(release), values).config
    assert config["eni-first-interface-index"] == "1"
    assert config["eni-subnet-ids"] == "subnet-0c,subnet-0d"
    assert unknown_keys(release, values) == []
