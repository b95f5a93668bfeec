"""Whether a region has the instance types of new node groups; `stacks/new_cluster_base.py` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.settings.problems import Problem, set_fix

if TYPE_CHECKING:
    from collections.abc import Collection

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings


def check_instance_types(settings: NewClusterBaseSettings, aws_client: ClientOf = client) -> None:
    """Refuse types that EC2 does not have in the region. Raises `pulumi.RunError` with all of them.

    EKS accepts them, and the group fails after a quarter of an hour in which no instance starts. Nothing is
    refused where the identity may not ask.
    """
    wanted = sorted({kind for group in settings.node_groups.values() for kind in group.instance_types})
    offered = _offered(settings, wanted, aws_client)
    if offered is None:
        return
    problems = [
        str(Problem(path, kind, f"a type that EC2 has in {settings.region}", set_fix(path, "...")))
        for name, group in settings.node_groups.items()
        for index, kind in enumerate(group.instance_types)
        if kind not in offered
        for path in [("nodeGroups", name, "instanceTypes", index)]
    ]
    if problems:
        raise pulumi.RunError("\n  ".join(["EC2 would start no instance of these types:", *problems]))


def _offered(
    settings: NewClusterBaseSettings, kinds: list[str], aws_client: ClientOf
) -> Collection[str] | None:
    """Those of the types that the region has; None where EC2 does not say."""
    try:
        ec2 = aws_client(Credentials(region=settings.region, profile=settings.profile), "ec2")
        found = ec2.describe_instance_type_offerings(
            LocationType="region", Filters=[{"Name": "instance-type", "Values": kinds}]
        )
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        pulumi.log.debug(f"the instance types of {settings.region} could not be read: {error}")
        return None
    return {offering["InstanceType"] for offering in found["InstanceTypeOfferings"]}
