"""Managed node groups whose nodes wait, tainted, until Cilium runs on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws

from components.cluster.user_data import node_user_data
from components.naming import tagged, token
from eks_cilium.cilium.masquerade import image_family
from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class NodeTaint(TypedDict):
    """A taint in EKS's spelling."""

    key: str
    value: str
    effect: str


class NodeGroupArgs(TypedDict):
    """What a `NodeGroup` is made from."""

    cluster_name: pulumi.Input[str]
    kubernetes_version: str
    node_role_arn: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    instance_types: Sequence[str]
    ami_type: str
    release_version: str | None
    capacity_type: str
    min_size: int
    desired_size: int
    max_size: int
    autoscaled: bool
    disk_size: int
    labels: Mapping[str, str]
    taints: Sequence[NodeTaint]
    max_unavailable: int
    interfaces_are_ciliums: bool
    """Whether Cilium sets up every interface but the first, which the image then has to leave alone."""
    tags: Mapping[str, str]


class NodeGroup(pulumi.ComponentResource):
    """A managed node group with a launch template of its own.

    `depends_on` has to name Cilium's release and the policies of the node role: without the first no node
    ever becomes Ready, without the second none joins.
    """

    node_group_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("NodeGroup"), name, {}, opts)
        template = _launch_template(name, args, pulumi.ResourceOptions(parent=self))
        group = aws.eks.NodeGroup(
            name,
            cluster_name=args["cluster_name"],
            node_role_arn=args["node_role_arn"],
            subnet_ids=list(args["subnet_ids"]),
            instance_types=list(args["instance_types"]),
            ami_type=args["ami_type"],
            version=args["kubernetes_version"],
            release_version=args["release_version"],
            capacity_type=args["capacity_type"],
            scaling_config={
                "min_size": args["min_size"],
                "desired_size": args["desired_size"],
                "max_size": args["max_size"],
            },
            update_config={"max_unavailable": args["max_unavailable"]},
            launch_template={
                "id": template.id,
                "version": template.latest_version.apply(str),
            },
            labels=dict(args["labels"]),
            taints=_taints(args["taints"]),
            tags=tagged(args["tags"], name),
            opts=pulumi.ResourceOptions(
                parent=self, ignore_changes=["scalingConfig.desiredSize"] if args["autoscaled"] else None
            ),
        )
        self.node_group_name = group.node_group_name
        self.register_outputs({"nodeGroupName": self.node_group_name})


def _taints(more: Sequence[NodeTaint]) -> list[aws.eks.NodeGroupTaintArgs]:
    """Cilium's start-up taint first. NO_EXECUTE, because NO_SCHEDULE lets pods back in after a reboot."""
    startup: NodeTaint = {"key": AGENT_NOT_READY_TAINT, "value": "true", "effect": "NO_EXECUTE"}
    return [
        aws.eks.NodeGroupTaintArgs(key=taint["key"], value=taint["value"], effect=taint["effect"])
        for taint in (startup, *more)
    ]


def _launch_template(name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions) -> aws.ec2.LaunchTemplate:
    tags = tagged(args["tags"], name)
    return aws.ec2.LaunchTemplate(
        name,
        description=f"Nodes of {name}",
        update_default_version=True,
        user_data=_user_data(args),
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        block_device_mappings=[
            {
                "device_name": _data_volume(args["ami_type"]),
                "ebs": {
                    "volume_size": args["disk_size"],
                    "volume_type": "gp3",
                    "encrypted": "true",
                    "delete_on_termination": "true",
                },
            }
        ],
        tag_specifications=[
            {"resource_type": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
        ],
        tags=tags,
        opts=opts,
    )


def _user_data(args: NodeGroupArgs) -> str | None:
    needed = args["interfaces_are_ciliums"] and image_family(args["ami_type"]) == "al2023"
    return node_user_data() if needed else None


def _data_volume(ami_type: str) -> str:
    """The volume that holds images and containers; Bottlerocket keeps its system on another."""
    return "/dev/xvdb" if ami_type.startswith("BOTTLEROCKET") else "/dev/xvda"
