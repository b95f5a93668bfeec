"""What the nodes of a cluster accept from the networks of the clusters it is joined with, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.mesh.openings import Opening


class Peer(TypedDict):
    """A cluster that comes in."""

    cidrs: Sequence[str]
    openings: Sequence[Opening]


class MeshFirewallArgs(TypedDict):
    """What a `MeshFirewall` is made from."""

    security_group_ids: Sequence[str]
    """Groups, one of which every interface of the cluster's nodes has."""
    peers: Mapping[str, Peer]
    """By the names of the other clusters."""
    tags: Mapping[str, str]


class MeshFirewall(pulumi.ComponentResource):
    """Ingress rules, one for each group, peer's network and opening."""

    def __init__(self, name: str, args: MeshFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("MeshFirewall"), name, {}, opts)
        for group in args["security_group_ids"]:
            for peer, comes in args["peers"].items():
                for cidr in comes["cidrs"]:
                    for opening in comes["openings"]:
                        rule = f"{name}-{group}-{peer}-{cidr.replace('/', '-')}-{opening.name}"
                        tags = tagged(args["tags"], f"{name}-{peer}-{opening.name}")
                        self._let_in(rule, group, opening, source=(peer, cidr), tags=tags)
        self.register_outputs({})

    def _let_in(
        self,
        rule: str,
        group: str,
        opening: Opening,
        *,
        source: tuple[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """`source` is the peer's name with one of its networks. Ports are not said where all are meant."""
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
