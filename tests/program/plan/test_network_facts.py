"""What is read of a cluster's networks: EC2's answers, its refusals, and objects of the API server."""

from typing import Any

import pytest

from eks_cilium.clients.eks import accepts
from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.facts.network import aws_node, chain, plugins, subnets
from eks_cilium.migration.facts.network.model import InterfaceLimits, Subnet
from eks_cilium.migration.options import CiliumChoices
from tests.program.plan.aws import SCHEMA, Aws

pytestmark = pytest.mark.unit


class Api:
    """Objects by path, as an API server would send them."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self._objects = objects

    def get(self, path: str) -> Any:
        return self._objects.get(path)

    def each(self, path: str, keep: Any, **_: str) -> list[Any]:
        return [keep(obj) for obj in self._objects.get(path, [])]

    def list(self, path: str, **_: str) -> list[Any]:
        return self.each(path, lambda obj: obj)


def interface(instance: str, *addresses: str, prefixes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "SubnetId": "subnet-a",
        "Attachment": {"InstanceId": instance},
        "PrivateIpAddresses": [{"PrivateIpAddress": address} for address in addresses],
        "Ipv4Prefixes": [{"Ipv4Prefix": prefix} for prefix in prefixes],
    }


def test_what_ec2_knows():
    aws = Aws()
    used = [
        interface("i-1", "10.0.0.10", "10.0.0.11"),
        interface("i-1", "10.0.0.40", prefixes=("10.0.0.32/28",)),
    ]
    aws.answers("ec2", "describe_network_interfaces", {"NetworkInterfaces": used})
    described = {
        "SubnetId": "subnet-a",
        "AvailabilityZone": "eu-central-1a",
        "CidrBlock": "10.0.0.0/24",
        "AvailableIpAddressCount": 230,
    }
    aws.answers("ec2", "describe_subnets", {"Subnets": [described]}, SubnetIds=["subnet-a"])
    more = [{"CidrBlock": "100.64.0.0/16", "CidrBlockState": {"State": "associated"}}]
    vpc = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16", "CidrBlockAssociationSet": more}
    aws.answers("ec2", "describe_vpcs", {"Vpcs": [vpc]}, VpcIds=["vpc-1"])
    kinds = [
        kind("m5.large", 3, 10, "nitro"),
        kind("m4.large", 2, 10, "xen"),
        {**kind("m5.metal", 15, 50, None), "BareMetal": True},
    ]
    asked = ["m4.large", "m5.large", "m5.metal"]
    aws.answers("ec2", "describe_instance_types", {"InstanceTypes": kinds}, InstanceTypes=asked)

    found = subnets.read(aws("ec2"), "vpc-1", ["subnet-a"], ["m5.metal", "m5.large", "m4.large", "m5.large"])

    aws.all_asked()
    assert found.cidrs == ("10.0.0.0/16", "100.64.0.0/16")
    # Of sixteen blocks the first and the last hold addresses of AWS, the third a prefix.
    assert found.subnets == {"subnet-a": Subnet("subnet-a", "eu-central-1a", "10.0.0.0/24", 230, 13)}
    assert found.held == {"i-1": {"subnet-a": 2 + 16}}
    assert found.limits["m5.large"] == InterfaceLimits(3, 10)
    assert not found.limits["m4.large"].takes_prefixes
    assert found.limits["m5.metal"].takes_prefixes
    assert found.untold == ()


def kind(name: str, interfaces: int, addresses: int, hypervisor: str | None) -> dict[str, Any]:
    network = {"MaximumNetworkInterfaces": interfaces, "Ipv4AddressesPerInterface": addresses}
    return {"InstanceType": name, "NetworkInfo": network} | ({"Hypervisor": hypervisor} if hypervisor else {})


def test_what_is_not_allowed_is_said_and_the_rest_is_read():
    aws = Aws()
    for operation in ("describe_network_interfaces", "describe_subnets", "describe_vpcs"):
        aws.refuses("ec2", operation, "UnauthorizedOperation")
    answer = {"InstanceTypes": [kind("m5.large", 3, 10, "nitro")]}
    aws.answers("ec2", "describe_instance_types", answer)

    found = subnets.read(aws("ec2"), "vpc-1", ["subnet-a"], ["m5.large"])

    assert (found.cidrs, found.subnets, found.held) == ((), {}, {})
    assert found.limits == {"m5.large": InterfaceLimits(3, 10)}
    assert ["ec2:Describe" in sentence for sentence in found.untold] == [True, True, True]


@pytest.mark.parametrize(
    ("cidr", "addresses", "blocks"),
    [
        ("10.0.0.0/24", (), 14),
        ("10.0.0.0/26", (), 2),
        ("10.0.0.0/28", (), 0),
        ("10.0.0.0/26", ("10.0.0.20", "10.0.0.21"), 1),
    ],
)
def test_whole_blocks_of_a_subnet(cidr: str, addresses: tuple[str, ...], blocks: int):
    assert subnets.whole_blocks(cidr, [interface("i-1", *addresses)]) == blocks


def daemon_set(name: str, namespace: str = "kube-system", *paths: str) -> dict[str, Any]:
    volumes = [{"name": f"v{index}", "hostPath": {"path": path}} for index, path in enumerate(paths)]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"volumes": volumes, "containers": []}}},
    }


def test_plugins_are_known_by_the_folder_they_mount_or_by_name():
    found = plugins.read(
        Api(
            {
                "/apis/apps/v1/daemonsets": [
                    daemon_set("aws-node", "kube-system", "/etc/cni/net.d", "/opt/cni/bin"),
                    daemon_set("cilium", "kube-system", "/etc/cni/net.d"),
                    daemon_set("kube-proxy"),
                    daemon_set("istio-cni-node", "istio-system"),
                    daemon_set("whereabouts", "kube-system", "/etc/cni/net.d/"),
                    daemon_set("in-house", "net", "/etc/cni/net.d/multus.d"),
                    daemon_set("fluent-bit", "logging", "/var/log"),
                    daemon_set("installer", "net", "/opt/cni/bin"),
                ]
            }
        )
    )

    assert [plugin.name for plugin in found] == ["istio-cni-node", "whereabouts", "in-house"]
    assert found[0] == Reference("DaemonSet", "istio-system", "istio-cni-node")


def test_an_installed_cilium_says_what_it_does():
    data = {
        "cni-exclusive": "false",
        "cni-chaining-mode": "portmap",
        "aws-enable-prefix-delegation": "true",
        "subnet-ids-filter": "subnet-a subnet-b",
    }
    path = "/api/v1/namespaces/kube-system/configmaps/cilium-config"

    assert chain.choices(Api({path: {"data": data}})) == CiliumChoices(
        True, False, True, ("subnet-a", "subnet-b")
    )
    assert chain.choices(Api({path: {"data": {"ipam": "eni"}}})) == CiliumChoices()
    assert chain.choices(Api({path: {"data": {"cni-chaining-mode": "aws-cni"}}})) is None
    assert chain.choices(Api({})) is None


def test_aws_node_says_where_pods_are():
    container = {
        "name": "aws-node",
        "image": "x:v1.20.5",
        "env": [{"name": "ENABLE_PREFIX_DELEGATION", "value": "true"}],
    }
    path = "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node"
    configs = [{"metadata": {"name": zone}, "spec": {"subnet": f"subnet-{zone}"}} for zone in ("b", "a")]

    found = aws_node.read(
        Api(
            {
                path: {"spec": {"template": {"spec": {"containers": [container]}}}},
                "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs": configs,
            }
        )
    )

    assert found is not None
    assert found.prefixes
    assert found.pod_subnets == ("subnet-a", "subnet-b")


@pytest.mark.parametrize(
    ("schema", "takes"),
    [
        (SCHEMA, True),
        ({"additionalProperties": False, "properties": {"env": {}}}, False),
        ({"properties": {"env": {}}}, True),
        ({}, True),
    ],
)
def test_whether_a_schema_takes_a_key(schema: dict[str, Any], takes: bool):
    assert accepts(str(schema).replace("'", '"').replace("False", "false"), "affinity") is takes


def test_choices_are_the_same_after_a_journey_through_the_state():
    choices = CiliumChoices(prefix_delegation=True, subnets=("subnet-a",))

    assert choices.changed() == {"prefix_delegation": True, "subnets": ("subnet-a",)}
    assert CiliumChoices.of({"prefix_delegation": True, "subnets": ["subnet-a"]}) == choices
    assert CiliumChoices.of(CiliumChoices().changed()) == CiliumChoices()
