"""Taints that a new node has until something on it is ready: pods cannot be scheduled there before.

The CNI gate asks here before a node counts as one that can take pods. Which taints stay for good is seen from
the nodes that are replaced: their group gives them to every node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import OUTGOING_TAINT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eks_cilium.cluster.objects import Object

_HARD = frozenset({"NoSchedule", "NoExecute"})
_NODE_GROUP = "eks.amazonaws.com/nodegroup"
_SUFFIX = "/agent-not-ready"
"""Of the taints that CSI drivers and CNIs remove when they run: `ebs.csi.aws.com/agent-not-ready` and others.

Sources: docs/install.md of kubernetes-sigs/aws-ebs-csi-driver and aws-efs-csi-driver, "Configure node startup
taint"; docs.cilium.io, "Considerations on Node Pool Taints".
"""
_PREFIXES = (
    # kubernetes.io/docs/reference/labels-annotations-taints; set by kubelets and by the node controller.
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    # kubernetes/autoscaler, cluster-autoscaler/FAQ.md, "How can I use startup taints".
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
)
_CORDON = "node.kubernetes.io/unschedulable"


def keeping_pods_away(node: Object, outgoing: Iterable[Object]) -> str:
    """The taint that keeps pods off a new node for now, as in `key:NoSchedule`; empty where there is none.

    `outgoing` are the nodes that are replaced: a taint that all of this node's group have stays for good.
    """
    found = _hard(node)
    if not found:
        return ""
    group = _group(node)
    peers = [_hard(other) for other in outgoing if _group(other) == group]
    return next((taint for taint in sorted(found) if _is_for_now(taint, peers, group)), "")


def _is_for_now(taint: str, peers: list[frozenset[str]], group: str) -> bool:
    """Without peers, and where nodes do not say which group they are of, less can be known."""
    key = taint.partition(":")[0]
    is_known = key.endswith(_SUFFIX) or key.startswith(_PREFIXES)
    if not peers:
        return is_known
    holds_for = all if group or is_known else any
    return not holds_for(taint in peer for peer in peers)


def _hard(node: Object) -> frozenset[str]:
    """A cordon is no taint of its own."""
    return frozenset(
        f"{taint['key']}:{taint['effect']}"
        for taint in node["spec"].get("taints") or ()
        if taint["effect"] in _HARD and taint["key"] not in (OUTGOING_TAINT, _CORDON)
    )


def _group(node: Object) -> str:
    return str((node["metadata"].get("labels") or {}).get(_NODE_GROUP, ""))
