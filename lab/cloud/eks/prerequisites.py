"""What EKS checks in EC2 and IAM before it accepts a request, and its refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import botocore.exceptions

from lab.cloud.eks.aws_clients import error_code
from lab.cloud.eks.errors import InvalidParameterError, UnsupportedZoneError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.cloud.eks.aws_clients import AwsClients


# docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, "Subnet requirements for clusters".
_WITHOUT_CONTROL_PLANES = ("use1-az3", "usw1-az2", "cac1-az3")


@dataclass(frozen=True)
class Subnets:
    """The subnets of a request: all in one VPC."""

    vpc: str
    zones: frozenset[str]
    zone_ids: Mapping[str, str]
    """Id of each zone."""


def find_subnets(aws: AwsClients, identifiers: list[str]) -> Subnets:
    """Return the subnets of these ids; refuse missing ones and several VPCs."""
    if not identifiers:
        message = "subnets can not be empty"
        raise InvalidParameterError(message)
    try:
        found = aws.ec2.describe_subnets(SubnetIds=identifiers)["Subnets"]
    except botocore.exceptions.ClientError as error:
        raise InvalidParameterError(error.response["Error"]["Message"]) from error
    vpcs = {subnet["VpcId"] for subnet in found}
    if len(vpcs) != 1:
        message = "Subnets must all be in the same VPC"
        raise InvalidParameterError(message)
    zones = {subnet["AvailabilityZone"]: str(subnet.get("AvailabilityZoneId", "")) for subnet in found}
    return Subnets(vpcs.pop(), frozenset(zones), zones)


def check_zones(name: str, subnets: Subnets) -> None:
    """Refuse zones in which EKS runs no control plane, in its words (pulumi/pulumi-eks#1401)."""
    for zone, zone_id in sorted(subnets.zone_ids.items()):
        if zone_id in _WITHOUT_CONTROL_PLANES:
            others = ", ".join(sorted(subnets.zones - {zone}))
            message = (
                f"Cannot create cluster '{name}' because {zone}, the targeted availability zone, does not "
                "currently have sufficient capacity to support the cluster. Retry and choose from these "
                f"availability zones: {others}"
            )
            raise UnsupportedZoneError(message, clusterName=name)


def check_security_groups(aws: AwsClients, identifiers: list[str], vpc: str) -> None:
    """Refuse security groups that do not exist in the VPC."""
    if not identifiers:
        return
    try:
        found = aws.ec2.describe_security_groups(GroupIds=identifiers)["SecurityGroups"]
    except botocore.exceptions.ClientError as error:
        raise InvalidParameterError(error.response["Error"]["Message"]) from error
    for group in found:
        if group["VpcId"] != vpc:
            message = f"Security group {group['GroupId']} does not belong to VPC {vpc}"
            raise InvalidParameterError(message)


def vpc_cidrs(aws: AwsClients, vpc: str) -> list[str]:
    """Return the address ranges of a VPC."""
    found = aws.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    return [association["CidrBlock"] for association in found["CidrBlockAssociationSet"]]


def check_role(aws: AwsClients, arn: str, service: str) -> None:
    """Refuse a role that does not exist or that the service may not assume."""
    role = check_role_exists(aws, arn)
    if service not in _trusted(role["AssumeRolePolicyDocument"]):
        message = (
            f"Following required service principals [{service}] were not found "
            f"in the trust relationships of {arn}"
        )
        raise InvalidParameterError(message)


def check_role_exists(aws: AwsClients, arn: str) -> dict[str, Any]:
    """Return the role of this ARN; refuse one that does not exist."""
    try:
        role: dict[str, Any] = aws.iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except botocore.exceptions.ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        message = (
            f"Role with arn: {arn}, could not be assumed because it does not exist "
            "or the trusted entity is not correct"
        )
        raise InvalidParameterError(message) from error
    return role


def _trusted(policy: Any) -> set[str]:
    document = json.loads(unquote(policy)) if isinstance(policy, str) else policy
    statements = document["Statement"]
    principals: set[str] = set()
    for statement in [statements] if isinstance(statements, dict) else statements:
        services = statement.get("Principal", {}).get("Service", [])
        principals |= {services} if isinstance(services, str) else set(services)
    return principals
