"""The account of a big cluster: boto3's clients as far as a plan asks them, answered from memory."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.big_cluster import NAME, ZONES, BigCluster

Answer = dict[str, Any]

_LAUNCHED = datetime(2026, 5, 1, 9, 59, tzinfo=UTC)
_INTERFACES, _ADDRESSES = 2, 15
"""Network interfaces of a node, and addresses of each."""
_FREE = 60_000


class _Paginator:
    def __init__(self, ask: Callable[..., Answer]) -> None:
        self._ask = ask

    def paginate(self, **arguments: Any) -> Iterator[Answer]:
        yield self._ask(**arguments)


class _Client:
    """A client of one service; `calls` counts what it was asked."""

    def __init__(self, cluster: BigCluster, calls: list[str]) -> None:
        self._cluster, self._calls = cluster, calls

    def get_paginator(self, operation: str) -> _Paginator:
        return _Paginator(getattr(self, operation))

    def __getattribute__(self, name: str) -> Any:
        if name.startswith(("describe_", "list_")):
            self._calls.append(name)
        return super().__getattribute__(name)

    # EKS

    def describe_cluster(self, **_: Any) -> Answer:
        network = {"ipFamily": "ipv4"}
        described = {"version": "1.34", "status": "ACTIVE", "kubernetesNetworkConfig": network}
        return {"cluster": {"name": NAME, **described, "resourcesVpcConfig": {"vpcId": "vpc-1"}}}

    def list_nodegroups(self, **_: Any) -> Answer:
        return {"nodegroups": [group.removeprefix("eks-") for group in self._cluster.groups]}

    def describe_nodegroup(self, **asked: Any) -> Answer:
        group = f"eks-{asked['nodegroupName']}"
        return {"nodegroup": {"resources": {"autoScalingGroups": [{"name": group}]}}}

    def describe_addon(self, **_: Any) -> Answer:
        return {"addon": {"addonVersion": "v1.20.4-eksbuild.2", "status": "ACTIVE"}}

    def describe_addon_configuration(self, **_: Any) -> Answer:
        return {"configurationSchema": "{}"}

    # Auto Scaling

    def describe_auto_scaling_instances(self, **asked: Any) -> Answer:
        assert len(asked["InstanceIds"]) <= 50
        return {
            "AutoScalingInstances": [
                {"AutoScalingGroupName": self._group_of(int(instance[2:], 16))}
                for instance in asked["InstanceIds"]
            ]
        }

    def describe_auto_scaling_groups(self, **asked: Any) -> Answer:
        assert len(asked["AutoScalingGroupNames"]) <= 50
        return {"AutoScalingGroups": [self._group(name) for name in asked["AutoScalingGroupNames"]]}

    def describe_lifecycle_hooks(self, **_: Any) -> Answer:
        return {"LifecycleHooks": []}

    # EC2

    def describe_vpcs(self, **_: Any) -> Answer:
        return {"Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/8"}]}

    def describe_subnets(self, **asked: Any) -> Answer:
        return {
            "Subnets": [
                {
                    "SubnetId": subnet,
                    "AvailabilityZone": ZONES[_number_of(subnet) % len(ZONES)],
                    "CidrBlock": f"10.{_number_of(subnet)}.0.0/16",
                    "AvailableIpAddressCount": _FREE,
                }
                for subnet in asked["SubnetIds"]
            ]
        }

    def describe_network_interfaces(self, **_: Any) -> Answer:
        return {
            "NetworkInterfaces": [
                self._interface(node, number)
                for node in range(self._cluster.nodes)
                for number in range(_INTERFACES)
            ]
        }

    def describe_instance_types(self, **asked: Any) -> Answer:
        limits = {"MaximumNetworkInterfaces": 4, "Ipv4AddressesPerInterface": 15}
        return {
            "InstanceTypes": [
                {"InstanceType": kind, "Hypervisor": "nitro", "NetworkInfo": limits}
                for kind in asked["InstanceTypes"]
            ]
        }

    def describe_instances(self, **asked: Any) -> Answer:
        instances = asked["Filters"][0]["Values"]
        return {
            "Reservations": [
                {"Instances": [{"InstanceId": each, "LaunchTime": _LAUNCHED} for each in instances]}
            ]
        }

    def _group_of(self, node: int) -> str:
        return self._cluster.groups[node // self._cluster.of_a_group]

    def _group(self, name: str) -> Answer:
        size = self._cluster.of_a_group
        first = int(name.rpartition("-")[2]) * size
        nodes = range(first, min(first + size, self._cluster.nodes))
        return {
            "AutoScalingGroupName": name,
            "MinSize": 1,
            "MaxSize": 2 * len(nodes),
            "DesiredCapacity": len(nodes),
            "AvailabilityZones": list(ZONES),
            "VPCZoneIdentifier": ",".join(f"subnet-{self._subnet(first + zone)}" for zone in range(3)),
            "SuspendedProcesses": [],
            "Instances": [
                {
                    "InstanceId": self._cluster.instance(node),
                    "AvailabilityZone": self._cluster.zone(node),
                    "LifecycleState": "InService",
                    "ProtectedFromScaleIn": False,
                }
                for node in nodes
            ],
        }

    def _subnet(self, node: int) -> int:
        """The number of a node's subnet: each group has one in each zone."""
        return node // self._cluster.of_a_group * len(ZONES) + node % len(ZONES)

    def _interface(self, node: int, number: int) -> Answer:
        first = (node % self._cluster.of_a_group * _INTERFACES + number) * _ADDRESSES + 16
        addresses = range(first, first + _ADDRESSES)
        subnet = self._subnet(node)
        return {
            "SubnetId": f"subnet-{subnet}",
            "Attachment": {"InstanceId": self._cluster.instance(node)},
            "PrivateIpAddresses": [
                {"PrivateIpAddress": f"10.{subnet}.{each >> 8}.{each & 255}"} for each in addresses
            ],
        }


def _number_of(subnet: str) -> int:
    return int(subnet.removeprefix("subnet-"))


class BigAccount:
    """Returns the client of a service, as boto3 does; `calls` has the operations in their order."""

    def __init__(self, cluster: BigCluster) -> None:
        self.calls: list[str] = []
        self._client = _Client(cluster, self.calls)

    def __call__(self, _service: str) -> _Client:
        return self._client
