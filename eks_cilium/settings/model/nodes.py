"""Keys of the managed node groups of a new cluster."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from eks_cilium.cilium.masquerade import ImageFamily, SubnetKind, image_family
from eks_cilium.settings.model.fields import Part, SecurityGroupId, option

if TYPE_CHECKING:
    from eks_cilium.settings.instance_types import Accelerator

# docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html, amiType; without CUSTOM, which needs an
# image and a start-up script of its own, and without Windows, where Cilium does not run.
AmiType = Literal[
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
    "AL2023_x86_64_NEURON",
    "AL2_x86_64",
    "AL2_x86_64_GPU",
    "AL2_ARM_64",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_FIPS",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
    "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
]


class Taint(Part):
    """A taint that every node of the group carries."""

    key: str = option(says="Key of the taint.", allowed="a Kubernetes label key", example="dedicated")
    value: str = option("", says="Value of the taint.", allowed="a Kubernetes label value", example="batch")
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"] = option(
        says="Effect of the taint, in EKS's spelling. Running nodes get a changed taint at once, and "
        "NO_EXECUTE deletes their pods.",
        allowed="NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE",
        example="NO_SCHEDULE",
    )


# docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupUpdateConfig.html, API_NodeRepairConfig.html.
Count = Annotated[int, Field(ge=1, le=100)]
Percent = Annotated[str, Field(pattern=r"^([1-9][0-9]?|100)%$")]


def _nodes(default: Any, *, says: str, example: Any) -> Any:
    """An option that is a number of nodes or a part of them."""
    return option(default, says=says, allowed="1 to 100, or a percentage such as 33%", example=example)


class RepairOverride(Part):
    """What EKS does about one kind of unhealthy node."""

    condition: str = option(
        says="Condition that the node monitoring agent reports.",
        allowed="a condition such as AcceleratedHardwareReady",
        example="AcceleratedHardwareReady",
        min_length=1,
    )
    reason: str = option(
        says="Reason of the condition.",
        allowed="a reason such as NvidiaXID13Error",
        example="NvidiaXID13Error",
        min_length=1,
    )
    wait_minutes: int = option(
        says="How long the node is unhealthy before it is repaired.",
        allowed="a whole number from 1",
        example=10,
        ge=1,
    )
    action: Literal["Replace", "Reboot", "NoAction"] = option(
        says="What EKS does then.", allowed="Replace, Reboot or NoAction", example="Replace"
    )


class NodeRepair(Part):
    """EKS replaces or reboots nodes that stay unhealthy."""

    enabled: bool = option(
        True,
        says="Whether EKS repairs nodes. To switch it off again, write `false`: without the key EKS keeps "
        "what it has.",
        allowed="true or false",
        example=True,
    )
    max_unhealthy: Count | Percent | None = _nodes(
        None,
        says="More unhealthy nodes than this, and EKS repairs none: the cause is elsewhere.",
        example="20%",
    )
    max_parallel: Count | Percent | None = _nodes(
        None, says="Nodes that are repaired at the same time.", example=1
    )
    overrides: tuple[RepairOverride, ...] = option(
        (),
        says="Other waits and actions for some kinds of unhealthy nodes.",
        allowed="a list of objects with condition, reason, waitMinutes, action",
        example=[
            {
                "condition": "AcceleratedHardwareReady",
                "reason": "NvidiaXID13Error",
                "waitMinutes": 10,
                "action": "Replace",
            }
        ],
    )


class NodeGroup(Part):
    """A managed node group of EKS."""

    instance_types: tuple[str, ...] = option(
        ("m7i.large",),
        says="Instance types, best first; several only make sense for spot capacity.",
        allowed="a list of EC2 instance types of one architecture",
        example=["m7i.large"],
        min_length=1,
    )
    ami_type: AmiType = option(
        "AL2023_x86_64_STANDARD",
        says="Image family, architecture and accelerator of the nodes.",
        allowed=", ".join(AmiType.__args__),  # type: ignore[attr-defined]
        example="AL2023_x86_64_STANDARD",
    )
    image_id: str | None = option(
        None,
        says="Image of your own, made from one of `amiType`; this program then writes all of its user data. "
        "Another one, as for a raised `kubernetesVersion`, rolls the group.",
        allowed="the id of an image in the region, with nodeadm (AL2023) or of Bottlerocket",
        example="ami-0123456789abcdef0",
        pattern=r"^ami-[0-9a-f]{8,17}$",
    )
    release_version: str | None = option(
        None,
        says="Release of the EKS image. When unset, EKS takes the newest at creation and keeps it.",
        allowed="a release such as 1.34.0-20250915 (AL2, AL2023) or 1.48.0-e2bdb9b6 (Bottlerocket)",
        example="1.34.0-20250915",
        pattern=r"^\d+\.\d+\.\d+-[0-9a-f]{8}$",
    )
    subnets: SubnetKind = option(
        "private", says="Kind of subnet the nodes live in.", allowed="private or public", example="private"
    )
    security_group_ids: tuple[SecurityGroupId, ...] = option(
        (),
        says="Security groups of the nodes, besides the one that EKS makes; pods have them as well, since "
        "Cilium's interfaces take those of the node's first. A change rolls the group.",
        allowed="a list of up to 4 ids of security groups in network.vpcId",
        example=["sg-0123456789abcdef0"],
        max_length=4,
    )
    min_size: int = option(1, says="Fewest nodes.", allowed="a whole number from 0", example=1, ge=0)
    desired_size: int = option(2, says="Number of nodes.", allowed="a whole number from 0", example=2, ge=0)
    max_size: int = option(
        3, says="Most nodes.", allowed="a whole number from 1 to 450", example=3, ge=1, le=450
    )
    autoscaled: bool = option(
        False,
        says="Whether an autoscaler owns the number of nodes; `desiredSize` then counts at creation only.",
        allowed="true or false",
        example=True,
    )
    disk_size: int = option(
        50, says="Root volume in GiB, encrypted gp3.", allowed="20 to 16384", example=50, ge=20, le=16384
    )
    max_pods: int | None = option(
        None,
        says="Most pods of a node. When unset: with `cilium.prefixDelegation` 110, or 250 on instances of "
        "8xlarge and larger; else what the image computes, the addresses of the node's interfaces.",
        allowed="8 to 250",
        example=110,
        ge=8,
        le=250,
    )
    labels: dict[str, str] = option(
        default_factory=dict,
        says="Labels that every node carries.",
        allowed="an object of Kubernetes labels outside the domains that Kubernetes, EKS and Cilium reserve",
        example={"team": "payments"},
    )
    taints: tuple[Taint, ...] = option(
        (),
        says="Taints that every node carries, besides Cilium's start-up taint.",
        allowed="a list of objects with key, value, effect",
        example=[{"key": "dedicated", "value": "batch", "effect": "NO_SCHEDULE"}],
    )
    capacity_type: Literal["ON_DEMAND", "SPOT"] = option(
        "ON_DEMAND", says="How the capacity is bought.", allowed="ON_DEMAND or SPOT", example="ON_DEMAND"
    )
    max_unavailable: Count | Percent = _nodes(
        1, says="Nodes that may be missing during a rolling update.", example="33%"
    )
    update_strategy: Literal["DEFAULT", "MINIMAL"] | None = option(
        None,
        says="How a rolling update replaces nodes: DEFAULT launches new ones first, MINIMAL ends old ones "
        "first, where more capacity cannot be had (GPUs). EKS keeps what it has when unset.",
        allowed="DEFAULT or MINIMAL",
        example="MINIMAL",
    )
    node_repair: NodeRepair | None = option(
        None,
        says="Repair of unhealthy nodes by EKS; `{}` for its defaults. It sees more with the add-on "
        "eks-node-monitoring-agent.",
        example={"maxUnhealthy": "20%"},
    )

    @property
    def accelerator(self) -> Accelerator | None:
        """The accelerator whose driver the image has."""
        if "NVIDIA" in self.ami_type or self.ami_type.endswith("GPU"):
            return "nvidia"
        return "neuron" if "NEURON" in self.ami_type else None

    @property
    def image_family(self) -> ImageFamily:
        return image_family(self.ami_type)

    @property
    def most_unavailable(self) -> int:
        """The nodes that `max_unavailable` stands for in the largest group."""
        if isinstance(self.max_unavailable, int):
            return self.max_unavailable
        return math.ceil(self.max_size * int(self.max_unavailable.rstrip("%")) / 100)

    @property
    def dependable_size(self) -> int:
        """The nodes that exist at any time, even where an autoscaler removes as many as it may."""
        return self.min_size if self.autoscaled else self.desired_size
