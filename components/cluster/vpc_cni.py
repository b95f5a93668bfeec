"""The AWS VPC CNI as an EKS add-on, for a new cluster in which Cilium is chained to it.

It comes before the nodes, which become Ready by it, and has a role of its own: nodes need none of its
permissions.
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
    """What `VpcCni` is made from."""

    cluster_name: pulumi.Input[str]
    region: str
    version: str
    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]
    peer_cidrs: Sequence[str]
    """Networks beyond the VPC that see pods' own addresses."""
    tags: Mapping[str, str]


class VpcCni(pulumi.ComponentResource):
    """The add-on vpc-cni, pinned, with the role of its service account."""

    version: pulumi.Output[str]

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
    """Interfaces carry the stack's tags, by which forgotten ones are found when the cluster goes."""
    return pulumi.Output.from_input(
        args["cluster_name"]
    ).apply(
        lambda cluster: json.dumps(
            {
                "env": {
                    "ADDITIONAL_ENI_TAGS": json.dumps({**args["tags"], CLUSTER_TAG: cluster}),
                    **_exclusions(args["peer_cidrs"]),
                },
                "enableNetworkPolicy": "false",  # Cilium enforces policies; two would get in each other's way
            }
        )
    )


def _exclusions(peers: Sequence[str]) -> dict[str, str]:
    return {"AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS": ",".join(peers)} if peers else {}
