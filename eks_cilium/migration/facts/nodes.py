"""Nodes, and how many volumes each can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.values import COMPUTE_TYPE, COMPUTE_WITHOUT_AGENTS
from eks_cilium.cluster.objects import ZONE, Object, condition, moment
from eks_cilium.migration.facts.model import Node, Taint

if TYPE_CHECKING:
    from collections.abc import Mapping

_OS, _LINUX = "kubernetes.io/os", "linux"
_OLD_ZONE = "failure-domain.beta.kubernetes.io/zone"


def node(obj: Object, volume_limits: Mapping[str, Mapping[str, int]]) -> Node:
    """A node from its object; `volume_limits` holds the limits of all nodes, by name."""
    metadata, spec = obj["metadata"], obj["spec"]
    labels = metadata.get("labels") or {}
    return Node(
        name=metadata["name"],
        uid=metadata["uid"],
        instance=_instance(spec.get("providerID", "")),
        zone=labels.get(ZONE) or labels.get(_OLD_ZONE),
        labels=labels,
        annotations=metadata.get("annotations") or {},
        taints=tuple(
            Taint(taint["key"], taint["effect"], taint.get("value", "")) for taint in spec.get("taints") or ()
        ),
        unschedulable=spec.get("unschedulable", False),
        ready=is_ready(obj),
        created=moment(metadata.get("creationTimestamp")),
        ready_since=moment(condition(obj, "Ready").get("lastTransitionTime")),
        volume_limits=volume_limits.get(metadata["name"], {}),
        extended=extended(obj.get("status", {}).get("allocatable") or {}),
        most_pods=_number((obj.get("status") or {}).get("allocatable", {}).get("pods")),
    )


def is_ready(obj: Object) -> bool:
    """Whether a node can run pods."""
    return condition(obj, "Ready").get("status") == "True"


def is_silent(obj: Object) -> bool:
    """Whether the kubelet of a node does not answer: nothing that is deleted there ends by itself.

    The node controller sets the condition to Unknown when a kubelet has not renewed its Lease in time.
    Source: kubernetes.io/docs/concepts/architecture/nodes, "Node status" and "Node controller".
    """
    return condition(obj, "Ready").get("status") == "Unknown"


def has_agents(obj: Object) -> bool:
    """Whether either CNI runs an agent on a node: not on Fargate, Auto Mode, hybrid nodes, or Windows."""
    labels = obj["metadata"].get("labels") or {}
    return labels.get(COMPUTE_TYPE) not in COMPUTE_WITHOUT_AGENTS and labels.get(_OS, _LINUX) == _LINUX


def volume_limits(csi_node: Object) -> tuple[str, dict[str, int]]:
    """The name of a node and how many volumes of each driver it can hold, where the driver says so."""
    drivers = csi_node["spec"].get("drivers") or ()
    counts = {driver["name"]: (driver.get("allocatable") or {}).get("count") for driver in drivers}
    return csi_node["metadata"]["name"], {name: count for name, count in counts.items() if count is not None}


def extended(resources: Mapping[str, str]) -> dict[str, int]:
    """Amounts of extended resources: their names have a domain other than kubernetes.io (API conventions)."""
    return {
        name: int(amount)
        for name, amount in resources.items()
        if "/" in name and "kubernetes.io/" not in name and str(amount).isdecimal()
    }


def _number(quantity: str | None) -> int | None:
    return int(quantity) if quantity and quantity.isdigit() else None


def _instance(provider_id: str) -> str | None:
    """The id in `aws:///zone/i-...`; None for Fargate and hybrid nodes, whose provider ids end otherwise."""
    last = provider_id.rsplit("/", 1)[-1]
    return last if last.startswith("i-") else None
