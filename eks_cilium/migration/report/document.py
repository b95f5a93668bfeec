"""A plan as a JSON document, for other programs: keys may be added, but are never renamed or removed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.report.wording import bundles

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.plan.model import (
        Blocker,
        BudgetUse,
        GroupPlan,
        NodePlan,
        Plan,
        PlanWarning,
        PodPlan,
        Share,
    )

SCHEMA = "eks-cilium/plan/v1"
Document = dict[str, Any]


def document(plan: Plan, *, pods: bool = True) -> Document:
    """The whole plan. Without `pods` the document has the pods of a node by workload only."""
    verdicts = Counter(pod.verdict for node in plan.nodes for pod in node.pods)
    return {
        "schema": SCHEMA,
        "cluster": plan.cluster,
        "target": str(plan.target),
        "capacity": str(plan.capacity),
        "surge": plan.surge,
        "parallel": plan.parallel,
        "clean": plan.clean,
        "estimatedSeconds": round(plan.seconds),
        "boundBy": [_share(share) for share in plan.shares],
        "podsByVerdict": {
            str(verdict): verdicts[verdict] for verdict in Verdict if verdict is not Verdict.ROLL
        },
        "blockers": [_blocker(blocker) for blocker in plan.blockers],
        "warnings": [_warning(warning) for warning in plan.warnings],
        "groups": [_group(group) for group in plan.groups],
        "nodes": [_node(node, pods=pods) for node in plan.nodes],
        "leaving": [node.name for node in plan.leaving],
        "leftAlone": [node.name for node in plan.left_alone],
        "impossible": [node.name for node in plan.impossible],
        "leftOut": [node.node for node in plan.left_out],
    }


def _reference(obj: Reference | None) -> Document | None:
    if obj is None:
        return None
    group = {"group": obj.group} if obj.group else {}
    return {"kind": obj.kind, **group, "namespace": obj.namespace, "name": obj.name}


def _share(share: Share) -> Document:
    return {
        "bound": str(share.bound),
        "object": _reference(share.object),
        "seconds": round(share.seconds),
        "nodes": share.nodes,
    }


def _blocker(blocker: Blocker) -> Document:
    return {
        "code": str(blocker.code),
        "object": _reference(blocker.object),
        "problem": blocker.problem,
        "allowed": blocker.allowed,
        "fix": blocker.fix,
        "setting": blocker.setting,
        "link": blocker.link,
        "nodes": list(blocker.nodes),
        "pods": [_reference(pod) for pod in blocker.pods],
    }


def _warning(warning: PlanWarning) -> Document:
    return {
        "code": str(warning.code),
        "object": _reference(warning.object),
        "text": warning.text,
        "nodes": list(warning.nodes),
    }


def _group(group: GroupPlan) -> Document:
    return {
        "name": group.name,
        "nodeGroup": group.node_group,
        "outgoing": group.outgoing,
        "minimum": group.minimum,
        "maximum": group.maximum,
        "desired": group.desired,
        "peak": group.peak,
        "lowest": group.lowest,
        "atEnd": group.at_end,
    }


def _node(node: NodePlan, *, pods: bool) -> Document:
    seconds = node.seconds
    document: Document = {
        "position": node.position,
        "name": node.node,
        "uid": node.uid,
        "instance": node.instance,
        "group": node.group,
        "zone": node.zone,
        "inProgress": node.in_progress,
        "decrement": node.decrement,
        "replacementZones": list(node.replacement_zones),
        "seconds": {
            "capacity": round(seconds.capacity),
            "drain": round(seconds.drain),
            "release": round(seconds.release),
            "gone": round(seconds.gone),
            "settle": round(seconds.settle),
            "total": round(seconds.total),
            "inWork": round(seconds.in_work),
        },
        "endsAfterSeconds": round(node.ends),
        "volumes": list(node.volumes),
        "budgets": [_use(use) for use in node.budgets],
        "workloads": [
            {
                "workload": _reference(bundle.workload),
                "verdict": str(bundle.verdict),
                "budget": _reference(bundle.budget),
                "pods": bundle.pods,
                "waits": bundle.waits,
                "reason": bundle.reason,
            }
            for bundle in bundles(node)
        ],
    }
    return {**document, "pods": [_pod(pod) for pod in node.pods]} if pods else document


def _use(use: BudgetUse) -> Document:
    return {
        "budget": _reference(use.budget),
        "pods": use.pods,
        "allowed": use.allowed,
        "waits": use.waits,
    }


def _pod(pod: PodPlan) -> Document:
    return {
        "namespace": pod.pod.namespace,
        "name": pod.pod.name,
        "uid": pod.uid,
        "verdict": str(pod.verdict),
        "reason": pod.reason,
        "workload": _reference(pod.workload),
        "budget": _reference(pod.budget),
        "allowedBefore": pod.allowed_before,
        "waits": pod.waits,
    }
