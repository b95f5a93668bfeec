"""The resource whose deletion takes away the network interfaces that Cilium left behind.

It is made before Cilium and the nodes and so goes after them, but before the cluster's security group and the
subnets, which a forgotten interface would keep alive. `cluster.orphaned_interfaces` finds and deletes.
"""

from __future__ import annotations

from typing import Any, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.clients.aws import Credentials, ec2
from eks_cilium.cluster.orphaned_interfaces import sweep
from eks_cilium.dynamic.shell.naming import urn_of
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter

ENGINE_VERSION = "1"


class InterfaceSweepArgs(TypedDict):
    """Whose interfaces an `InterfaceSweep` deletes."""

    cluster_name: pulumi.Input[str]
    region: str
    profile: str | None
    vpc_id: pulumi.Input[str]
    tag_key: str


class InterfaceSweepProvider(PlainErrorsProvider):
    """Does nothing until it is deleted."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Keep the inputs that a later deletion will use up to date; unknown ones count as changed."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Remember whose interfaces to look for."""
        return CreateResult(id_=f"{props['cluster_name']}/interfaces", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Remember the new inputs."""
        return UpdateResult(outs=_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete what Cilium left."""
        sweep(
            ec2(Credentials(region=_props["region"], profile=_props.get("profile"))),
            vpc_id=_props["vpc_id"],
            cluster_name=_props["cluster_name"],
            tag_key=_props["tag_key"],
            report=reporter(_props.get("urn", "")),
        )


_INPUTS = ("cluster_name", "region", "profile", "vpc_id", "tag_key", "engine_version")


class InterfaceSweep(Resource, module="eks-cilium", name="InterfaceSweep"):
    """Deletes Cilium's detached interfaces when it is destroyed."""

    def __init__(
        self, name: str, args: InterfaceSweepArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            InterfaceSweepProvider(),
            name,
            {**args, "engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts)},
            opts,
        )
