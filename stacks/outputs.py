"""Reads what a stack exports; called for the clusters of a mesh, and for what this stack exported before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from collections.abc import Mapping


def outputs_of(stack: str) -> Mapping[str, Any]:
    """Read the outputs of a stack now, before anything is registered; empty where they cannot be read.

    The outputs of a `StackReference` are known only while resources are registered, too late to decide which
    resources there are.
    """
    try:
        answer = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": stack})
    except Exception as error:  # the SDK raises nothing narrower
        pulumi.log.debug(f"stack {stack} could not be read: {error}")
        return {}
    return (answer.value or {}).get("outputs") or {}


def own_outputs() -> Mapping[str, Any]:
    """What this stack exported after its last update; empty before its first."""
    return outputs_of(f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}")
