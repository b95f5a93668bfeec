"""Rules about the security groups that the user of a new cluster adds to those of EKS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.settings.problems import Problem, remove_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings

    KeyPath = tuple[str | int, ...]

# A network interface has five groups, one of them EKS's own, unless the quota was raised
# (docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html, "Security groups per network interface").
MOST = 4


def groups_are_in_the_vpc(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    if settings.network.vpc_id is not None:
        return
    for path, groups in wanted_groups(settings):
        if groups:
            allowed = "nothing with network.cidr: a VPC that the stack makes has no security groups before"
            yield Problem(path, list(groups), allowed, remove_command(path))


def groups_are_given_once(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for path, groups in wanted_groups(settings):
        for index, group in enumerate(groups):
            if group in groups[:index]:
                where = (*path, index)
                yield Problem(where, group, "every group once", remove_command(where))


def wanted_groups(settings: NewClusterBaseSettings) -> Iterator[tuple[KeyPath, tuple[str, ...]]]:
    """The groups of each key that names some."""
    yield ("cluster", "securityGroupIds"), settings.cluster.security_group_ids
    for name, group in settings.node_groups.items():
        yield ("nodeGroups", name, "securityGroupIds"), group.security_group_ids


RULES = (groups_are_in_the_vpc, groups_are_given_once)
