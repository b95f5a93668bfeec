"""Nodes, and how many volumes each can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import ZONE, Object, condition, moment
from eks_cilium.migration.facts.model import Node, Taint

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        ready=condition(obj, "Ready").get("status") == "True",
        created=moment(metadata.get("creationTimestamp")),
        ready_since=moment(condition(obj, "Ready").get("lastTransitionTime")),
        volume_limits=volume_limits.get(metadata["name"], {}),
    )


def volume_limits(csi_node: Object) -> tuple[str, dict[str, int]]:
    """The name of a node and how many volumes of each driver it can hold, where the driver says so."""
    drivers = csi_node["spec"].get("drivers") or ()
    counts = {driver["name"]: (driver.get("allocatable") or {}).get("count") for driver in drivers}
    return csi_node["metadata"]["name"], {name: count for name, count in counts.items() if count is not None}


def _instance(provider_id: str) -> str | None:
    """The id in `aws:///zone/i-...`; None for Fargate and hybrid nodes, whose provider ids end otherwise."""
    last = provider_id.rsplit("/", 1)[-1]
    return last if last.startswith("i-") else None
