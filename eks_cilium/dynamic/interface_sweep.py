"""Deletes the network interfaces that Cilium created and did not delete.

The resource is created before Cilium and the nodes, so it is deleted after them, but before the cluster's
security group and subnets: AWS deletes neither while an interface uses it. `cluster.orphaned_interfaces`
finds and deletes the interfaces.
"""

from __future__ import annotations

from typing import Any, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.clients.aws import Credentials, ec2
from eks_cilium.cluster.orphaned_interfaces import sweep
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter

ENGINE_VERSION = "1"


class InterfaceSweepArgs(TypedDict):
    """The inputs of an `InterfaceSweep` resource."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    region: str
    """AWS region of the cluster."""
    profile: str | None
    """AWS profile; the credentials of the environment where it is None."""
    vpc_id: pulumi.Input[str]
    """The VPC whose interfaces are searched."""
    tag_key: str
    """Key of the tag that Cilium puts on its interfaces, with the cluster's name as value."""


class InterfaceSweepProvider(PlainErrorsProvider):
    """Only its deletion does something: it deletes interfaces."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change of the inputs that a later deletion needs; unknown ones count as changed."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Keep the inputs for the deletion; nothing is created in AWS."""
        return CreateResult(id_=f"{props['cluster_name']}/interfaces", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Keep the new inputs for the deletion."""
        return UpdateResult(outs=_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the interfaces that Cilium created and that are attached to no instance any more.

        Raises the errors of `errors` when AWS refuses a request or cannot be reached.
        """
        sweep(
            ec2(Credentials(region=_props["region"], profile=_props.get("profile"))),
            vpc_id=_props["vpc_id"],
            cluster_name=_props["cluster_name"],
            tag_key=_props["tag_key"],
            report=reporter(),
        )


_INPUTS = ("cluster_name", "region", "profile", "vpc_id", "tag_key", "engine_version")


class InterfaceSweep(Resource, module="eks-cilium", name="InterfaceSweep"):
    """Deletes Cilium's detached network interfaces when it is deleted itself.

    Inputs: `InterfaceSweepArgs`. It has no outputs besides its inputs.
    """

    def __init__(
        self, name: str, args: InterfaceSweepArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            InterfaceSweepProvider(),
            name,
            {**args, "engine_version": ENGINE_VERSION},
            opts,
        )
