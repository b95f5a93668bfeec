"""Tags, type tokens and partitions; every component uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.arns import partition_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CLUSTER_TAG", "partition_of", "tagged", "token"]

CLUSTER_TAG = "eks-cilium/cluster"
"""Tag whose value is the resource's cluster; IAM conditions and the interface sweep rely on it."""


def token(name: str) -> str:
    """The type token of a component. It is part of every URN below it: changing one needs an alias."""
    return f"eks-cilium:index:{name}"


def tagged(tags: Mapping[str, str], name: str, **more: str) -> dict[str, str]:
    """The stack's tags, the tag `Name`, and the tags in `more` that only this resource needs."""
    return {**tags, "Name": name, **more}
