"""EC2 instances, as far as replacing nodes needs them: whether an instance still runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

ENDED = frozenset({"shutting-down", "terminated"})
"""States that an instance never leaves. EC2 shows a terminated instance for about an hour."""

ABSENT = "absent"
"""EC2 did not name the instance in its answer, so this answer says nothing about it.

Either it was terminated an hour ago, or the answer is stale: EC2 is eventually consistent, and a read may
miss what exists. Source: docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html.
"""


_MOST_VALUES = 200
"""Of one filter: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html refers to
docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html, "at most 200 filter values"."""

IN_PAGES = {"PageSize": 1_000}
"""How to ask for many interfaces: "Unpaginated requests are susceptible to throttling and timeouts".

docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html: 5 to 1,000 in a page. boto3
sends no size of its own, and EC2 then answers with all at once.
"""


class Ec2:
    """The EC2 instances of one account and region; `client` is boto3's, from `clients.aws.client`.

    Methods raise what `eks_cilium.clients.aws_errors.translated` lists.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def states(self, instances: Iterable[str]) -> dict[str, str]:
        """EC2's state of each instance by id, as in `running`; ABSENT for ids its answer lacks."""
        wanted = sorted(set(instances))
        named = {instance["InstanceId"]: instance["State"]["Name"] for instance in self._described(wanted)}
        return {instance: named.get(instance, ABSENT) for instance in wanted}

    def state(self, instance: str) -> str:
        """EC2's state of one instance; see `states`."""
        return self.states([instance])[instance]

    def launched(self, instances: Iterable[str]) -> dict[str, datetime]:
        """When each instance was launched last, by id; ids that EC2 does not know are missing."""
        described = self._described(sorted(set(instances)))
        return {
            instance["InstanceId"]: instance["LaunchTime"]
            for instance in described
            if "LaunchTime" in instance
        }

    def _described(self, instances: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if not instances:
            return
        # By filter: a request by id fails as a whole when EC2 does not know one of them.
        paginator = self._client.get_paginator("describe_instances")
        for start in range(0, len(instances), _MOST_VALUES):
            values = list(instances[start : start + _MOST_VALUES])
            for page in paginator.paginate(Filters=[{"Name": "instance-id", "Values": values}]):
                for reservation in page["Reservations"]:
                    yield from reservation["Instances"]
