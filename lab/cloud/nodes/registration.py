"""The Node object with which a kubelet on EKS registers, computed from the instance and its group."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.cloud.nodes.machines import Hardware, Machine
    from lab.cloud.running_clusters import NodegroupProfile

_EVICTION_RESERVE_MIB = 100
_MOST_PODS, _MOST_PODS_WITH_MANY_CPUS, _MANY_CPUS = 110, 250, 30
_DISK = "20893676Ki"
_RELEASE = re.compile(r"(\d+\.\d+\.\d+)-\d+")
_OS_IMAGES = (
    ("BOTTLEROCKET", "Bottlerocket OS 1.52.0 (aws-k8s)"),
    ("AL2_", "Amazon Linux 2"),
    ("WINDOWS", "Windows Server 2022 Datacenter"),
)


def provider_id(machine: Machine) -> str:
    """Return the provider ID by which a node names its instance."""
    return f"aws:///{machine.zone}/{machine.id}"


def node_for(machine: Machine, profile: NodegroupProfile | None) -> dict[str, Any]:
    """Return the node of a booted instance: not Ready, with the taints of its node group."""
    hardware = replace(machine.hardware, pods=_pods(machine.hardware, profile))
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": machine.host,
            "labels": _labels(machine, profile),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": {"providerID": provider_id(machine), "taints": _taints(profile)},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": machine.address},
                {"type": "InternalDNS", "address": machine.host},
                {"type": "Hostname", "address": machine.host},
            ],
            "capacity": capacity(hardware),
            "allocatable": allocatable(hardware),
            "nodeInfo": _node_info(machine, profile),
        },
    }


def _pods(hardware: Hardware, profile: NodegroupProfile | None) -> int:
    """Return kubelet's limit. In managed node groups EKS caps that of the image.

    Source: docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html.
    """
    if profile is None:
        return hardware.pods
    most = _MOST_PODS if hardware.cpus < _MANY_CPUS else _MOST_PODS_WITH_MANY_CPUS
    return profile.max_pods or min(hardware.pods, most)


def _labels(machine: Machine, profile: NodegroupProfile | None) -> dict[str, str]:
    hardware = machine.hardware
    labels = {
        "kubernetes.io/hostname": machine.host,
        "kubernetes.io/arch": hardware.architecture,
        "kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": hardware.architecture,
        "beta.kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": hardware.type,
        "beta.kubernetes.io/instance-type": hardware.type,
        "topology.kubernetes.io/region": machine.region,
        "topology.kubernetes.io/zone": machine.zone,
        "failure-domain.beta.kubernetes.io/region": machine.region,
        "failure-domain.beta.kubernetes.io/zone": machine.zone,
        "topology.k8s.aws/zone-id": machine.zone_id,
    }
    return {**labels, **_nodegroup_labels(machine, profile)}


def _nodegroup_labels(machine: Machine, profile: NodegroupProfile | None) -> dict[str, str]:
    if profile is None:
        return {}
    return {
        "eks.amazonaws.com/nodegroup": profile.name,
        "eks.amazonaws.com/nodegroup-image": machine.image,
        "eks.amazonaws.com/capacityType": profile.capacity_type,
        "eks.amazonaws.com/sourceLaunchTemplateId": machine.template,
        "eks.amazonaws.com/sourceLaunchTemplateVersion": machine.template_version,
        **profile.labels,
    }


def _taints(profile: NodegroupProfile | None) -> list[dict[str, str]]:
    own = profile.taints if profile is not None else ()
    wanted = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in own]
    return [*wanted, {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


def capacity(hardware: Hardware) -> dict[str, str]:
    """Return the node's capacity; firmware and kernel use about a twentieth of the memory."""
    return {
        "cpu": str(hardware.cpus),
        "memory": f"{hardware.memory_mib * 1024 * 95 // 100}Ki",
        "pods": str(hardware.pods),
        "ephemeral-storage": _DISK,
    }


def allocatable(hardware: Hardware) -> dict[str, str]:
    """Return what is left for pods, after what EKS's images reserve for the system."""
    memory_kib = hardware.memory_mib * 1024 * 95 // 100
    kept_mib = 255 + 11 * hardware.pods + _EVICTION_RESERVE_MIB
    return {
        "cpu": f"{hardware.cpus * 1000 - _reserved_millicores(hardware.cpus)}m",
        "memory": f"{max(memory_kib - kept_mib * 1024, 0)}Ki",
        "pods": str(hardware.pods),
        "ephemeral-storage": "18181869946",
    }


def _reserved_millicores(cpus: int) -> int:
    """Return the reserved CPU: 6 % of the first core, 1 % of the second, 0.5 % of two, 0.25 % of the rest."""
    steps = [60, 10, 5, 5]
    return int(sum(steps[:cpus]) + max(cpus - len(steps), 0) * 2.5)


def _node_info(machine: Machine, profile: NodegroupProfile | None) -> dict[str, str]:
    ami_type = profile.ami_type if profile is not None else ""
    image = next((name for start, name in _OS_IMAGES if ami_type.startswith(start)), "Amazon Linux 2023")
    info = dict.fromkeys(
        ("machineID", "systemUUID", "bootID", "kernelVersion", "containerRuntimeVersion", "kubeletVersion"),
        "",
    )
    info |= {"osImage": image, "operatingSystem": "linux", "architecture": machine.hardware.architecture}
    info["kubeProxyVersion"] = ""
    release = _RELEASE.fullmatch(profile.release_version) if profile is not None else None
    if release:
        info["kubeletVersion"] = f"v{release[1]}-eks-lab"
    return info
