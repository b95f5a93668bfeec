"""Cilium itself: the operator's role and the Helm release."""

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


class OperatorRoleArgs(TypedDict):
    """What an `OperatorRole` is made from."""

    cluster_name: str
    region: str
    account: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    oidc_provider_arn: pulumi.Input[str]
    oidc_issuer: pulumi.Input[str]
    node_tag: NotRequired[tuple[str, str]]
    """Tag of the cluster's instances, where they do not carry this program's own."""
    tags: Mapping[str, str]


class OperatorRole(pulumi.ComponentResource):
    """The IAM role of Cilium's operator, bound to its service account."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: OperatorRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("OperatorRole"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            name,
            description=f"Cilium's operator in {args['cluster_name']}",
            assume_role_policy=trust_of(
                OPERATOR_SERVICE_ACCOUNT, args["oidc_provider_arn"], args["oidc_issuer"]
            ),
            tags=tagged(args["tags"], name),
            opts=child,
        )
        policy = aws.iam.RolePolicy(name, role=role.name, policy=_policy(args), opts=child)
        # Whoever uses the role waits for what it may do.
        self.arn = pulumi.Output.all(role.arn, policy.id).apply(lambda known: known[0])
        self.register_outputs({"arn": self.arn})


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
    """What `Cilium` is made from."""

    version: str
    chart_repository: str
    """An https:// repository, an oci:// path, or a directory holding `cilium-<version>.tgz`."""
    values: Mapping[str, Any]


class Cilium(pulumi.ComponentResource):
    """The Helm release of Cilium.

    It does not wait: before there are nodes nothing can become ready, and nodes are made after it. The
    readiness gate waits instead.
    """

    release: kubernetes.helm.v3.Release

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
    """Where a release gets the chart from: a repository, a registry or a directory."""
    if repository.startswith("https://"):
        return {"chart": "cilium", "repository_opts": {"repo": repository}}
    if repository.startswith("oci://"):
        return {"chart": f"{repository.rstrip('/')}/cilium"}
    return {"chart": f"{repository.rstrip('/')}/cilium-{version}.tgz"}
