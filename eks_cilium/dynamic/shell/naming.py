"""The URN of a dynamic resource, known before it is registered, so that its provider can log under it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from pulumi.dynamic import Resource


def urn_of(resource: Resource, name: str, opts: pulumi.ResourceOptions | None) -> pulumi.Output[str]:
    """URN that a dynamic resource is going to have.

    Made from the parent's bare URN: an output of the parent would count as a dependency on it, and for a
    component that means on all its children, this resource and those after it among them.
    """
    kind = f"pulumi-python:{resource._resource_type_name}"
    parent = opts.parent if opts else None
    return pulumi.create_urn(name, kind, parent=_bare_urn(parent) if parent else None)


async def _bare_urn(resource: pulumi.Resource) -> str:
    return await resource.urn.future() or ""
