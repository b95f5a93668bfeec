"""Pods and PodDisruptionBudgets: their objects reduced to what a plan has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.node_affinity import REQUIRED
from eks_cilium.cluster.objects import Object, Terms, condition, controller, moment, node_terms
from eks_cilium.cluster.selectors import Requirement, selector
from eks_cilium.migration.facts import nodes
from eks_cilium.migration.facts.model import Apart, Budget, Pod
from eks_cilium.migration.facts.volumes import local_data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIRROR_ANNOTATION = "kubernetes.io/config.mirror"
DO_NOT_DISRUPT, DO_NOT_EVICT = "karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict"
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
SAFE_VOLUMES = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
LIKE_DAEMON_SET = "cluster-autoscaler.kubernetes.io/daemonset-pod"
PREFER_NO_EVICTION = "descheduler.alpha.kubernetes.io/prefer-no-eviction"
_KEPT = frozenset(
    {DO_NOT_DISRUPT, DO_NOT_EVICT, SAFE_TO_EVICT, SAFE_VOLUMES, LIKE_DAEMON_SET, PREFER_NO_EVICTION}
)
"""Annotations that say whether autoscalers and similar tools may disrupt a pod."""
OF_A_TEMPLATE = "pod-template-hash"
"""The label that differs between the ReplicaSets of a Deployment; `matchLabelKeys` puts it into selectors."""
_CORDON_TAINT = "node.kubernetes.io/unschedulable"


def pod(obj: Object) -> Pod | None:
    """A pod that is bound to a node; None for one that is not scheduled yet."""
    metadata, spec, status = obj["metadata"], obj["spec"], obj.get("status", {})
    if not spec.get("nodeName"):
        return None
    annotations = metadata.get("annotations") or {}
    tolerations = spec.get("tolerations") or ()
    labels = metadata.get("labels") or {}
    readiness = condition(obj, "Ready")
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=spec["nodeName"],
        labels=labels,
        owner=controller(obj),
        phase=status.get("phase", "Pending"),
        ready=readiness.get("status") == "True",
        deleted=moment(metadata.get("deletionTimestamp")),
        grace_seconds=spec.get("terminationGracePeriodSeconds", 30),
        mirror=MIRROR_ANNOTATION in annotations,
        local_volumes=local_data.empty_dirs(spec),
        host_paths=local_data.host_paths(spec),
        claims=_claims(metadata["name"], spec),
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations={key: value for key, value in annotations.items() if key in _KEPT},
        to_completion=spec.get("restartPolicy", "Always") != "Always",
        started=moment(status.get("startTime")),
        host_network=bool(spec.get("hostNetwork")),
        host_ports=_has_host_ports(spec.get("containers") or ()) or _has_host_ports(_sidecars(spec)),
        node_requirements=_placement(spec),
        tolerates_cordon=any(map(_tolerates_cordon, tolerations)),
        tolerates_all=any(map(_tolerates_all, tolerations)),
        apart=_apart(spec, metadata["namespace"], labels),
        extended=_extended(spec),
        seconds_to_ready=_seconds_to_ready(metadata, readiness),
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
        operator=_operator(metadata.get("ownerReferences") or ()),
    )


def _operator(owners: Sequence[Object]) -> str:
    """The first owner of a custom kind. Groups of Kubernetes itself have no dot, or end in .k8s.io."""
    for owner in owners:
        group, _, _ = owner.get("apiVersion", "").rpartition("/")
        if "." in group and not group.endswith(".k8s.io"):
            return f"{owner['kind']} {owner['name']} of {group}"
    return ""


def _sidecars(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Init containers that go on beside the others (`restartPolicy: Always`)."""
    return [each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"]


def _has_host_ports(containers: Sequence[Mapping[str, Any]]) -> bool:
    return any(port.get("hostPort") for container in containers for port in container.get("ports") or ())


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


def _tolerates_all(toleration: Mapping[str, Any]) -> bool:
    return not toleration.get("key") and not toleration.get("effect")


def _apart(spec: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> tuple[Apart, ...]:
    """The terms of its required anti-affinity that select pods like itself."""
    affinity = ((spec.get("affinity") or {}).get("podAntiAffinity")) or {}
    found = []
    for term in affinity.get(REQUIRED) or ():
        chosen = selector(term.get("labelSelector"))
        in_own = namespace in (term.get("namespaces") or (namespace,)) or "namespaceSelector" in term
        if chosen is None or not in_own or not chosen.matches(labels):
            continue
        # Only pods of the same template keep apart, so a new one may be beside an old one.
        if not any(need.key == OF_A_TEMPLATE for need in chosen.requirements):
            found.append(Apart(term["topologyKey"], chosen))
    return tuple(found)


def _extended(spec: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Extended resources of all containers. Their limits, which have to be set, equal their requests."""
    total: dict[str, int] = {}
    for container in spec.get("containers") or ():
        if resources := container.get("resources"):
            amounts = {**(resources.get("requests") or {}), **(resources.get("limits") or {})}
            for name, amount in nodes.extended(amounts).items():
                total[name] = total.get(name, 0) + amount
    return tuple(sorted(total.items()))


def _seconds_to_ready(metadata: Mapping[str, Any], ready: Mapping[str, Any]) -> float | None:
    created = moment(metadata.get("creationTimestamp"))
    since = moment(ready.get("lastTransitionTime"))
    if ready.get("status") != "True" or created is None or since is None:
        return None
    return max((since - created).total_seconds(), 0.0)
