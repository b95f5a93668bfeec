"""The emulated `eks.Cluster` registers the same resources as the real component for the same arguments."""

import json
import os
from pathlib import Path

import grpc
import pytest

from lab.providers.values import OUTPUT, SIGNATURE, UNKNOWN, decode
from tests.lab.providers.provider_process import ROOT, ProviderProcess, refusal
from tests.lab.providers.recording_engine import construct_request, listening

CLUSTER = "eks:index:Cluster"
ADMIN = "arn:aws:iam::123456789012:role/admin"
POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
ARN = "arn:aws:eks:eu-central-1:123456789012:cluster/demo"

BARE = {
    "name": "demo",
    "version": "1.33",
    "vpcId": "vpc-1",
    "publicSubnetIds": ["subnet-a"],
    "privateSubnetIds": ["subnet-b", "subnet-c"],
    "authenticationMode": "API",
    "skipDefaultNodeGroup": True,
    "useDefaultVpcCni": True,
    "bootstrapSelfManagedAddons": False,
    "kubeProxyAddonOptions": {"enabled": False},
    "corednsAddonOptions": {"enabled": False},
    "tags": {"team": "net"},
    "accessEntries": {
        "admin": {
            "principalArn": ADMIN,
            "accessPolicies": {"all": {"policyArn": POLICY, "accessScope": {"type": "cluster"}}},
        }
    },
}
# What the real component registers for these arguments, seen with the official CLI: type, name, parent.
BARE_TREE = {
    (CLUSTER, "c", ""),
    ("eks:index:ServiceRole", "c-eksRole", "c"),
    ("aws:iam/role:Role", "c-eksRole-role", "c-eksRole"),
    ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "c-eksRole-4b490823", "c-eksRole"),
    ("aws:ec2/securityGroup:SecurityGroup", "c-eksClusterSecurityGroup", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksClusterInternetEgressRule", "c"),
    ("aws:eks/cluster:Cluster", "c-eksCluster", "c"),
    ("pulumi:providers:kubernetes", "c-eks-k8s", "c"),
    ("aws:eks/accessEntry:AccessEntry", "c-admin", "c"),
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "c-admin-all", "c-admin"),
    ("aws:ec2/securityGroup:SecurityGroup", "c-nodeSecurityGroup", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksNodeIngressRule", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksNodeClusterIngressRule", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksExtApiServerClusterIngressRule", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksNodeInternetEgressRule", "c"),
    ("aws:ec2/securityGroupRule:SecurityGroupRule", "c-eksClusterIngressRule", "c"),
}
GROUPS = {entry for entry in BARE_TREE if "securityGroup" in entry[0]}
COMPUTED = {
    "aws:eks/cluster:Cluster": {
        "arn": ARN,
        "endpoint": "https://127.0.0.1:6443",
        "certificateAuthority": {"data": "Q0E="},
        "identities": [{"oidcs": [{"issuer": "https://oidc.example/id/X"}]}],
        "vpcConfig": {"subnetIds": ["subnet-a"], "clusterSecurityGroupId": "sg-eks", "vpcId": "vpc-1"},
    },
    "aws:iam/role:Role": {"arn": "arn:aws:iam::123456789012:role/eks", "name": "eks"},
    "aws:ec2/securityGroupRule:SecurityGroupRule": {"securityGroupRuleId": "sgr-1"},
}


@pytest.fixture(scope="module")
def eks():
    path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    process = ProviderProcess("eks", {"PATH": path, "AWS_PROFILE": ""})
    yield process
    process.stop()


def construct(eks, inputs, *, preview=False, computed=COMPUTED):
    """The registrations and the answer of one construction."""
    with listening(computed={} if preview else computed) as (address, _, monitor):
        connection = eks.connect()
        connection.attach(address)
        request = construct_request(address, CLUSTER, "c", inputs, preview=preview)
        response = connection.stub.Construct(request)
    return monitor, decode(response.state), response


def test_the_minimal_arguments_register_the_real_component_s_tree(eks):
    monitor, _, response = construct(eks, BARE)
    assert monitor.tree() == BARE_TREE
    assert response.urn == "urn:pulumi:dev::project::eks:index:Cluster::c"
    assert monitor.invoked == [("aws:index/getPartition:getPartition", {})]


def test_a_preview_registers_the_same_tree(eks):
    monitor, state, _ = construct(eks, BARE, preview=True)
    assert monitor.tree() == BARE_TREE
    assert state["kubeconfigJson"] is UNKNOWN


def test_without_default_groups_only_the_group_of_eks_is_used(eks):
    monitor, state, _ = construct(eks, BARE | {"skipDefaultSecurityGroups": True})
    assert monitor.tree() == BARE_TREE - GROUPS
    assert "securityGroupIds" not in monitor.of("c-eksCluster").inputs["vpcConfig"]
    assert state["clusterSecurityGroupId"] == state["nodeSecurityGroupId"] == "sg-eks"


def test_the_cluster_child_gets_the_real_component_s_inputs(eks):
    monitor, _, _ = construct(eks, BARE | {"encryptionConfigKeyArn": "arn:aws:kms:x", "ipFamily": "ipv4"})
    child = monitor.of("c-eksCluster")
    assert child.inputs == {
        "name": "demo",
        "version": "1.33",
        "roleArn": "arn:aws:iam::123456789012:role/eks",
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "vpcConfig": {
            "securityGroupIds": ["c-eksClusterSecurityGroup-id"],
            "subnetIds": ["subnet-a", "subnet-b", "subnet-c"],
        },
        "kubernetesNetworkConfig": {"ipFamily": "ipv4"},
        "encryptionConfig": {"provider": {"keyArn": "arn:aws:kms:x"}, "resources": ["secrets"]},
        "tags": {"Name": "c-eksCluster", "team": "net"},
    }
    assert child.ignored == [
        "accessConfig.bootstrapClusterCreatorAdminPermissions",
        "bootstrapSelfManagedAddons",
    ]
    assert {"c-eksRole-role", "c-eksRole-4b490823"} <= set(child.dependencies)


def test_the_role_and_the_rules_equal_the_real_ones(eks):
    monitor, _, _ = construct(eks, BARE)
    trust = json.loads(monitor.of("c-eksRole-role").inputs["assumeRolePolicy"])["Statement"]
    assert trust == [
        {
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Effect": "Allow",
            "Principal": {"Service": ["eks.amazonaws.com"]},
        }
    ]
    assert (
        monitor.of("c-eksRole-4b490823").inputs["policyArn"]
        == "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
    )
    rule = monitor.of("c-eksNodeClusterIngressRule").inputs
    assert (rule["fromPort"], rule["toPort"], rule["protocol"]) == (1025, 65535, "tcp")
    assert rule["securityGroupId"] == "c-nodeSecurityGroup-id"
    assert rule["sourceSecurityGroupId"] == "c-eksClusterSecurityGroup-id"
    assert monitor.of("c-nodeSecurityGroup").inputs["tags"] == {
        "Name": "c-nodeSecurityGroup",
        "kubernetes.io/cluster/demo": "owned",
        "team": "net",
    }


def test_an_access_entry_waits_for_the_cluster(eks):
    monitor, _, _ = construct(eks, BARE)
    entry, policy = monitor.of("c-admin"), monitor.of("c-admin-all")
    assert entry.inputs == {"clusterName": "demo", "principalArn": ADMIN}
    assert entry.dependencies == ["c-eksCluster"]
    assert policy.inputs["accessScope"] == {"type": "cluster"}
    assert "c-admin" in policy.dependencies


ADDON, CNI = "aws:eks/addon:Addon", "eks:index:VpcCniAddon"
KUBE_PROXY, COREDNS = (ADDON, "c-kube-proxy", "c"), (ADDON, "c-coredns", "c")
VPC_CNI = {(CNI, "c-vpc-cni", "c"), (ADDON, "c-vpc-cni", "c-vpc-cni")}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"useDefaultVpcCni": None}, VPC_CNI),
        ({"useDefaultVpcCni": False}, VPC_CNI),
        ({"kubeProxyAddonOptions": None}, {KUBE_PROXY}),
        ({"kubeProxyAddonOptions": {"enabled": True}}, {KUBE_PROXY}),
        ({"corednsAddonOptions": None}, set()),
        ({"corednsAddonOptions": {"enabled": True, "version": "v1"}}, {COREDNS}),
    ],
)
def test_the_flags_decide_the_add_ons(eks, changes, expected):
    monitor, _, _ = construct(
        eks, {key: value for key, value in (BARE | changes).items() if value is not None}
    )
    assert {entry for entry in monitor.tree() if entry[0] in {ADDON, CNI}} == expected


def test_an_add_on_without_a_version_asks_for_the_newest(eks):
    # As JSON sorts and JavaScript writes it: `1`, not `1.0`.
    options = {"enabled": True, "configurationValues": {"b": 1, "a": {"d": 2, "c": 3}}}
    monitor, _, _ = construct(eks, BARE | {"kubeProxyAddonOptions": options})
    assert monitor.of("c-kube-proxy").inputs == {
        "addonName": "kube-proxy",
        "addonVersion": "v9.9.9-eksbuild.9",
        "clusterName": "demo",
        "configurationValues": '{"a":{"c":3,"d":2},"b":1}',
        "preserve": True,
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "OVERWRITE",
        "tags": {"team": "net"},
    }
    asked = {"addonName": "kube-proxy", "kubernetesVersion": "1.33", "mostRecent": True}
    assert ("aws:eks/getAddonVersion:getAddonVersion", asked) in monitor.invoked


def test_the_vpc_cni_add_on_carries_the_component_s_defaults(eks):
    options = {
        "addonVersion": "v1.20",
        "enableNetworkPolicy": True,
        "enablePrefixDelegation": True,
        "configurationValues": {"env": {"AWS_VPC_ENI_MTU": "1500"}, "other": "kept"},
    }
    monitor, _, _ = construct(eks, BARE | {"useDefaultVpcCni": False, "vpcCniOptions": options})
    addon = next(found for found in monitor.registered.values() if found.inputs.get("addonName") == "vpc-cni")
    values = json.loads(addon.inputs["configurationValues"])
    assert values["enableNetworkPolicy"] == "true"
    assert values["other"] == "kept"
    assert values["init"] == {"env": {"DISABLE_TCP_EARLY_DEMUX": "false"}}
    assert values["env"] == {
        "WARM_ENI_TARGET": "1",
        "ENABLE_PREFIX_DELEGATION": "true",
        "AWS_VPC_K8S_CNI_LOGLEVEL": "DEBUG",
        "AWS_VPC_K8S_CNI_LOG_FILE": "/host/var/log/aws-routed-eni/ipamd.log",
        "AWS_VPC_K8S_CNI_VETHPREFIX": "eni",
        "AWS_VPC_ENI_MTU": "1500",
        "AWS_VPC_K8S_PLUGIN_LOG_LEVEL": "DEBUG",
        "AWS_VPC_K8S_PLUGIN_LOG_FILE": "/var/log/aws-routed-eni/plugin.log",
        "ENABLE_POD_ENI": "false",
        "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "false",
        "AWS_VPC_K8S_CNI_EXTERNALSNAT": "false",
    }


def test_the_outputs_are_those_of_the_real_component(eks):
    monitor, state, _ = construct(eks, BARE | {"providerCredentialOpts": {"profileName": "work"}})
    user = json.loads(state["kubeconfigJson"])["users"][0]["user"]["exec"]
    assert user["args"] == [
        *("--region", "eu-central-1", "eks", "get-token"),
        *("--cluster-name", "demo", "--output", "json"),
    ]
    own = json.loads(monitor.of("c-eks-k8s").inputs["kubeconfig"])["users"][0]["user"]["exec"]
    assert own["args"] == [*user["args"], "--profile", "work"]
    assert state["kubeconfig"] == json.loads(state["kubeconfigJson"])
    assert state["eksCluster"] == "c-eksCluster-id"
    assert state["core"]["cluster"] == "c-eksCluster-id"
    assert state["core"]["endpoint"] == "https://127.0.0.1:6443"
    assert state["core"]["subnetIds"] == ["subnet-a", "subnet-b", "subnet-c"]
    assert state["oidcProviderUrl"] == "https://oidc.example/id/X"
    assert state["oidcIssuer"] == "oidc.example/id/X"
    assert state["clusterSecurityGroupId"] == "c-eksClusterSecurityGroup-id"
    assert state["nodeSecurityGroupId"] == "c-nodeSecurityGroup-id"
    absent = ("oidcProviderArn", "defaultNodeGroupAsgName", "fargateProfileId", "autoModeNodeRoleName")
    assert [state[key] for key in absent] == ["", "", "", ""]
    assert monitor.outputs["urn:pulumi:dev::project::eks:index:Cluster::c"]["oidcProviderArn"] == ""


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"createOidcProvider": True}, "aws.iam.OpenIdConnectProvider for oidc_provider_url"),
        ({"createOidcProvider": {SIGNATURE: OUTPUT, "value": False}}, "oidc_provider_url"),
        ({"fargate": True}, "does not offer the argument 'fargate' of eks.Cluster (the real component does)"),
        ({"nodeCount": 3}, "eks.Cluster has no argument 'nodeCount'"),
        ({"authenticationMode": "CONFIG_MAP"}, "offers authenticationMode 'API' only"),
        ({"skipDefaultNodeGroup": False}, "creates no default node group"),
        ({"subnetIds": ["a"]}, "subnetIds excludes publicSubnetIds and privateSubnetIds"),
        (
            {"kubeProxyAddonOptions": {"versoin": "x"}},
            "'kubeProxyAddonOptions' of eks.Cluster has no field 'versoin'",
        ),
    ],
)
def test_an_unsupported_argument_is_refused_by_name(eks, changes, line):
    with pytest.raises(grpc.RpcError) as caught:
        construct(eks, BARE | changes)
    assert line in refusal(caught.value)
    assert "Traceback" not in refusal(caught.value)


def test_all_problems_are_reported_at_once(eks):
    with pytest.raises(grpc.RpcError) as caught:
        construct(eks, BARE | {"fargate": True, "nodeCount": 3})
    assert "'fargate'" in refusal(caught.value)
    assert "'nodeCount'" in refusal(caught.value)


def test_without_the_aws_cli_it_fails_as_the_real_component_does():
    process = ProviderProcess("eks", {"PATH": str(Path(os.devnull).parent)})
    try:
        with pytest.raises(grpc.RpcError) as caught:
            construct(process, BARE)
    finally:
        process.stop()
    assert "Could not find aws CLI for EKS" in refusal(caught.value)


def test_another_component_is_refused_by_name(eks):
    with listening() as (address, _, _):
        request = construct_request(address, "eks:index:NodeGroup", "n", {})
        with pytest.raises(grpc.RpcError) as caught:
            eks.connect().stub.Construct(request)
    assert "does not offer the component eks:index:NodeGroup" in refusal(caught.value)


def test_it_answers_the_first_calls_of_an_attaching_engine(eks):
    connection = eks.connect()
    connection.handshake("127.0.0.1:1")
    assert connection.version() == "4.4.0"
    assert connection.check_config({"version": "4.4.0", "colour": "red"}) == [
        "the lab's eks provider has no option 'colour'"
    ]
