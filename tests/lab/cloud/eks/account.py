"""Fakes of the AWS services that EKS uses: subnets, roles, launch templates, Auto Scaling groups."""

from __future__ import annotations

from typing import Any

import botocore.exceptions

VPC = "vpc-1"
SUBNETS = {"subnet-a": "eu-central-1a", "subnet-b": "eu-central-1b", "subnet-c": "eu-central-1c"}
CLUSTER_ROLE = "arn:aws:iam::123456789012:role/cluster"
NODE_ROLE = "arn:aws:iam::123456789012:role/node"
POD_ROLE = "arn:aws:iam::123456789012:role/pod"
ENGINEER = "arn:aws:iam::123456789012:user/engineer"
_TRUST = {"cluster": "eks.amazonaws.com", "node": "ec2.amazonaws.com", "pod": "pods.eks.amazonaws.com"}


def refusal(code: str, message: str = "") -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message or code}}, "Operation")


class FakeEc2:
    def __init__(self) -> None:
        self.subnets = {name: {"VpcId": VPC, "AvailabilityZone": zone} for name, zone in SUBNETS.items()}
        self.groups: dict[str, dict[str, Any]] = {}
        self.templates: dict[str, list[dict[str, Any]]] = {}
        self.instances_left: list[Any] = []

    def describe_subnets(self, SubnetIds: list[str]) -> Any:  # noqa: N803 - AWS's name
        unknown = [name for name in SubnetIds if name not in self.subnets]
        if unknown:
            raise refusal("InvalidSubnetID.NotFound", f"The subnet ID '{unknown[0]}' does not exist")
        return {"Subnets": [self.subnets[name] for name in SubnetIds]}

    def describe_vpcs(self, **_: Any) -> Any:
        return {"Vpcs": [{"CidrBlockAssociationSet": [{"CidrBlock": "10.0.0.0/16"}]}]}

    def describe_nat_gateways(self, **_: Any) -> Any:
        return {"NatGateways": [{"NatGatewayAddresses": [{"PublicIp": "203.0.113.7"}]}]}

    def create_security_group(self, **wanted: Any) -> Any:
        identifier = f"sg-{len(self.groups)}"
        self.groups[identifier] = {**wanted, "GroupId": identifier}
        return {"GroupId": identifier}

    def authorize_security_group_ingress(self, **_: Any) -> None:
        return None

    def describe_security_groups(self, GroupIds: list[str]) -> Any:  # noqa: N803 - AWS's name
        unknown = [name for name in GroupIds if name not in self.groups]
        if unknown:
            raise refusal("InvalidGroup.NotFound", f"The security group '{unknown[0]}' does not exist")
        return {"SecurityGroups": [self.groups[name] for name in GroupIds]}

    def delete_security_group(self, GroupId: str) -> None:  # noqa: N803 - AWS's name
        del self.groups[GroupId]

    def create_launch_template(self, **wanted: Any) -> Any:
        identifier = f"lt-{len(self.templates)}"
        self.templates[identifier] = []
        self._add(identifier, wanted["LaunchTemplateName"], wanted["LaunchTemplateData"])
        return {"LaunchTemplate": {"LaunchTemplateId": identifier}}

    def create_launch_template_version(self, **wanted: Any) -> Any:
        identifier = wanted["LaunchTemplateId"]
        name = self.templates[identifier][0]["LaunchTemplateName"]
        return {"LaunchTemplateVersion": self._add(identifier, name, wanted["LaunchTemplateData"])}

    def describe_launch_template_versions(self, Versions: list[str], **which: Any) -> Any:  # noqa: N803
        if which.get("LaunchTemplateId") not in self.templates:
            raise refusal("InvalidLaunchTemplateId.NotFound")
        versions = self.templates[which["LaunchTemplateId"]]
        index = 0 if Versions[0] == "$Default" else int(Versions[0]) - 1
        return {"LaunchTemplateVersions": [versions[index]]}

    def delete_launch_template(self, LaunchTemplateId: str) -> None:  # noqa: N803 - AWS's name
        del self.templates[LaunchTemplateId]

    def describe_instances(self, **_: Any) -> Any:
        return {"Reservations": self.instances_left}

    def _add(self, identifier: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
        version = {
            "LaunchTemplateId": identifier,
            "LaunchTemplateName": name,
            "VersionNumber": len(self.templates[identifier]) + 1,
            "LaunchTemplateData": data,
        }
        self.templates[identifier].append(version)
        return version


class FakeAutoScaling:
    """Groups that reach their size immediately."""

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, Any]] = {}
        self._count = 0

    def create_auto_scaling_group(self, **wanted: Any) -> None:
        self.groups[wanted["AutoScalingGroupName"]] = {**wanted, "Instances": []}
        self._fill(self.groups[wanted["AutoScalingGroupName"]])

    def update_auto_scaling_group(self, **wanted: Any) -> None:
        group = self.groups[wanted["AutoScalingGroupName"]]
        group.update(wanted)
        self._fill(group)

    def describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> Any:  # noqa: N803
        return {"AutoScalingGroups": [self.groups[n] for n in AutoScalingGroupNames if n in self.groups]}

    def terminate_instance_in_auto_scaling_group(
        self,
        InstanceId: str,  # noqa: N803 - AWS's name
        ShouldDecrementDesiredCapacity: bool,  # noqa: N803 - AWS's name
    ) -> None:
        for group in self.groups.values():
            left = [item for item in group["Instances"] if item["InstanceId"] != InstanceId]
            if len(left) < len(group["Instances"]):
                group["Instances"] = left
                group["DesiredCapacity"] -= int(ShouldDecrementDesiredCapacity)
                self._fill(group)

    def delete_auto_scaling_group(self, AutoScalingGroupName: str, ForceDelete: bool) -> None:  # noqa: N803
        assert ForceDelete
        del self.groups[AutoScalingGroupName]

    def _fill(self, group: dict[str, Any]) -> None:
        while len(group["Instances"]) < group["DesiredCapacity"]:
            self._count += 1
            group["Instances"].append({"InstanceId": f"i-{self._count}", "LifecycleState": "InService"})


class FakeIam:
    """Roles by name, one user, instance profiles."""

    def __init__(self) -> None:
        self.profiles: set[str] = set()

    def get_role(self, RoleName: str) -> Any:  # noqa: N803 - AWS's name
        if RoleName not in _TRUST:
            raise refusal("NoSuchEntity")
        statement = {"Effect": "Allow", "Principal": {"Service": _TRUST[RoleName]}}
        arn = f"arn:aws:iam::123456789012:role/{RoleName}"
        return {"Role": {"Arn": arn, "AssumeRolePolicyDocument": {"Statement": [statement]}}}

    def get_user(self, UserName: str) -> Any:  # noqa: N803 - AWS's name
        if UserName not in {"engineer", "stranger"}:
            raise refusal("NoSuchEntity")
        return {"User": {"Arn": f"arn:aws:iam::123456789012:user/{UserName}"}}

    def create_instance_profile(self, InstanceProfileName: str) -> None:  # noqa: N803 - AWS's name
        self.profiles.add(InstanceProfileName)

    def add_role_to_instance_profile(self, **_: Any) -> None:
        return None

    def remove_role_from_instance_profile(self, **_: Any) -> None:
        return None

    def delete_instance_profile(self, InstanceProfileName: str) -> None:  # noqa: N803 - AWS's name
        self.profiles.remove(InstanceProfileName)


class FakeLogs:
    """The names of CloudWatch's log groups."""

    def __init__(self) -> None:
        self.groups: list[str] = []

    def create_log_group(self, logGroupName: str) -> None:  # noqa: N803 - AWS's name
        if logGroupName in self.groups:
            raise refusal("ResourceAlreadyExistsException")
        self.groups.append(logGroupName)


class FakeKms:
    """The account's keys by their ARNs."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}

    def add(self, region: str = "eu-central-1", **differing: str) -> str:
        """Make a key and return its ARN."""
        arn = f"arn:aws:kms:{region}:123456789012:key/{len(self.keys)}"
        usual = {"KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
        self.keys[arn] = {**usual, **differing}
        return arn

    def describe_key(self, KeyId: str) -> Any:  # noqa: N803 - AWS's name
        if KeyId not in self.keys:
            raise refusal("NotFoundException", f"Key '{KeyId}' does not exist")
        return {"KeyMetadata": self.keys[KeyId]}


class FakeAws:
    """One region of the account."""

    def __init__(self) -> None:
        self.ec2 = FakeEc2()
        self.autoscaling = FakeAutoScaling()
        self.iam = FakeIam()
        self.logs = FakeLogs()
        self.kms = FakeKms()
