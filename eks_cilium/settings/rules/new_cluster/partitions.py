"""Rules about ARNs in the keys of a new cluster: all are of the partition of its region.

AWS refuses the others in the middle of an update. Those of principals and roles have rules in `access`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.arns import in_partition, partition_of
from eks_cilium.settings.problems import Problem, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

    KeyPath = tuple[str | int, ...]


def arns_are_of_the_partition(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    partition = partition_of(settings.region)
    for path, arn in _arns(settings):
        if not in_partition(arn, settings.region):
            allowed = f"an ARN of partition {partition}, that of {settings.region}"
            own = ":".join(["arn", partition, *arn.split(":")[2:]])
            yield Problem(path, arn, allowed, set_fix(path, own))


def _arns(settings: NewClusterBaseSettings) -> Iterator[tuple[KeyPath, str]]:
    for name, add_on in settings.cluster.addons.items():
        path: KeyPath = ("cluster", "addons", name)
        if add_on.service_account_role_arn is not None:
            yield (*path, "serviceAccountRoleArn"), add_on.service_account_role_arn
        for index, arn in enumerate(add_on.role.policy_arns if add_on.role is not None else ()):
            yield (*path, "role", "policyArns", index), arn
    flow_logs = settings.network.flow_logs
    if flow_logs is not None and flow_logs.bucket_arn is not None:
        yield ("network", "flowLogs", "bucketArn"), flow_logs.bucket_arn


RULES = (arns_are_of_the_partition,)
