"""The URN of a dynamic resource before it is registered, an input by which its provider reports progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

if TYPE_CHECKING:
    from pulumi.dynamic import Resource


def urn_of(resource: Resource, name: str, opts: pulumi.ResourceOptions | None) -> pulumi.Output[str]:
    """The URN that a dynamic resource will have.

    It is derived from the parent's plain URN. An output of the parent would be a dependency on it, and a
    dependency on a component is one on all of its children, which include this resource.
    """
    kind = f"pulumi-python:{resource._resource_type_name}"
    parent = opts.parent if opts else None
    return pulumi.create_urn(name, kind, parent=_bare_urn(parent) if parent else None)


async def _bare_urn(resource: pulumi.Resource) -> str:
    return await resource.urn.future() or ""
