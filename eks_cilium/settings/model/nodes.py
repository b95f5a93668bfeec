"""Keys of the managed node groups of a new cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from eks_cilium.cilium.masquerade import ImageFamily, SubnetKind, image_family
from eks_cilium.settings.model.fields import Part, option

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
    max_unavailable: int = option(
        1,
        says="Nodes that may be missing during a rolling update.",
        allowed="1 to 100",
        example=1,
        ge=1,
        le=100,
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
    def dependable_size(self) -> int:
        """The nodes that exist at any time, even where an autoscaler removes as many as it may."""
        return self.min_size if self.autoscaled else self.desired_size
