"""CoreDNS, as the EKS add-on, after the readiness gate: before it, the add-on is DEGRADED for 20 minutes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping


class CoreDnsArgs(TypedDict):
    """What `CoreDns` is made from."""

    cluster_name: pulumi.Input[str]
    version: str
    replicas: int
    tags: Mapping[str, str]


class CoreDns(pulumi.ComponentResource):
    """The CoreDNS add-on of a cluster."""

    version: pulumi.Output[str]

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
