"""Calls that tag EKS resources by ARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cloud.eks.errors import ResourceNotFoundError

if TYPE_CHECKING:
    from lab.cloud.eks.protocol import Answer, Call
    from lab.cloud.eks.records.store import Store


class TagCalls:
    def __init__(self, store: Store) -> None:
        self._store = store

    def tag_resource(self, call: Call) -> Answer:
        self._tags(call["resourceArn"]).update(call["tags"])
        return {}

    def untag_resource(self, call: Call) -> Answer:
        tags = self._tags(call["resourceArn"])
        for key in call["tagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self, call: Call) -> Answer:
        return {"tags": dict(self._tags(call["resourceArn"]))}

    def _tags(self, arn: str) -> dict[str, str]:
        for cluster in self._store.all():
            parts = (cluster.nodegroups, cluster.addons, cluster.entries, cluster.associations)
            for resource in [cluster, *(item for part in parts for item in part.values())]:
                if resource.arn == arn:
                    return resource.tags
        message = f"No resource found for ARN: {arn}"
        raise ResourceNotFoundError(message)
