"""Instances, as far as a node's replacement looks at them: whether each still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

GONE = frozenset({"shutting-down", "terminated"})
"""States an instance never comes back from. Its terminated record is shown for about an hour."""


class Ec2:
    """The instances of one account and region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def states(self, instances: Iterable[str]) -> dict[str, str]:
        """State by id. An instance EC2 has forgotten is `terminated`."""
        wanted = sorted(set(instances))
        found = dict.fromkeys(wanted, "terminated")
        if not wanted:
            return found
        # By filter, since asking for an id that is forgotten fails the whole call.
        pages = self._client.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-id", "Values": wanted}]
        )
        for page in pages:
            for reservation in page["Reservations"]:
                for instance in reservation["Instances"]:
                    found[instance["InstanceId"]] = instance["State"]["Name"]
        return found

    def state(self, instance: str) -> str:
        """State of one instance."""
        return self.states([instance])[instance]

    def is_gone(self, instance: str) -> bool:
        """Whether an instance is on a way from which it never comes back."""
        return self.state(instance) in GONE
