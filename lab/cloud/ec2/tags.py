"""The tags of a resource, looked up by its id. `LabEC2Backend` is made of it.

moto searches the tags of all resources for every one that it shows or filters: to describe the interfaces of
500 nodes took ten seconds of CPU for that, and AWS answers such a call in two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

_WILDCARDS = frozenset("*?\\")


class Tags:
    """Corrects moto's EC2 backend; a mixin."""

    tags: Mapping[str, Mapping[str, str]]

    def describe_tags(self, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
        """Describe tags; those of resources with known ids are looked up."""
        ids = (filters or {}).get("resource-id", [])
        if set(filters or ()) != {"resource-id"} or any(_WILDCARDS & set(each) for each in ids):
            found: list[dict[str, str]] = super().describe_tags(filters=filters)  # type: ignore[misc] # moto's
            return found
        return [tag for each in dict.fromkeys(ids) for tag in self._tags_of(each)]

    def _tags_of(self, resource: str) -> list[dict[str, Any]]:
        kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource), "")
        tags = self.tags.get(resource) or {}  # moto's dictionary makes an entry of what is asked by []
        return [
            {"resource_id": resource, "key": key, "value": value, "resource_type": kind}
            for key, value in tags.items()
        ]
