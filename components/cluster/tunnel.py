"""The security group rule for the tunnels between the nodes of a cluster whose pods have an overlay.

`stacks/cilium_overlay.py` registers it. EKS's own rule allows everything inside the group of a cluster, but
it may be deleted (EKS user guide, "View Amazon EKS security group requirements", on restricting traffic).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping


class TunnelRuleArgs(TypedDict):
    """The arguments of a `TunnelRule` component."""

    security_group_id: pulumi.Input[str]
    """A group that all nodes carry."""
    port: int
    """UDP port of the tunnels."""
    protocol: str
    """Protocol of the tunnels, for the rule's description."""
    tags: Mapping[str, str]
    """Tags for the rule."""


class TunnelRule(pulumi.ComponentResource):
    """Nodes accept the tunnels of each other. Creates one ingress rule, `<name>-tunnel`."""

    def __init__(self, name: str, args: TunnelRuleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("TunnelRule"), name, {}, opts)
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-tunnel",
            security_group_id=args["security_group_id"],
            referenced_security_group_id=args["security_group_id"],
            ip_protocol="udp",
            from_port=args["port"],
            to_port=args["port"],
            description=f"Cilium: {args['protocol']} tunnels between nodes",
            tags=tagged(args["tags"], f"{name}-tunnel"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
