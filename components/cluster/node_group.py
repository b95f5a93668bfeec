"""Managed node groups whose nodes carry a taint until Cilium runs on them.

`stacks/new_cluster_base.py` registers one for each entry of `nodeGroups`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.cluster.custom_image import Joining, custom_image_user_data
from components.cluster.user_data import node_user_data
from components.naming import tagged, token
from eks_cilium.cilium.masquerade import image_family
from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "NO_EXECUTE": "NoExecute",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
}
"""How EKS and Kubernetes spell the effects of taints."""


class NodeTaint(TypedDict):
    """A taint of every node of a group."""

    key: str
    """Key of the taint."""
    value: str
    """Value of the taint; may be empty."""
    effect: str
    """`NO_SCHEDULE`, `NO_EXECUTE` or `PREFER_NO_SCHEDULE`, as EKS spells it."""


class RepairOverride(TypedDict):
    """What EKS does about nodes with one condition and reason."""

    condition: str
    """Condition of the node monitoring agent."""
    reason: str
    """Reason of the condition."""
    wait_minutes: int
    """How long a node has it before EKS acts."""
    action: str
    """`Replace`, `Reboot` or `NoAction`."""


class NodeRepair(TypedDict):
    """How EKS repairs the nodes of a group."""

    enabled: bool
    """Whether it does."""
    max_unhealthy: int | str | None
    """With more unhealthy nodes it repairs none: a number or a percentage such as 20%."""
    max_parallel: int | str | None
    """Nodes that it repairs at the same time: a number or a percentage."""
    overrides: Sequence[RepairOverride]
    """Other waits and actions for some conditions."""


class ClusterAccess(TypedDict):
    """What nodes with an image of the user's own have to be given."""

    endpoint: pulumi.Input[str]
    """URL of the API server."""
    certificate_authority: pulumi.Input[str]
    """Base64, as EKS returns it."""
    service_cidr: str
    """Network of Service addresses."""


class NodeGroupArgs(TypedDict):
    """The arguments of a `NodeGroup`."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    kubernetes_version: str
    """Kubernetes minor of the nodes, such as 1.34."""
    node_role_arn: pulumi.Input[str]
    """ARN of the nodes' IAM role."""
    subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets of the nodes."""
    instance_types: Sequence[str]
    """EC2 instance types, such as m6i.large."""
    ami_type: str
    """EKS AMI type, such as AL2023_x86_64_STANDARD."""
    release_version: str | None
    """Version of the AMI; the newest for the Kubernetes version where None."""
    image_id: NotRequired[str | None]
    """Image of the user's own, made from one of that AMI type. Default None: EKS's image."""
    joining: NotRequired[ClusterAccess]
    """How nodes with such an image join; required with `image_id`."""
    capacity_type: str
    """`ON_DEMAND` or `SPOT`."""
    min_size: int
    """Fewest nodes."""
    desired_size: int
    """Nodes to begin with."""
    max_size: int
    """Most nodes."""
    autoscaled: bool
    """Whether an autoscaler changes the desired size, so that updates leave it alone."""
    disk_size: int
    """Size in GiB of the volume that holds images and containers."""
    max_pods: NotRequired[int | None]
    """Most pods of a node. Default None: what the image computes from the addresses of the interfaces."""
    labels: Mapping[str, str]
    """Labels of every node."""
    taints: Sequence[NodeTaint]
    """Taints of every node, besides Cilium's start-up taint."""
    max_unavailable: int | str
    """How many nodes EKS may replace at the same time in an update of the group, or how many percent: 33%."""
    update_strategy: NotRequired[str | None]
    """`DEFAULT` or `MINIMAL`. Default None: left to EKS."""
    node_repair: NotRequired[NodeRepair | None]
    """Whether and how EKS repairs unhealthy nodes. Default None: left to EKS, which repairs none."""
    security_group_ids: NotRequired[Sequence[pulumi.Input[str]]]
    """Security groups of the first interface, that of EKS among them. Default: EKS adds its own alone."""
    cilium_makes_interfaces: bool
    """Whether Cilium configures every network interface but the first, so that the image must not."""
    tags: Mapping[str, str]
    """Tags for the group, its launch template, instances, volumes and first interfaces."""


class NodeGroup(pulumi.ComponentResource):
    """A managed node group with a launch template of its own, both named like the component.

    Nodes have encrypted gp3 volumes and IMDSv2 with a hop limit of 1, and the taint
    `node.cilium.io/agent-not-ready` until Cilium runs on them. `depends_on` in `opts` has to name Cilium's
    release and the node role: without the first no node becomes Ready, without the second none joins.
    """

    node_group_name: pulumi.Output[str]
    """Name in EKS."""

    def __init__(self, name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("NodeGroup"), name, {}, opts)
        template = _launch_template(name, args, pulumi.ResourceOptions(parent=self))
        custom = args.get("image_id") is not None
        group = aws.eks.NodeGroup(
            name,
            cluster_name=args["cluster_name"],
            node_role_arn=args["node_role_arn"],
            subnet_ids=list(args["subnet_ids"]),
            instance_types=list(args["instance_types"]),
            # Beside an image in the launch template EKS takes no version (API_CreateNodegroup.html), and no
            # type "other than CUSTOM", as it says. Written out, a change from its images replaces the group.
            ami_type="CUSTOM" if custom else args["ami_type"],
            version=None if custom else args["kubernetes_version"],
            release_version=args["release_version"],
            capacity_type=args["capacity_type"],
            scaling_config={
                "min_size": args["min_size"],
                "desired_size": args["desired_size"],
                "max_size": args["max_size"],
            },
            update_config=_update_config(args),
            node_repair_config=_node_repair_config(args.get("node_repair")),
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


def _update_config(args: NodeGroupArgs) -> aws.eks.NodeGroupUpdateConfigArgs:
    number, percent = _number_or_percent(args["max_unavailable"])
    return aws.eks.NodeGroupUpdateConfigArgs(
        max_unavailable=number,
        max_unavailable_percentage=percent,
        update_strategy=args.get("update_strategy"),
    )


def _node_repair_config(wanted: NodeRepair | None) -> aws.eks.NodeGroupNodeRepairConfigArgs | None:
    if wanted is None:
        return None
    unhealthy, unhealthy_percent = _number_or_percent(wanted["max_unhealthy"])
    parallel, parallel_percent = _number_or_percent(wanted["max_parallel"])
    overrides = [
        aws.eks.NodeGroupNodeRepairConfigNodeRepairConfigOverrideArgs(
            node_monitoring_condition=override["condition"],
            node_unhealthy_reason=override["reason"],
            min_repair_wait_time_mins=override["wait_minutes"],
            repair_action=override["action"],
        )
        for override in wanted["overrides"]
    ]
    return aws.eks.NodeGroupNodeRepairConfigArgs(
        enabled=wanted["enabled"],
        max_unhealthy_node_threshold_count=unhealthy,
        max_unhealthy_node_threshold_percentage=unhealthy_percent,
        max_parallel_nodes_repaired_count=parallel,
        max_parallel_nodes_repaired_percentage=parallel_percent,
        node_repair_config_overrides=overrides or None,
    )


def _number_or_percent(value: int | str | None) -> tuple[int | None, int | None]:
    """The same value in the one or the other of two arguments of EKS."""
    return (None, int(value.rstrip("%"))) if isinstance(value, str) else (value, None)


def _taints(more: Sequence[NodeTaint]) -> list[aws.eks.NodeGroupTaintArgs]:
    return [
        aws.eks.NodeGroupTaintArgs(key=key, value=value, effect=effect)
        for key, value, effect in _all_taints(more)
    ]


def _all_taints(more: Sequence[NodeTaint]) -> list[tuple[str, str, str]]:
    # NO_EXECUTE, because NO_SCHEDULE lets pods back in after a reboot: page "Considerations on Node Pool
    # Taints and Unmanaged Pods" of Cilium's documentation.
    startup = (AGENT_NOT_READY_TAINT, "true", "NO_EXECUTE")
    return [startup, *((taint["key"], taint["value"], taint["effect"]) for taint in more)]


def _launch_template(name: str, args: NodeGroupArgs, opts: pulumi.ResourceOptions) -> aws.ec2.LaunchTemplate:
    tags = tagged(args["tags"], name)
    return aws.ec2.LaunchTemplate(
        name,
        description=f"Nodes of {name}",
        update_default_version=True,
        image_id=args.get("image_id"),
        user_data=_user_data(args),
        # With groups in a template EKS adds none: page "Customize managed nodes with launch templates".
        vpc_security_group_ids=list(args.get("security_group_ids", ())) or None,
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


def _user_data(args: NodeGroupArgs) -> pulumi.Input[str] | None:
    if args.get("image_id") is not None:
        return _user_data_of_a_custom_image(args)
    return node_user_data(
        image_family(args["ami_type"]),
        cilium_makes_interfaces=args["cilium_makes_interfaces"],
        max_pods=args.get("max_pods"),
    )


def _user_data_of_a_custom_image(args: NodeGroupArgs) -> pulumi.Output[str]:
    access = args["joining"]
    taints = [(key, value, _EFFECTS[effect]) for key, value, effect in _all_taints(args["taints"])]

    def document(known: Sequence[str]) -> str:
        joining = Joining(
            cluster=known[0],
            endpoint=known[1],
            certificate_authority=known[2],
            service_cidr=access["service_cidr"],
            labels=args["labels"],
            taints=taints,
            max_pods=args.get("max_pods"),
        )
        family, own = image_family(args["ami_type"]), args["cilium_makes_interfaces"]
        return custom_image_user_data(family, joining, cilium_makes_interfaces=own)

    return pulumi.Output.all(args["cluster_name"], access["endpoint"], access["certificate_authority"]).apply(
        document
    )


def _data_volume(ami_type: str) -> str:
    """The volume that holds images and containers; Bottlerocket keeps its system on another."""
    return "/dev/xvdb" if ami_type.startswith("BOTTLEROCKET") else "/dev/xvda"
