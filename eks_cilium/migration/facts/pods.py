"""Pods and PodDisruptionBudgets: their objects reduced to what a plan has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.node_affinity import REQUIRED
from eks_cilium.cluster.objects import Object, Terms, condition, controller, moment, node_terms
from eks_cilium.cluster.selectors import Requirement, selector
from eks_cilium.migration.facts.model import Budget, Pod

if TYPE_CHECKING:
    from collections.abc import Mapping

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
LEAVE_ALONE = {
    "karpenter.sh/do-not-disrupt": "true",
    "karpenter.sh/do-not-evict": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
"""Annotations that ask autoscalers not to disrupt a pod, with the value that asks it."""
_CORDON_TAINT = "node.kubernetes.io/unschedulable"


def pod(obj: Object) -> Pod | None:
    """A pod that is bound to a node; None for one that is not scheduled yet."""
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
    if not spec.get("nodeName"):
        return None
    annotations = metadata.get("annotations") or {}
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=spec["nodeName"],
        labels=metadata.get("labels") or {},
        owner=controller(obj),
        phase=status.get("phase", "Pending"),
        ready=condition(obj, "Ready").get("status") == "True",
        deleted=moment(metadata.get("deletionTimestamp")),
        grace_seconds=spec.get("terminationGracePeriodSeconds", 30),
        mirror=MIRROR_ANNOTATION in annotations,
        local_volumes=tuple(
            volume["name"] for volume in spec.get("volumes") or () if volume.get("emptyDir") is not None
        ),
        claims=_claims(metadata["name"], spec),
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations={key: value for key, value in annotations.items() if LEAVE_ALONE.get(key) == value},
        host_network=bool(spec.get("hostNetwork")),
        host_ports=any(
            port.get("hostPort")
            for container in spec.get("containers") or ()
            for port in container.get("ports") or ()
        ),
        node_requirements=_placement(spec),
        tolerates_cordon=any(map(_tolerates_cordon, spec.get("tolerations") or ())),
        seconds_to_ready=_seconds_to_ready(obj),
    )


def budget(obj: Object) -> Budget:
    """A PodDisruptionBudget, with the status its controller wrote last."""
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
    verdict = condition(obj, "DisruptionAllowed")
    failed = verdict.get("status") == "False" and verdict.get("reason") == "SyncFailed"
    return Budget(
        namespace=metadata["namespace"],
        name=metadata["name"],
        selector=selector(spec.get("selector")),
        min_available=spec.get("minAvailable"),
        max_unavailable=spec.get("maxUnavailable"),
        unhealthy_policy=spec.get("unhealthyPodEvictionPolicy") or "IfHealthyBudget",
        generation=metadata.get("generation", 1),
        observed_generation=status.get("observedGeneration", 0),
        expected_pods=status.get("expectedPods", 0),
        current_healthy=status.get("currentHealthy", 0),
        desired_healthy=status.get("desiredHealthy", 0),
        disruptions_allowed=status.get("disruptionsAllowed", 0),
        sync_failure=verdict.get("message", "") if failed else "",
    )


def _claims(pod_name: str, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the pod's claims; Kubernetes calls the claim of an ephemeral volume POD-VOLUME."""
    names = []
    for volume in spec.get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            names.append(claim["claimName"])
        elif volume.get("ephemeral"):
            names.append(f"{pod_name}-{volume['name']}")
    return tuple(names)


def _placement(spec: Mapping[str, Any]) -> Terms:
    """Node selector and required node affinity combined: all requirements of at least one term must hold."""
    from_selector = tuple(
        Requirement(key, "In", (value,)) for key, value in (spec.get("nodeSelector") or {}).items()
    )
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity")) or {}
    terms = node_terms(affinity.get(REQUIRED))
    if terms:
        return tuple((*from_selector, *term) for term in terms)
    return (from_selector,) if from_selector else ()


def _tolerates_cordon(toleration: Mapping[str, Any]) -> bool:
    key, effect = toleration.get("key", ""), toleration.get("effect", "")
    return key in ("", _CORDON_TAINT) and effect in ("", "NoSchedule")


def _seconds_to_ready(obj: Object) -> float | None:
    ready = condition(obj, "Ready")
    created = moment(obj["metadata"].get("creationTimestamp"))
    since = moment(ready.get("lastTransitionTime"))
    if ready.get("status") != "True" or created is None or since is None:
        return None
    return max((since - created).total_seconds(), 0.0)
