"""Rules about the managed node groups of a new cluster."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.kubernetes_names import is_label_key, is_label_value
from eks_cilium.settings.instance_types import accelerator, architecture, is_instance_type
from eks_cilium.settings.problems import Problem, remove_command, rename_fix, set_fix
from eks_cilium.settings.reserved_domains import is_reserved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.instance_types import Accelerator
    from eks_cilium.settings.model import NewClusterBaseSettings, Taint

_GROUP_NAME = re.compile(r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$")
_ACCELERATORS: dict[Accelerator, str] = {"nvidia": "NVIDIA GPUs", "neuron": "Inferentia or Trainium"}
LAST_AL2 = (1, 32)
"""The last Kubernetes version for which AWS publishes Amazon Linux 2 images."""


def names_are_possible(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # The name becomes part of AWS names, whose length is limited.
    for name in settings.node_groups:
        if not _GROUP_NAME.match(name):
            path = ("nodeGroups", name)
            allowed = "a name of 1 to 20 lower-case letters, digits and dashes"
            yield Problem(path, {}, allowed, rename_fix(path, "my-group"))


def sizes_are_ordered(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for name, group in settings.node_groups.items():
        if not group.min_size <= group.desired_size <= group.max_size:
            path = ("nodeGroups", name, "desiredSize")
            wanted = max(group.min_size, min(group.desired_size, group.max_size))
            allowed = f"between minSize ({group.min_size}) and maxSize ({group.max_size}), in this order"
            yield Problem(path, group.desired_size, allowed, set_fix(path, wanted))
        if isinstance(group.max_unavailable, int) and group.max_unavailable > group.max_size:
            path = ("nodeGroups", name, "maxUnavailable")
            allowed = f"at most maxSize ({group.max_size})"
            yield Problem(path, group.max_unavailable, allowed, set_fix(path, 1))


def something_runs(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Without a node nothing ever becomes Ready.
    groups = settings.node_groups
    if all(group.dependable_size == 0 for group in groups.values()):
        path = ("nodeGroups", next(iter(groups)), "desiredSize")
        yield Problem(path, 0, "at least one node in all groups together", set_fix(path, 2))


def operator_and_coredns_find_a_place(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """Cilium's operator and CoreDNS need nodes without taints of the configuration."""
    running = {name: group for name, group in settings.node_groups.items() if group.dependable_size}
    open_nodes = sum(
        group.dependable_size
        for group in running.values()
        if not any(_keeps_pods_away(taint) for taint in group.taints)
    )
    if running and open_nodes == 0:
        name, group = next(iter(running.items()))
        path: tuple[str, ...] = ("nodeGroups", name, "taints")
        allowed = "at least one group with nodes and without taints, for Cilium's operator and CoreDNS"
        value = [taint.model_dump(by_alias=True) for taint in group.taints]
        yield Problem(path, value, allowed, remove_command(path))
    elif running and open_nodes < settings.cilium.operator_replicas:
        path = ("cilium", "operatorReplicas")
        allowed = f"at most {open_nodes}, the number of nodes without taints: replicas never share a node"
        yield Problem(path, settings.cilium.operator_replicas, allowed, set_fix(path, open_nodes))


def _keeps_pods_away(taint: Taint) -> bool:
    return taint.effect != "PREFER_NO_SCHEDULE" and taint.key != AGENT_NOT_READY_TAINT


def instance_types_match_the_image(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for name, group in settings.node_groups.items():
        wanted = "arm64" if "ARM" in group.ami_type else "x86_64"
        for index, kind in enumerate(group.instance_types):
            path = ("nodeGroups", name, "instanceTypes", index)
            if not is_instance_type(kind):
                yield Problem(path, kind, "an EC2 instance type", set_fix(path, "m7i.large"))
            elif architecture(kind) != wanted:
                allowed = f"an {wanted} instance type, as amiType is {group.ami_type}"
                example = "m7g.large" if wanted == "arm64" else "m7i.large"
                yield Problem(path, kind, allowed, set_fix(path, example))


def instance_types_have_the_accelerator(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS answers "[m7i.large] is not a valid instance type for requested amiType AL2023_x86_64_NVIDIA";
    # docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html: accelerated images support no
    # other families.
    for name, group in settings.node_groups.items():
        wanted = group.accelerator
        for index, kind in enumerate(group.instance_types):
            if wanted and is_instance_type(kind) and accelerator(kind) != wanted:
                path = ("nodeGroups", name, "instanceTypes", index)
                allowed = f"an instance type with {_ACCELERATORS[wanted]}, as amiType is {group.ami_type}"
                yield Problem(path, kind, allowed, set_fix(path, _accelerated(wanted, group.ami_type)))


def _accelerated(wanted: Accelerator, ami_type: str) -> str:
    if wanted == "neuron":
        return "inf2.xlarge"
    return "g5g.xlarge" if "ARM" in ami_type else "g6.xlarge"


def images_exist(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """AWS publishes no AL2 images for newer Kubernetes versions, and every release is for one version."""
    version = settings.cluster.kubernetes_version
    minor = tuple(map(int, version.split(".")))
    for name, group in settings.node_groups.items():
        if group.image_family == "al2" and minor > LAST_AL2:
            path = ("nodeGroups", name, "amiType")
            allowed = f"an AL2023 or Bottlerocket image; there is no AL2 image for Kubernetes {version}"
            example = "AL2023_ARM_64_STANDARD" if "ARM" in group.ami_type else "AL2023_x86_64_STANDARD"
            yield Problem(path, group.ami_type, allowed, set_fix(path, example))
        release = group.release_version
        if release and group.image_family != "bottlerocket" and not release.startswith(f"{version}."):
            path = ("nodeGroups", name, "releaseVersion")
            allowed = f"a release for Kubernetes {version}"
            yield Problem(path, release, allowed, remove_command(path))


def images_of_the_users_have_no_release(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # docs.aws.amazon.com/eks/latest/userguide/launch-templates.html, "Specifying an AMI". The start-up script
    # of AL2 takes other user data, and AWS publishes no newer images of it.
    for name, group in settings.node_groups.items():
        if group.image_id is None:
            continue
        if group.release_version is not None:
            path = ("nodeGroups", name, "releaseVersion")
            allowed = "nothing beside imageId: the release is that of the image"
            yield Problem(path, group.release_version, allowed, remove_command(path))
        if group.image_family == "al2":
            path = ("nodeGroups", name, "imageId")
            allowed = "nothing with AL2; images made from AL2023 or Bottlerocket can be used"
            yield Problem(path, group.image_id, allowed, remove_command(path))


def pod_limits_can_be_set(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # The start-up script of AL2 has no part that EKS merges, and AWS publishes no newer images of it.
    for name, group in settings.node_groups.items():
        if group.max_pods is not None and group.image_family == "al2":
            path = ("nodeGroups", name, "maxPods")
            allowed = "nothing with an AL2 image; AL2023 and Bottlerocket take it"
            yield Problem(path, group.max_pods, allowed, remove_command(path))


def labels_are_the_users(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Kubernetes, EKS and Cilium write labels of their own domains.
    for name, group in settings.node_groups.items():
        for key, value in group.labels.items():
            path = ("nodeGroups", name, "labels", key)
            if not is_label_key(key) or not is_label_value(value):
                yield Problem(path, value, "a Kubernetes label key and value", remove_command(path))
            elif is_reserved(key):
                allowed = "a key outside kubernetes.io, k8s.io, eks.amazonaws.com and cilium.io"
                yield Problem(path, value, allowed, remove_command(path))


def taints_are_the_users(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """Taints are spelled like labels, given once each, and are not the start-up taint every node gets."""
    for name, group in settings.node_groups.items():
        seen: set[tuple[str, str]] = set()
        for index, taint in enumerate(group.taints):
            path = ("nodeGroups", name, "taints", index)
            value = taint.model_dump(by_alias=True)
            if taint.key == AGENT_NOT_READY_TAINT:
                yield Problem(path, value, "any other taint: every node gets this one", remove_command(path))
            elif is_reserved(taint.key):
                allowed = "a key outside kubernetes.io, k8s.io, eks.amazonaws.com and cilium.io"
                yield Problem(path, value, allowed, remove_command(path))
            elif not is_label_key(taint.key) or not is_label_value(taint.value):
                yield Problem(
                    path, value, "a key and value spelled like a Kubernetes label", remove_command(path)
                )
            elif (taint.key, taint.effect) in seen:
                yield Problem(path, value, "every key and effect once", remove_command(path))
            seen.add((taint.key, taint.effect))


RULES = (
    names_are_possible,
    sizes_are_ordered,
    something_runs,
    operator_and_coredns_find_a_place,
    instance_types_match_the_image,
    instance_types_have_the_accelerator,
    images_exist,
    images_of_the_users_have_no_release,
    pod_limits_can_be_set,
    labels_are_the_users,
    taints_are_the_users,
)
