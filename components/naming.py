"""Tags, type tokens and partitions; every component uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLUSTER_TAG = "eks-cilium/cluster"
"""Tag whose value is the resource's cluster; IAM conditions and the interface sweep rely on it."""


def token(name: str) -> str:
    """The type token of a component. It is part of every URN below it: changing one needs an alias."""
    return f"eks-cilium:index:{name}"


def tagged(tags: Mapping[str, str], name: str, **more: str) -> dict[str, str]:
    """The stack's tags, the tag `Name`, and the tags in `more` that only this resource needs."""
    return {**tags, "Name": name, **more}


def partition_of(region: str) -> str:
    """The AWS partition of a region, as ARNs spell it: `aws`, `aws-cn` or `aws-us-gov`."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
