"""Security groups that exist, for nodes and the control plane of a new cluster: checked before their use.

`stacks/new_cluster_base.py` calls it in an existing VPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def check_security_groups(wanted: Mapping[str, Sequence[str]], vpc_id: str, provider: aws.Provider) -> None:
    """Raise RunError where a group does not exist in the VPC.

    Args:
        wanted: Ids of security groups, by the key of the configuration that names them.
        vpc_id: The VPC of the cluster.
        provider: The provider of the cluster.
    """
    every = sorted({group for groups in wanted.values() for group in groups})
    if not every:
        return
    by_id = aws.ec2.GetSecurityGroupsFilterArgs(name="group-id", values=every)
    found = aws.ec2.get_security_groups(filters=[by_id], opts=pulumi.InvokeOptions(provider=provider))
    vpcs = dict(zip(found.ids, found.vpc_ids, strict=True))
    problems = [
        f"{key}: {group} {_why_not(vpcs.get(group), vpc_id)}"
        for key, groups in wanted.items()
        for group in groups
        if vpcs.get(group) != vpc_id
    ]
    if problems:
        raise pulumi.RunError("security groups that the cluster cannot have:\n  " + "\n  ".join(problems))


def _why_not(found: str | None, vpc_id: str) -> str:
    return f"belongs to {found}, the cluster to {vpc_id}" if found else "does not exist in this region"
