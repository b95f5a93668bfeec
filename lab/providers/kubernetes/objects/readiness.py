"""When an object counts as made: what its status has to say first.

Pure functions of the object (and, for a Service, its endpoints): each answers whether it is ready, how to say
where it stands, and whether it can still become ready. Kinds without an entry are ready once they exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """How far an object is; a failure never turns into readiness by waiting."""

    ready: bool
    text: str
    failure: str = ""


def standing_of(live: Manifest, endpoints: Callable[[], int], binds_late: Callable[[], bool]) -> Standing:
    """How far a live object is.

    `endpoints` counts the ready addresses of a Service; `binds_late` says whether a claim's storage class
    waits for the first pod. Both are only asked when they matter.
    """
    match str(live.get("apiVersion")), str(live.get("kind")):
        case "v1", "Service":
            return _service(live, endpoints)
        case "v1", "PersistentVolumeClaim":
            return _claim(live, binds_late)
        case key if key in _BY_STATUS:
            return _BY_STATUS[key](live)
        case _:
            return Standing(ready=True, text="exists")


def _spec(live: Manifest) -> Manifest:
    return live.get("spec") or {}


def _status(live: Manifest) -> Manifest:
    return live.get("status") or {}


def _condition(live: Manifest, kind: str) -> Manifest:
    """A condition by type, empty when it is not there."""
    found: list[Manifest] = [item for item in _status(live).get("conditions") or [] if item["type"] == kind]
    return found[0] if found else {}


def _is_true(live: Manifest, kind: str) -> bool:
    return _condition(live, kind).get("status") == "True"


def _observed(live: Manifest) -> bool:
    """Whether the controller has seen the latest specification."""
    return bool(_status(live).get("observedGeneration", 0) >= live["metadata"].get("generation", 1))


def _rollout(live: Manifest, wanted: int, ready: int, updated: int, what: str) -> Standing:
    done = _observed(live) and ready >= wanted and updated >= wanted
    return Standing(done, f"{ready} of {wanted} {what} ready, {updated} up to date")


def _deployment(live: Manifest) -> Standing:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    standing = _rollout(live, wanted, available, updated, "replicas")
    progressing = _condition(live, "Progressing")
    if _observed(live) and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Standing(
            ready=False, text=standing.text, failure=progressing.get("message", "deadline exceeded")
        )
    return Standing(standing.ready and status.get("replicas", 0) == updated, standing.text)


def _stateful_set(live: Manifest) -> Standing:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    if status.get("currentRevision") == status.get("updateRevision"):
        updated = max(updated, status.get("currentReplicas", 0))
    return _rollout(live, wanted, status.get("readyReplicas", 0), updated, "replicas")


def _daemon_set(live: Manifest) -> Standing:
    status = _status(live)
    ready = min(status.get("numberReady", 0), status.get("numberAvailable", 0))
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    return _rollout(live, wanted, ready, updated, "nodes")


def _job(live: Manifest) -> Standing:
    status = _status(live)
    text = f"{status.get('succeeded', 0)} of {_spec(live).get('completions', 1)} completions"
    if _is_true(live, "Failed"):
        return Standing(
            ready=False, text=text, failure=_condition(live, "Failed").get("message", "the job failed")
        )
    return Standing(_is_true(live, "Complete"), text)


def _service(live: Manifest, endpoints: Callable[[], int]) -> Standing:
    spec = _spec(live)
    if spec.get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return Standing(ready=False, text="waiting for the load balancer's address")
    needs_pods = (
        spec.get("selector") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"
    )
    if needs_pods and endpoints() == 0:
        return Standing(ready=False, text="waiting for a ready pod behind the service")
    return Standing(ready=True, text="serving")


def _claim(live: Manifest, binds_late: Callable[[], bool]) -> Standing:
    phase = _status(live).get("phase", "Pending")
    return Standing(phase == "Bound" or (phase == "Pending" and binds_late()), f"claim is {phase}")


def _pod(live: Manifest) -> Standing:
    phase = _status(live).get("phase", "Pending")
    if phase == "Failed":
        return Standing(
            ready=False, text="pod failed", failure=_status(live).get("message", "the pod failed")
        )
    return Standing(phase == "Succeeded" or _is_true(live, "Ready"), f"pod is {phase}")


def _namespace(live: Manifest) -> Standing:
    phase = _status(live).get("phase", "Active")
    return Standing(phase == "Active", f"namespace is {phase}")


def _definition(live: Manifest) -> Standing:
    refused = _condition(live, "NamesAccepted")
    if refused.get("status") == "False" and refused.get("reason") != "NotAccepted":
        return Standing(ready=False, text="names refused", failure=refused.get("message", "names refused"))
    return Standing(_is_true(live, "Established"), "waiting for the API server to serve the kind")


_BY_STATUS: dict[tuple[str, str], Callable[[Manifest], Standing]] = {
    ("v1", "Namespace"): _namespace,
    ("v1", "Pod"): _pod,
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("batch/v1", "Job"): _job,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _definition,
}
