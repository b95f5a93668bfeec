"""An EKS add-on of the user's choice, with an IAM role for its service account where it needs one.

`stacks/add_ons.py` registers one for each entry of `cluster.addons`, after the nodes and CoreDNS: an add-on
whose pods cannot run stays DEGRADED until its creation fails after 20 minutes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.cluster.service_account import trust_of
from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# 64 is IAM's limit for the name of a role, of which Pulumi's random suffix takes 8.
_LONGEST_ROLE_NAME = 56


class RoleArgs(TypedDict):
    """The IAM role of an add-on's service account."""

    service_account: tuple[str, str]
    """Namespace and name of the only service account that may use the role."""
    policy_arns: Sequence[str]
    """Policies to attach."""
    oidc_provider_arn: pulumi.Input[str]
    """ARN of the cluster's IAM identity provider."""
    oidc_issuer: pulumi.Input[str]
    """The cluster's token issuer, without https://."""


class AddOnArgs(TypedDict):
    """The arguments of an `AddOn`."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    addon_name: str
    """Name in EKS, such as aws-ebs-csi-driver."""
    version: str | None
    """Version of the add-on. None: EKS's default at creation, which stays."""
    configuration: Mapping[str, Any]
    """Its configuration; empty for the defaults."""
    role: NotRequired[RoleArgs | None]
    """Role to make for its service account. Default None: none is made."""
    role_arn: NotRequired[str | None]
    """Existing role of its service account. Default None: the role that is made, or none."""
    conflicts_on_create: Literal["NONE", "OVERWRITE"]
    """What EKS does at creation where other software owns fields of the add-on's objects."""
    conflicts_on_update: Literal["NONE", "OVERWRITE", "PRESERVE"]
    """The same in an update."""
    preserve: bool
    """Whether its software stays in the cluster when the add-on is deleted."""
    tags: Mapping[str, str]
    """Tags for the add-on and its role."""


class AddOn(pulumi.ComponentResource):
    """An add-on, and the role of its service account with its attached policies.

    Creates the add-on `<name>`, and where it is given a role, the role `<name>` and one attachment for each
    policy, which exist before the add-on.
    """

    version: pulumi.Output[str]
    """Version of the add-on that is installed."""

    def __init__(self, name: str, args: AddOnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("AddOn"), name, {}, opts)
        wanted = args.get("role")
        role = None if wanted is None else _role(name, wanted, args["tags"], self)
        addon = aws.eks.Addon(
            name,
            cluster_name=args["cluster_name"],
            addon_name=args["addon_name"],
            addon_version=args["version"],
            # Always given: the provider leaves an add-on's configuration as it was when the input is removed
            # (`configuration_values` is Optional and Computed in internal/service/eks/addon.go of
            # hashicorp/terraform-provider-aws). Sorted, so that the order of keys is no change.
            configuration_values=json.dumps(args["configuration"], sort_keys=True),
            service_account_role_arn=args.get("role_arn") if role is None else role,
            resolve_conflicts_on_create=args["conflicts_on_create"],
            resolve_conflicts_on_update=args["conflicts_on_update"],
            preserve=args["preserve"],
            tags=tagged(args["tags"], name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.version = addon.addon_version
        self.register_outputs({"version": self.version})


def _role(name: str, args: RoleArgs, tags: Mapping[str, str], parent: pulumi.Resource) -> pulumi.Output[str]:
    """ARN of the role, known once its policies are attached."""
    child = pulumi.ResourceOptions(parent=parent)
    short = name[:_LONGEST_ROLE_NAME].rstrip("-")
    role = aws.iam.Role(
        short,
        description=f"Service account {'/'.join(args['service_account'])} of {name}",
        assume_role_policy=trust_of(args["service_account"], args["oidc_provider_arn"], args["oidc_issuer"]),
        tags=tagged(tags, name),
        opts=child,
    )
    attached = [
        aws.iam.RolePolicyAttachment(
            f"{name}-{arn.rpartition('/')[2]}", role=role.name, policy_arn=arn, opts=child
        )
        for arn in args["policy_arns"]
    ]
    return pulumi.Output.all(role.arn, *(policy.id for policy in attached)).apply(lambda known: known[0])
