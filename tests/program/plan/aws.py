"""AWS's answers, checked by botocore against the services' own models."""

import json
from datetime import timedelta
from typing import Any

import boto3
from botocore.stub import Stubber

from eks_cilium.clients.aws import translating
from tests.program.plan.builders import NOW, ZONES

VERSION = "v1.20.4-eksbuild.2"
SCHEMA = {
    "$ref": "#/definitions/VpcCni",
    "definitions": {"VpcCni": {"additionalProperties": False, "properties": {"affinity": {}, "env": {}}}},
}
"""As EKS has it for the add-on vpc-cni, without most of its keys."""
ROLE = "arn:aws:iam::111122223333:role/nodes"


class Aws:
    """Stubbed clients by service. Each answer is given once, in the order of the calls."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            session = boto3.Session(
                region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
            )
            self._clients[service] = translating(session).client(service)
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._clients[service]

    def answers(self, service: str, operation: str, answer: dict, **asked: Any) -> None:
        self(service)
        self._stubs[service].add_response(operation, answer, asked or None)

    def refuses(self, service: str, operation: str, code: str) -> None:
        self(service)
        self._stubs[service].add_client_error(operation, code, f"{code} it is")

    def all_asked(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


def a_cluster(aws: Aws, instances: dict[str, str], *, add_on: bool = True, **group: Any) -> None:
    """The answers about a cluster with one managed node group, in the order of the calls of a reading."""
    described = {
        "name": "shop",
        "version": "1.34",
        "status": "ACTIVE",
        "resourcesVpcConfig": {"vpcId": "vpc-1"},
    }
    aws.answers("eks", "describe_cluster", {"cluster": described}, name="shop")
    aws.answers("eks", "list_nodegroups", {"nodegroups": ["workers"]})
    resources = {"autoScalingGroups": [{"name": "eks-workers"}]}
    aws.answers("eks", "describe_nodegroup", {"nodegroup": {"resources": resources}})
    if add_on:
        known = {"addonVersion": VERSION, "status": "ACTIVE", "configurationValues": "{}"}
        aws.answers("eks", "describe_addon", {"addon": known})
        schema = {"configurationSchema": json.dumps(SCHEMA)}
        aws.answers("eks", "describe_addon_configuration", schema, addonName="vpc-cni", addonVersion=VERSION)
    else:
        aws.refuses("eks", "describe_addon", "ResourceNotFoundException")
    members = [_member(instance, zone) for instance, zone in sorted(instances.items())]
    aws.answers(
        "autoscaling",
        "describe_auto_scaling_instances",
        {"AutoScalingInstances": [{**member, "AutoScalingGroupName": "eks-workers"} for member in members]},
        InstanceIds=sorted(instances),
    )
    aws.answers(
        "autoscaling", "describe_auto_scaling_groups", {"AutoScalingGroups": [_group(members) | group]}
    )
    aws.answers("autoscaling", "describe_lifecycle_hooks", {"LifecycleHooks": [_HOOK]})
    vpc = {"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}
    aws.answers("ec2", "describe_vpcs", {"Vpcs": [vpc]}, VpcIds=["vpc-1"])
    launched = [
        {"InstanceId": instance, "LaunchTime": NOW - timedelta(hours=3, seconds=75)} for instance in instances
    ]
    aws.answers("ec2", "describe_instances", {"Reservations": [{"Instances": launched}]})


_HOOK = {
    "LifecycleHookName": "drain",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
    "HeartbeatTimeout": 1800,
    "DefaultResult": "CONTINUE",
}


def _member(instance: str, zone: str) -> dict[str, Any]:
    return {
        "InstanceId": instance,
        "InstanceType": "m6i.large",
        "AvailabilityZone": zone,
        "LifecycleState": "InService",
        "HealthStatus": "Healthy",
        "ProtectedFromScaleIn": False,
    }


def _group(members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": "eks-workers",
        "MinSize": 1,
        "MaxSize": 6,
        "DesiredCapacity": len(members),
        "DefaultCooldown": 300,
        "AvailabilityZones": list(reversed(ZONES)),
        "HealthCheckType": "EC2",
        "CreatedTime": NOW,
        "Instances": members,
        "SuspendedProcesses": [{"ProcessName": "AZRebalance"}],
        "Tags": [{"Key": "team", "Value": "shop"}],
    }
