"""Exactly what mode new-cluster registers, in which order, with which options."""

import base64
import json
import tomllib
from collections import Counter
from email import message_from_string
from typing import Any

import pulumi
import pytest
import yaml

from eks_cilium.settings import read
from eks_cilium.settings.model import NewClusterSettings
from stacks import new_cluster
from tests.program.components.recording import ACCOUNT, ISSUER, Recorder, WithoutKey, record

pytestmark = pytest.mark.simulation

SETTINGS: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "new-cluster",
    "cluster": {
        "name": "dev",
        "kubernetesVersion": "1.34",
        "admins": [f"arn:aws:iam::{ACCOUNT}:role/platform"],
    },
    "network": {"cidr": "10.0.0.0/16", "zones": 3, "nat": "single"},
    "nodeGroups": {"system": {}, "batch": {"autoscaled": True, "labels": {"pool": "batch"}}},
    "cilium": {"version": "1.19.7", "chartRepository": "charts"},
    "coredns": {"version": "v1.12.4-eksbuild.1"},
    "tags": {"team": "platform"},
}


def settings_of(changes: dict[str, Any] | None = None) -> NewClusterSettings:
    raw = {**SETTINGS, **(changes or {})}
    settings = read(
        {
            key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
    )
    assert isinstance(settings, NewClusterSettings)
    return settings


def recorded(
    changes: dict[str, Any] | None = None,
    answers: dict[str, Any] | None = None,
    *,
    aws: Any = None,
) -> Recorder:
    """Record the program; `aws` answers instead of boto3's clients."""
    settings = settings_of(changes)
    return record(lambda: new_cluster.run(settings, aws_client=lambda *_: aws or WithoutKey()), answers)


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded()


def test_every_type_is_created_as_often_as_it_has_to_be(stack: Recorder) -> None:
    assert Counter(entry.type for entry in stack.registrations) == {
        "pulumi:providers:aws": 1,
        "pulumi:providers:kubernetes": 1,
        "eks-cilium:index:Network": 1,
        "aws:ec2/vpc:Vpc": 1,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": 1,
        "aws:ec2/internetGateway:InternetGateway": 1,
        "aws:ec2/eip:Eip": 1,
        "aws:ec2/natGateway:NatGateway": 1,
        "aws:ec2/subnet:Subnet": 6,
        "aws:ec2/routeTable:RouteTable": 4,
        "aws:ec2/route:Route": 4,
        "aws:ec2/routeTableAssociation:RouteTableAssociation": 6,
        "eks-cilium:index:EksCluster": 1,
        "aws:cloudwatch/logGroup:LogGroup": 1,
        "eks:index:Cluster": 1,
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": 1,
        "pulumi-python:dynamic/eks-cilium:InterfaceSweep": 1,
        "eks-cilium:index:OperatorRole": 1,
        "aws:iam/role:Role": 2,
        "aws:iam/rolePolicy:RolePolicy": 1,
        "eks-cilium:index:Cilium": 1,
        "kubernetes:helm.sh/v3:Release": 1,
        "eks-cilium:index:NodeRole": 1,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": 3,
        "eks-cilium:index:NodeGroup": 2,
        "aws:ec2/launchTemplate:LaunchTemplate": 2,
        "aws:eks/nodeGroup:NodeGroup": 2,
        "pulumi-python:dynamic/eks-cilium:ReadinessGate": 1,
        "eks-cilium:index:CoreDns": 1,
        "aws:eks/addon:Addon": 1,
    }


def test_names_and_urns_are_unique(stack: Recorder) -> None:
    assert len({entry.urn for entry in stack.registrations}) == len(stack.registrations)


def test_every_component_registers_its_outputs_and_has_children(stack: Recorder) -> None:
    components = [entry for entry in stack.registrations if entry.type.startswith("eks-cilium:")]
    parents = {entry.parent for entry in stack.registrations}

    assert {entry.urn for entry in components} <= parents
    assert {entry.urn for entry in components} <= set(stack.outputs)


def test_every_aws_resource_uses_the_programs_own_provider(stack: Recorder) -> None:
    own = stack.only("aws")
    for entry in stack.registrations:
        if entry.type.startswith(("aws:", "eks:index:Cluster")):
            assert entry.provider.startswith(own.urn), entry.urn


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (("Cluster", "dev"), ("Network", "dev")),
        (("Cluster", "dev"), ("LogGroup", "dev-logs")),
        (("InterfaceSweep", "dev"), ("Cluster", "dev")),
        (("Release", "dev-cilium"), ("InterfaceSweep", "dev")),
        (("Release", "dev-cilium"), ("Cluster", "dev")),
        (("Release", "dev-cilium"), ("RolePolicy", "dev-cilium-operator")),
        (("NodeGroup", "dev-system"), ("Release", "dev-cilium")),
        (("NodeGroup", "dev-batch"), ("Release", "dev-cilium")),
        (("NodeGroup", "dev-system"), ("RolePolicyAttachment", "dev-node-AmazonEKSWorkerNodePolicy")),
        (("NodeGroup", "dev-system"), ("Route", "dev-private-eu-central-1a")),
        (("ReadinessGate", "dev"), ("NodeGroup", "dev-batch")),
        (("Addon", "dev-coredns"), ("ReadinessGate", "dev")),
        (("NatGateway", "dev-nat-eu-central-1a"), ("InternetGateway", "dev")),
    ],
    ids="/".join,
)
def test_the_order_of_creation(stack: Recorder, later: tuple[str, str], earlier: tuple[str, str]) -> None:
    """Deletion runs in the opposite order, so the test checks both directions."""
    first, second = (
        next(
            entry
            for entry in stack.of(kind)
            if entry.name == name and entry.type != "eks-cilium:index:NodeGroup"
        )
        for kind, name in (later, earlier)
    )

    assert stack.waits_for(first, second)
    assert not stack.waits_for(second, first)


def test_no_default_cni_no_default_add_ons_no_default_nodes(stack: Recorder) -> None:
    inputs = stack.only("Cluster").inputs

    assert inputs["bootstrapSelfManagedAddons"] is False
    assert inputs["useDefaultVpcCni"] is True
    assert inputs["kubeProxyAddonOptions"]["enabled"] is False
    assert inputs["corednsAddonOptions"]["enabled"] is False
    assert inputs["skipDefaultNodeGroup"] is True
    assert inputs["skipDefaultSecurityGroups"] is True
    assert inputs["createOidcProvider"] is False
    assert inputs["authenticationMode"] == "API"


@pytest.mark.parametrize(("policy", "sent"), [(None, None), ("STANDARD", {"supportType": "STANDARD"})])
def test_the_upgrade_policy_is_left_to_eks_unless_it_is_set(
    policy: str | None, sent: dict[str, str] | None
) -> None:
    cluster = SETTINGS["cluster"] | ({"upgradePolicy": policy} if policy else {})

    assert recorded({"cluster": cluster}).only("Cluster").inputs.get("upgradePolicy") == sent


def test_kube_proxy_is_pinned_when_cilium_does_not_replace_it() -> None:
    stack = recorded(
        {
            "cilium": {"version": "1.19.7", "kubeProxyReplacement": False},
            "kubeProxy": {"version": "v1.34.0-eksbuild.2"},
        }
    )

    addon = stack.only("Addon", "dev-kube-proxy")
    assert addon.inputs["addonVersion"] == "v1.34.0-eksbuild.2"
    # Without it, kube-proxy would stay when Cilium replaces it later.
    assert addon.inputs["preserve"] is False
    assert stack.only("Cluster").inputs["kubeProxyAddonOptions"]["enabled"] is False
    assert stack.waits_for(stack.only("Release"), stack.by_urn(addon.parent))
    assert stack.only("Release").inputs["values"]["kubeProxyReplacement"] == "false"


def test_the_cluster_is_protected_and_nothing_else_is(stack: Recorder) -> None:
    assert [entry.type for entry in stack.registrations if entry.protect] == ["eks:index:Cluster"]
    assert not [
        entry
        for entry in recorded({"cluster": SETTINGS["cluster"] | {"protect": False}}).registrations
        if entry.protect
    ]


def test_admins_get_access_entries_with_stable_names(stack: Recorder) -> None:
    entries = stack.only("Cluster").inputs["accessEntries"]

    assert list(entries) == [f"{ACCOUNT}-role-platform"]
    policy = entries[f"{ACCOUNT}-role-platform"]["accessPolicies"]["admin"]
    assert policy["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


def test_nodes_join_tainted_and_in_private_subnets(stack: Recorder) -> None:
    groups = [entry for entry in stack.of("NodeGroup") if entry.custom]

    for group in groups:
        assert group.inputs["taints"][0] == {
            "key": "node.cilium.io/agent-not-ready",
            "value": "true",
            "effect": "NO_EXECUTE",
        }
        assert group.inputs["subnetIds"] == [f"dev-private-eu-central-1{zone}-id" for zone in "abc"]
        assert group.inputs["version"] == "1.34"


def test_only_an_autoscaled_groups_size_is_left_alone(stack: Recorder) -> None:
    ignored = {entry.name: entry.ignore_changes for entry in stack.of("NodeGroup") if entry.custom}

    assert ignored == {"dev-batch": ("scalingConfig.desiredSize",), "dev-system": ()}


@pytest.mark.parametrize(
    ("group", "sent"),
    [
        ({}, {"maxUnavailable": 1}),
        ({"maxUnavailable": 2, "maxSize": 4}, {"maxUnavailable": 2}),
        ({"maxUnavailable": "33%"}, {"maxUnavailablePercentage": 33}),
        (
            {"maxUnavailable": "100%", "updateStrategy": "MINIMAL"},
            {"maxUnavailablePercentage": 100, "updateStrategy": "MINIMAL"},
        ),
    ],
)
def test_how_many_nodes_may_be_missing(group: dict[str, Any], sent: dict[str, Any]) -> None:
    stack = recorded({"nodeGroups": {"system": group}})

    (found,) = (entry for entry in stack.of("NodeGroup") if entry.custom)
    assert found.inputs["updateConfig"] == sent


@pytest.mark.parametrize(
    ("repair", "sent"),
    [
        (None, None),
        ({}, {"enabled": True}),
        ({"enabled": False}, {"enabled": False}),
        (
            {"maxUnhealthy": "20%", "maxParallel": 1},
            {
                "enabled": True,
                "maxUnhealthyNodeThresholdPercentage": 20,
                "maxParallelNodesRepairedCount": 1,
            },
        ),
        (
            {
                "overrides": [
                    {"condition": "KernelReady", "reason": "X", "waitMinutes": 5, "action": "Reboot"}
                ]
            },
            {
                "enabled": True,
                "nodeRepairConfigOverrides": [
                    {
                        "nodeMonitoringCondition": "KernelReady",
                        "nodeUnhealthyReason": "X",
                        "minRepairWaitTimeMins": 5,
                        "repairAction": "Reboot",
                    }
                ],
            },
        ),
    ],
)
def test_how_unhealthy_nodes_are_repaired(repair: dict[str, Any] | None, sent: dict[str, Any] | None) -> None:
    group = {} if repair is None else {"nodeRepair": repair}
    stack = recorded({"nodeGroups": {"system": group}})

    (found,) = (entry for entry in stack.of("NodeGroup") if entry.custom)
    assert found.inputs.get("nodeRepairConfig") == sent


def test_nodes_answer_only_to_tokens_and_encrypt_their_disks(stack: Recorder) -> None:
    for template in stack.of("LaunchTemplate"):
        assert template.inputs["metadataOptions"]["httpTokens"] == "required"
        assert template.inputs["metadataOptions"]["httpPutResponseHopLimit"] == 1
        disk = template.inputs["blockDeviceMappings"][0]["ebs"]
        assert (disk["encrypted"], disk["volumeType"]) == ("true", "gp3")


def test_systemd_networkd_is_told_to_leave_other_interfaces_alone(stack: Recorder) -> None:
    document = base64.b64decode(stack.of("LaunchTemplate")[0].inputs["userData"]).decode()

    assert 'Content-Type: multipart/mixed; boundary="==eks-cilium=="' in document
    assert "text/cloud-boothook" in document
    assert "Unmanaged=yes" in document
    assert "Name=!${primary:-ens5}" in document


def user_data_of(group: dict[str, Any], cilium: dict[str, Any] | None = None) -> str:
    stack = recorded({"nodeGroups": {"system": group}, "cilium": {"version": "1.19.7", **(cilium or {})}})
    return base64.b64decode(stack.only("LaunchTemplate").inputs.get("userData", "")).decode()


def test_a_limit_of_pods_is_in_the_node_config_and_behind_nodeadms_own_file() -> None:
    document = message_from_string(user_data_of({"maxPods": 60}))

    parts = {part.get_content_type(): str(part.get_payload()) for part in document.walk()}
    config = yaml.safe_load(parts["application/node.eks.aws"])
    assert config["kind"] == "NodeConfig"
    assert config["spec"]["kubelet"]["config"] == {"maxPods": 60}
    assert "/etc/kubernetes/kubelet/config.json.d/90-max-pods.conf" in parts["text/cloud-boothook"]
    assert '"maxPods": 60\n}' in parts["text/cloud-boothook"]


def test_a_limit_of_pods_on_bottlerocket() -> None:
    text = user_data_of({"amiType": "BOTTLEROCKET_x86_64", "maxPods": 60})

    assert tomllib.loads(text) == {"settings": {"kubernetes": {"max-pods": 60}}}


@pytest.mark.parametrize(
    ("types", "limit"),
    [
        (["m7i.large"], 110),
        (["m7i.8xlarge"], 250),
        (["m7i.metal-24xl", "m7i.24xlarge"], 250),
        (["m7i.8xlarge", "m7i.xlarge"], 110),
        (["t3.micro"], None),
    ],
)
def test_prefixes_raise_the_limit_of_pods(types: list[str], limit: int | None) -> None:
    text = user_data_of({"instanceTypes": types}, {"prefixDelegation": True})

    assert (f"maxPods: {limit}" in text) is (limit is not None)
    assert ("node.eks.aws" in text) is (limit is not None)


def test_a_limit_of_pods_of_the_configuration_counts_more_than_that_of_prefixes() -> None:
    assert "maxPods: 60" in user_data_of({"maxPods": 60}, {"prefixDelegation": True})


def test_without_a_limit_the_user_data_is_as_before() -> None:
    assert "maxPods" not in user_data_of({})


def test_bottlerocket_gets_no_user_data_and_its_own_data_volume() -> None:
    stack = recorded({"nodeGroups": {"system": {"amiType": "BOTTLEROCKET_x86_64"}}})

    inputs = stack.only("LaunchTemplate").inputs
    assert "userData" not in inputs
    assert inputs["blockDeviceMappings"][0]["deviceName"] == "/dev/xvdb"


def test_the_release_does_not_wait_and_keeps_its_name(stack: Recorder) -> None:
    inputs = stack.only("Release").inputs

    assert (inputs["name"], inputs["namespace"]) == ("cilium", "kube-system")
    assert inputs["skipAwait"] is True
    assert "atomic" not in inputs
    assert (inputs["chart"], inputs["version"]) == ("charts/cilium-1.19.7.tgz", "1.19.7")


@pytest.mark.parametrize(
    ("repository", "chart", "options"),
    [
        ("https://helm.cilium.io/", "cilium", {"repo": "https://helm.cilium.io/"}),
        ("oci://quay.io/cilium/charts/", "oci://quay.io/cilium/charts/cilium", None),
        ("/srv/charts/", "/srv/charts/cilium-1.19.7.tgz", None),
    ],
)
def test_where_the_chart_comes_from(repository: str, chart: str, options: dict[str, str] | None) -> None:
    inputs = recorded({"cilium": {"version": "1.19.7", "chartRepository": repository}}).only("Release").inputs

    assert (inputs["chart"], inputs.get("repositoryOpts")) == (chart, options)


def test_values_carry_what_only_the_cluster_knows(stack: Recorder) -> None:
    values = stack.only("Release").inputs["values"]

    assert values["k8sServiceHost"] == "abc.gr7.eu-central-1.eks.amazonaws.com"
    assert values["k8sServicePort"] == "443"
    assert values["eni"]["iamRole"].startswith("arn:aws:")
    assert values["eni"]["subnetIDsFilter"] == [f"dev-private-eu-central-1{zone}-id" for zone in "abc"]
    assert values["eni"]["eniTags"] == {"team": "platform", "eks-cilium/cluster": "dev"}
    assert values["enableIPv4Masquerade"] is False


def test_subnets_are_spelled_as_the_release_splits_them() -> None:
    values = recorded({"cilium": {"version": "1.12.4"}}).only("Release").inputs["values"]

    assert values["eni"]["subnetIDsFilter"] == " ".join(
        f"dev-private-eu-central-1{zone}-id" for zone in "abc"
    )


@pytest.mark.parametrize(("version", "warned"), [("1.18.11", True), ("1.19.7", False)])
def test_an_untested_kubernetes_is_a_warning(
    caplog: pytest.LogCaptureFixture, version: str, warned: bool
) -> None:
    recorded({"cilium": {"version": version}})

    assert ("is tested with Kubernetes up to" in caplog.text) is warned


@pytest.mark.parametrize(
    ("version", "warning"),
    [
        ("1.18.6", "Cilium 1.18.6 was not tried with this program, 1.18.11 was"),
        ("1.17.12", "Cilium 1.17 is not maintained any more"),
    ],
)
def test_a_patch_that_was_not_tried_or_is_not_maintained_is_a_warning(
    caplog: pytest.LogCaptureFixture, version: str, warning: str
) -> None:
    result = recorded({"cilium": {"version": version}})

    assert result.only("Release").inputs["version"] == version
    assert warning in caplog.text


def test_the_release_uses_a_provider_of_its_own_bound_to_the_cluster(stack: Recorder) -> None:
    provider = stack.only("kubernetes")

    assert stack.only("Release").provider.startswith(provider.urn)
    assert provider.inputs["clusterIdentifier"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/dev"
    user = json.loads(provider.inputs["kubeconfig"])["users"][0]["user"]
    assert user["exec"]["args"][:2] == ["eks", "get-token"]
    assert "token" not in user


def test_the_operators_role_trusts_one_service_account_of_this_cluster(stack: Recorder) -> None:
    role = stack.only("Role", "dev-cilium-operator")

    condition = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]["Condition"]["StringEquals"]
    assert condition[f"{ISSUER}:sub"] == "system:serviceaccount:kube-system:cilium-operator"


def test_no_group_of_the_vpc_is_open_by_default(stack: Recorder) -> None:
    closed = stack.only("DefaultSecurityGroup").inputs

    assert "ingress" not in closed
    assert "egress" not in closed


def test_a_gateway_per_zone_when_asked_for() -> None:
    stack = recorded({"network": {"cidr": "10.0.0.0/16", "zones": ["eu-central-1a", "eu-central-1b"]}})

    routes = {entry.name: entry.inputs.get("natGatewayId") for entry in stack.of("Route")}
    assert routes == {
        "dev-private-eu-central-1a": "dev-nat-eu-central-1a-id",
        "dev-private-eu-central-1b": "dev-nat-eu-central-1b-id",
        "dev-public": None,
    }


def test_the_gate_expects_the_nodes_that_are_there_for_sure(stack: Recorder) -> None:
    assert stack.only("ReadinessGate").inputs["minimum_nodes"] == 2 + 1


def test_every_taggable_resource_says_whose_it_is(stack: Recorder) -> None:
    tagged = [entry for entry in stack.registrations if "tags" in entry.inputs]

    assert len(tagged) > 20
    for entry in tagged:
        assert entry.inputs["tags"]["eks-cilium/cluster"] == "dev", entry.urn
        assert entry.inputs["tags"]["team"] == "platform", entry.urn


def test_another_cilium_version_changes_the_release_only(stack: Recorder) -> None:
    newer = recorded({"cilium": {"version": "1.20.2", "chartRepository": "charts"}})

    before = {entry.urn: entry.inputs for entry in stack.registrations}
    after = {entry.urn: entry.inputs for entry in newer.registrations}
    assert [urn for urn in before if before[urn] != after[urn]] == [stack.only("Release").urn]
    assert before.keys() == after.keys()


def test_exports_hold_facts_and_the_next_commands() -> None:
    exported: dict[str, Any] = {}

    def program() -> Any:
        outputs = pulumi.Output.from_input(new_cluster.run(settings_of(), aws_client=lambda *_: WithoutKey()))
        return outputs.apply(exported.update)

    record(program)

    assert exported["cluster"]["nodeGroups"] == {"system": "dev-system-1a2b3c4", "batch": "dev-batch-1a2b3c4"}
    assert exported["nextCommands"][0] == "aws eks update-kubeconfig --region eu-central-1 --name dev"
    assert json.loads(exported["kubeconfig"])["clusters"][0]["cluster"]["server"].startswith("https://ABC")
