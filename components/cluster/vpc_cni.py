"""The AWS VPC CNI as an EKS add-on, for a new cluster in which Cilium is chained to it.

`stacks/new_chained_cluster.py` registers it before the nodes, which cannot become Ready without it. It has a
role of its own, so nodes need none of its permissions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.cluster.service_account import trust_of
from components.naming import CLUSTER_TAG, partition_of, tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SERVICE_ACCOUNT = ("kube-system", "aws-node")


class VpcCniArgs(TypedDict):
    """The arguments of a `VpcCni` component."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    region: str
    """AWS region, which decides the partition of policy ARNs."""
    version: str
    """Version of the add-on, such as v1.20.5-eksbuild.1."""
    oidc_provider_arn: pulumi.Input[str]
    """ARN of the cluster's IAM identity provider."""
    oidc_issuer: pulumi.Input[str]
    """The cluster's token issuer, without https://."""
    peer_cidrs: Sequence[str]
    """Networks outside the VPC that see pods' own addresses; all others see the nodes'."""
    tags: Mapping[str, str]
    """Tags for the role, the add-on and the network interfaces."""


class VpcCni(pulumi.ComponentResource):
    """The add-on vpc-cni in a fixed version, with the IAM role of its service account.

    Creates a role, an attachment of AmazonEKS_CNI_Policy and the add-on, all named `<name>-vpc-cni`. The
    add-on's own network policies are off. `pulumi destroy` deletes aws-node with the add-on.
    """

    version: pulumi.Output[str]
    """Version of the add-on that is installed."""

    def __init__(self, name: str, args: VpcCniArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("VpcCni"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-vpc-cni",
            description=f"The VPC CNI in {name}",
            assume_role_policy=trust_of(_SERVICE_ACCOUNT, args["oidc_provider_arn"], args["oidc_issuer"]),
            tags=tagged(args["tags"], f"{name}-vpc-cni"),
            opts=child,
        )
        policy = aws.iam.RolePolicyAttachment(
            f"{name}-vpc-cni",
            role=role.name,
            policy_arn=f"arn:{partition_of(args['region'])}:iam::aws:policy/AmazonEKS_CNI_Policy",
            opts=child,
        )
        addon = aws.eks.Addon(
            f"{name}-vpc-cni",
            cluster_name=args["cluster_name"],
            addon_name="vpc-cni",
            addon_version=args["version"],
            configuration_values=_configuration(args),
            service_account_role_arn=role.arn,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            preserve=False,
            tags=tagged(args["tags"], f"{name}-vpc-cni"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.version = addon.addon_version
        self.register_outputs({"version": self.version})


def _configuration(args: VpcCniArgs) -> pulumi.Output[str]:
    """The add-on's configuration as JSON.

    Interfaces get the stack's tags, by which orphaned interfaces are found when the cluster is deleted.
    """
    return pulumi.Output.from_input(args["cluster_name"]).apply(
        lambda cluster: json.dumps(
            {
                "env": {
                    "ADDITIONAL_ENI_TAGS": json.dumps({**args["tags"], CLUSTER_TAG: cluster}),
                    **_exclusions(args["peer_cidrs"]),
                },
                "enableNetworkPolicy": "false",  # only Cilium enforces policies
            }
        )
    )


def _exclusions(peers: Sequence[str]) -> dict[str, str]:
    return {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": ",".join(peers)} if peers else {}
