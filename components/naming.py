"""Tags and type tokens shared by the components."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLUSTER_TAG = "eks-cilium/cluster"
"""Tag that names the cluster a resource belongs to; IAM conditions and the interface sweep rely on it."""


def token(name: str) -> str:
    """Type token of a component. It is part of every URN below it: never change one without an alias."""
    return f"eks-cilium:index:{name}"


def tagged(tags: Mapping[str, str], name: str, **more: str) -> dict[str, str]:
    """The stack's tags, a readable name, and what a resource needs beyond."""
    return {**tags, "Name": name, **more}


def partition_of(region: str) -> str:
    """The AWS partition a region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
