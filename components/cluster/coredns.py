"""CoreDNS as an EKS add-on.

`stacks/new_cluster_base.py` registers it after the readiness gate: without Ready nodes the add-on would stay
DEGRADED for 20 minutes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping


class CoreDnsArgs(TypedDict):
    """The arguments of a `CoreDns` component."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    version: str
    """Version of the add-on, such as v1.12.4-eksbuild.1."""
    replicas: int
    """How many pods serve DNS."""
    tags: Mapping[str, str]
    """Tags for the add-on."""


class CoreDns(pulumi.ComponentResource):
    """The CoreDNS add-on of a cluster; `pulumi destroy` deletes its pods too.

    Creates the add-on `<name>-coredns`. Fields that another field manager owns are overwritten.
    """

    version: pulumi.Output[str]
    """Version of the add-on that is installed."""

    def __init__(self, name: str, args: CoreDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("CoreDns"), name, {}, opts)
        addon = aws.eks.Addon(
            f"{name}-coredns",
            cluster_name=args["cluster_name"],
            addon_name="coredns",
            addon_version=args["version"],
            configuration_values=json.dumps({"replicaCount": args["replicas"]}),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            preserve=False,
            tags=tagged(args["tags"], f"{name}-coredns"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.version = addon.addon_version
        self.register_outputs({"version": self.version})
