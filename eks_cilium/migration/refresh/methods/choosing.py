"""How a workload is restarted: by its own roll-out, or pod by pod through the Eviction API.

A roll-out asks no PodDisruptionBudget. It is therefore used only where it cannot undercut one: where a
Deployment creates every new pod before it deletes an old one (`maxUnavailable` of zero, to which 25 % of up
to three replicas are rounded too). There it is better than evictions: a single pod is never missing, and a
budget that never allows a disruption does not matter.

All other workloads are evicted, so that the API server enforces the budgets; at most as many pods at once as
the workload's own roll-out would make unavailable, and never more than its budget allows. So are Deployments
that could not start a pod beside the others, because of a volume for one node, a port of the node, or because
no node is left that the extra pod may run on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.options import covers
from eks_cilium.migration.refresh.model import Method
from eks_cilium.migration.replicas.roll_outs import unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.backing import Backing
    from eks_cilium.migration.facts.model import Owner, Pod
    from eks_cilium.migration.refresh.methods.extra_pod import Nodes
    from eks_cilium.settings.model.migration import RefreshOptions


def method_for(
    workload: Reference, pods: Sequence[Pod], backing: Backing, nodes: Nodes, options: RefreshOptions
) -> tuple[Method, str]:
    """The method for a workload with these pods, and the reason for it."""
    owner = backing.owners.get(workload)
    if workload.kind != "Deployment" or owner is None:
        return Method.EVICT, f"a {workload.full_kind} creates a new pod after an old one is deleted"
    if reason := _reason_to_evict(owner, pods, backing, options) or nodes.why_none(pods, owner.desired or 0):
        return Method.EVICT, reason
    return Method.ROLL_OUT, "its roll-out creates each new pod before it deletes an old one"


def _reason_to_evict(owner: Owner, pods: Sequence[Pod], backing: Backing, options: RefreshOptions) -> str:
    """Why the pods of a Deployment are evicted; empty where it is rolled out."""
    roll_out, wanted = owner.roll_out, owner.desired or 0
    if roll_out is None or roll_out.kind != "RollingUpdate":
        return "its roll-out would stop all pods first"
    missing = unavailable(roll_out, wanted)
    reasons = (
        ("as configured", covers(options.evict, owner.reference)),
        ("its roll-outs are paused", roll_out.paused),
        (
            f"its roll-out would make {missing} of {wanted} pods unavailable without asking a budget",
            missing > 0,
        ),
        ("its pods use a port of their node", any(pod.host_ports for pod in pods)),
        ("its volume is for one node at a time", any(_uses_volume_of_one_node(pod, backing) for pod in pods)),
    )
    return next((reason for reason, holds in reasons if holds), "")


def _uses_volume_of_one_node(pod: Pod, backing: Backing) -> bool:
    return any(volume is None or not volume.shared for volume in backing.volumes_of(pod))
