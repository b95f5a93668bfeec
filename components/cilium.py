"""Cilium itself: the IAM role of its operator and the Helm release.

`stacks/cilium_eni.py` and `stacks/cilium_chained.py` register the release; the programs of modes
`new-cluster` and `replacement` register the role.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cluster.service_account import trust_of
from components.naming import CLUSTER_TAG, partition_of, tagged, token
from eks_cilium.cilium.iam import operator_policy
from eks_cilium.cilium.values import OPERATOR_SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RELEASE_NAME = "cilium"
NAMESPACE = "kube-system"


class PodIdentityArgs(TypedDict):
    """The cluster whose Pod Identity gives the operator its role."""

    cluster_name: pulumi.Input[str]
    """Name in EKS."""
    cluster_arn: pulumi.Input[str]
    """ARN of the cluster."""


class OperatorRoleArgs(TypedDict):
    """The arguments of an `OperatorRole`."""

    cluster_name: str
    """Name of the EKS cluster; the value of the tag on every interface that the operator creates."""
    region: str
    """AWS region of the cluster."""
    account: pulumi.Input[str]
    """AWS account of the cluster."""
    vpc_id: pulumi.Input[str]
    """VPC in which the operator may use interfaces."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets in which the operator may create interfaces."""
    oidc_provider_arn: pulumi.Input[str]
    """ARN of the cluster's IAM identity provider."""
    oidc_issuer: pulumi.Input[str]
    """The cluster's token issuer, without https://."""
    pod_identity: NotRequired[PodIdentityArgs | None]
    """EKS Pod Identity instead of the identity provider. Default None: the identity provider."""
    node_tag: NotRequired[tuple[str, str]]
    """Key and value of a tag on every instance of the cluster. Default: `eks-cilium/cluster` and its name."""
    tags: Mapping[str, str]
    """Tags for the role."""


class OperatorRole(pulumi.ComponentResource):
    """The IAM role of Cilium's operator in ENI mode, for its service account `kube-system/cilium-operator`.

    Creates a role and its inline policy (`eks_cilium.cilium.iam.operator_policy`), named like the component,
    and with Pod Identity the association of the same name. Cilium has to depend on the component then: EKS
    gives a pod its credentials when it is created, and never later.
    """

    arn: pulumi.Output[str]
    """ARN of the role; known once its policy exists."""

    def __init__(self, name: str, args: OperatorRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("OperatorRole"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            description=f"Cilium's operator in {args['cluster_name']}",
            assume_role_policy=_trust(args),
            tags=tagged(args["tags"], name),
            opts=child,
        )
        policy = aws.iam.RolePolicy(name, role=role.name, policy=_policy(args), opts=child)
        # Through the policy's id, resources that use the ARN are created after the policy.
        self.arn = pulumi.Output.all(role.arn, policy.id).apply(lambda known: known[0])
        by_pods = args.get("pod_identity")
        if by_pods is not None:
            namespace, service_account = OPERATOR_SERVICE_ACCOUNT
            aws.eks.PodIdentityAssociation(
                name,
                cluster_name=by_pods["cluster_name"],
                namespace=namespace,
                service_account=service_account,
                role_arn=self.arn,
                tags=tagged(args["tags"], name),
                opts=child,
            )
        self.register_outputs({"arn": self.arn})


def _trust(args: OperatorRoleArgs) -> pulumi.Output[str]:
    by_pods = args.get("pod_identity")
    return trust_of(
        OPERATOR_SERVICE_ACCOUNT,
        args["oidc_provider_arn"],
        args["oidc_issuer"],
        pod_identity_in=by_pods["cluster_arn"] if by_pods else None,
    )


def _policy(args: OperatorRoleArgs) -> pulumi.Output[str]:
    return pulumi.Output.all(args["account"], args["vpc_id"], *args["subnet_ids"]).apply(
        lambda known: json.dumps(
            operator_policy(
                partition=partition_of(args["region"]),
                region=args["region"],
                account=known[0],
                vpc_id=known[1],
                subnet_ids=known[2:],
                tag=(CLUSTER_TAG, args["cluster_name"]),
                node_tag=args.get("node_tag"),
            )
        )
    )


class CiliumArgs(TypedDict):
    """The arguments of a `Cilium` component."""

    version: str
    """Version of the chart and of Cilium, such as 1.19.7."""
    chart_repository: str
    """An https:// repository, an oci:// path, or a directory that holds `cilium-<version>.tgz`."""
    values: Mapping[str, Any]
    """Values of the chart; leaves may be outputs."""


class Cilium(pulumi.ComponentResource):
    """The Helm release `cilium` in namespace `kube-system`. Its provider decides the cluster.

    It does not wait for pods: without nodes none can become ready, and a new cluster gets its nodes after
    Cilium. A readiness gate or the gates of a migration wait instead. Helm keeps ten revisions, and gives up
    an installation after 600 seconds.
    """

    release: kubernetes.helm.v3.Release
    """The release, a child with the name of the component."""

    def __init__(self, name: str, args: CiliumArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Cilium"), name, {}, opts)
        self.release = kubernetes.helm.v3.Release(
            name,
            name=RELEASE_NAME,
            namespace=NAMESPACE,
            version=args["version"],
            values=args["values"],
            skip_await=True,
            max_history=10,
            timeout=600,
            **chart_of(args["chart_repository"], args["version"]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"version": args["version"]})


def chart_of(repository: str, version: str) -> dict[str, Any]:
    """The arguments of a Helm release that say where its chart is: a repository, registry or directory."""
    if repository.startswith("https://"):
        return {"chart": "cilium", "repository_opts": {"repo": repository}}
    if repository.startswith("oci://"):
        return {"chart": f"{repository.rstrip('/')}/cilium"}
    return {"chart": f"{repository.rstrip('/')}/cilium-{version}.tgz"}
