"""Checks the images that node groups have of their own; `stacks/new_cluster_base.py` calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from eks_cilium.settings.problems import Problem, remove_command, set_fix

if TYPE_CHECKING:
    from eks_cilium.settings.model import NewClusterBaseSettings


def check_images(settings: NewClusterBaseSettings, provider: aws.Provider) -> None:
    """Refuse an image that does not exist here, or has another architecture. Raises `pulumi.RunError`.

    EKS notices neither before nodes do not join, for which it waits a quarter of an hour and more.
    """
    for name, group in settings.node_groups.items():
        if group.image_id is None:
            continue
        path, wanted = ("nodeGroups", name, "imageId"), "arm64" if "ARM" in group.ami_type else "x86_64"
        try:
            found = aws.ec2.get_ami(
                filters=[aws.ec2.GetAmiFilterArgs(name="image-id", values=[group.image_id])],
                include_deprecated=True,
                opts=pulumi.InvokeOptions(provider=provider),
            )
        except Exception as error:  # the SDK raises nothing narrower
            allowed = f"an image that this account sees in {settings.region}: {' '.join(str(error).split())}"
            problem = Problem(path, group.image_id, allowed, remove_command(path))
            raise pulumi.RunError(str(problem)) from None
        if found.architecture != wanted:
            allowed = f"an {wanted} image, as amiType is {group.ami_type}; this one is {found.architecture}"
            raise pulumi.RunError(str(Problem(path, group.image_id, allowed, set_fix(path, "ami-..."))))
