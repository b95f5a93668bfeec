"""ARNs as a configuration holds them: their patterns, and the partition of a region.

The models and rules of IAM principals, roles and policies use it, and `components.naming`.
"""

from __future__ import annotations

import re

ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$"
"""An IAM role, with or without a path."""
PRINCIPAL = r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+$"
"""An IAM role or user; no session of a role, which belongs to STS."""
POLICY = r"^arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+$"
"""A policy of IAM, by a customer or by AWS."""
ACCESS_POLICY = r"^arn:aws[a-z-]*:eks::aws:cluster-access-policy/\w+$"
"""An access policy of EKS. Only AWS makes them."""

_SERVICE_LINKED = re.compile(r":role/aws-service-role/")


# botocore/data/partitions.json, `regionRegex`; a test compares them.
_PARTITIONS = {
    "cn-": "aws-cn",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
}


def partition_of(region: str) -> str:
    """The AWS partition of a region, as ARNs spell it: `aws`, `aws-cn`, `aws-us-gov` or another."""
    return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")


def in_partition(arn: str, region: str) -> bool:
    """Whether an ARN belongs to the partition of a region."""
    return arn.split(":")[1] == partition_of(region)


def is_service_linked(arn: str) -> bool:
    """Whether an ARN is that of a role that an AWS service made for itself."""
    return _SERVICE_LINKED.search(arn) is not None
