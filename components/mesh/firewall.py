"""Security group rules that let the other clusters of a mesh reach a cluster's nodes and pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.mesh.openings import Opening


class Peer(TypedDict):
    """Another cluster, and the ports it may reach."""

    cidrs: Sequence[str]
    """Every IPv4 network of its VPC."""
    openings: Sequence[Opening]
    """Protocols and ports, from `eks_cilium.mesh.openings`."""


class MeshFirewallArgs(TypedDict):
    """The arguments of a `MeshFirewall` component."""

    security_group_ids: Sequence[str]
    """Ids of security groups; every network interface of a node has at least one of them."""
    peers: Mapping[str, Peer]
    """The other clusters by their names in Cilium."""
    tags: Mapping[str, str]
    """Tags of every rule."""


class MeshFirewall(pulumi.ComponentResource):
    """Ingress rules of one cluster: one for each security group, network of a peer, and opening.

    It takes the AWS provider of the cluster's account and region from its resource options.
    """

    def __init__(self, name: str, args: MeshFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("MeshFirewall"), name, {}, opts)
        for group in args["security_group_ids"]:
            for name_of_peer, peer in args["peers"].items():
                for cidr in peer["cidrs"]:
                    for opening in peer["openings"]:
                        rule = f"{name}-{group}-{name_of_peer}-{cidr.replace('/', '-')}-{opening.name}"
                        tags = tagged(args["tags"], f"{name}-{name_of_peer}-{opening.name}")
                        self._allow(rule, group, opening, source=(name_of_peer, cidr), tags=tags)
        self.register_outputs({})

    def _allow(
        self,
        rule: str,
        group: str,
        opening: Opening,
        *,
        source: tuple[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """Allow an opening for `source`, the name of a peer with one of its networks."""
        everything, (peer, cidr) = opening.protocol == "all", source
        aws.vpc.SecurityGroupIngressRule(
            rule,
            security_group_id=group,
            cidr_ipv4=cidr,
            ip_protocol="-1" if everything else opening.protocol,
            from_port=None if everything else opening.first,
            to_port=None if everything else opening.last,
            description=f"Cilium cluster {peer}: {opening.why}",
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
