"""When an object counts as ready, by its status.

Pure functions of the object (and of the endpoints of a Service). Each says whether it is ready, its progress
in words, and whether waiting is in vain. Kinds that are not listed are ready as soon as they exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far an object is from ready. With a failure it will not become ready by waiting."""

    ready: bool
    text: str
    failure: str = ""


def progress_of(live: Manifest, endpoints: Callable[[], int], binds_late: Callable[[], bool]) -> Progress:
    """How far a live object is from ready.

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
            return Progress(ready=True, text="exists")


def _spec(live: Manifest) -> Manifest:
    return live.get("spec") or {}


def _status(live: Manifest) -> Manifest:
    return live.get("status") or {}


def _condition(live: Manifest, kind: str) -> Manifest:
    """The condition of a type; empty when there is none."""
    found: list[Manifest] = [item for item in _status(live).get("conditions") or [] if item["type"] == kind]
    return found[0] if found else {}


def _is_true(live: Manifest, kind: str) -> bool:
    return _condition(live, kind).get("status") == "True"


def _observed(live: Manifest) -> bool:
    """Whether the controller has seen the latest specification."""
    return bool(_status(live).get("observedGeneration", 0) >= live["metadata"].get("generation", 1))


def _rollout(live: Manifest, wanted: int, ready: int, updated: int, what: str) -> Progress:
    done = _observed(live) and ready >= wanted and updated >= wanted
    return Progress(done, f"{ready} of {wanted} {what} ready, {updated} up to date")


def _deployment(live: Manifest) -> Progress:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    progress = _rollout(live, wanted, available, updated, "replicas")
    progressing = _condition(live, "Progressing")
    if _observed(live) and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Progress(
            ready=False, text=progress.text, failure=progressing.get("message", "deadline exceeded")
        )
    return Progress(progress.ready and status.get("replicas", 0) == updated, progress.text)


def _stateful_set(live: Manifest) -> Progress:
    status, wanted = _status(live), _spec(live).get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    if status.get("currentRevision") == status.get("updateRevision"):
        updated = max(updated, status.get("currentReplicas", 0))
    return _rollout(live, wanted, status.get("readyReplicas", 0), updated, "replicas")


def _daemon_set(live: Manifest) -> Progress:
    status = _status(live)
    ready = min(status.get("numberReady", 0), status.get("numberAvailable", 0))
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    return _rollout(live, wanted, ready, updated, "nodes")


def _job(live: Manifest) -> Progress:
    status = _status(live)
    text = f"{status.get('succeeded', 0)} of {_spec(live).get('completions', 1)} completions"
    if _is_true(live, "Failed"):
        return Progress(
            ready=False, text=text, failure=_condition(live, "Failed").get("message", "the job failed")
        )
    return Progress(_is_true(live, "Complete"), text)


def _service(live: Manifest, endpoints: Callable[[], int]) -> Progress:
    spec = _spec(live)
    if spec.get("type") == "LoadBalancer" and not (_status(live).get("loadBalancer") or {}).get("ingress"):
        return Progress(ready=False, text="waiting for the load balancer's address")
    needs_pods = (
        spec.get("selector") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName"
    )
    if needs_pods and endpoints() == 0:
        return Progress(ready=False, text="waiting for a ready pod behind the service")
    return Progress(ready=True, text="serving")


def _claim(live: Manifest, binds_late: Callable[[], bool]) -> Progress:
    phase = _status(live).get("phase", "Pending")
    return Progress(phase == "Bound" or (phase == "Pending" and binds_late()), f"claim is {phase}")


def _pod(live: Manifest) -> Progress:
    phase = _status(live).get("phase", "Pending")
    if phase == "Failed":
        return Progress(
            ready=False, text="pod failed", failure=_status(live).get("message", "the pod failed")
        )
    return Progress(phase == "Succeeded" or _is_true(live, "Ready"), f"pod is {phase}")


def _namespace(live: Manifest) -> Progress:
    phase = _status(live).get("phase", "Active")
    return Progress(phase == "Active", f"namespace is {phase}")


def _definition(live: Manifest) -> Progress:
    refused = _condition(live, "NamesAccepted")
    if refused.get("status") == "False" and refused.get("reason") != "NotAccepted":
        return Progress(ready=False, text="names refused", failure=refused.get("message", "names refused"))
    return Progress(_is_true(live, "Established"), "waiting for the API server to serve the kind")


_BY_STATUS: dict[tuple[str, str], Callable[[Manifest], Progress]] = {
    ("v1", "Namespace"): _namespace,
    ("v1", "Pod"): _pod,
    ("apps/v1", "DaemonSet"): _daemon_set,
    ("apps/v1", "Deployment"): _deployment,
    ("apps/v1", "StatefulSet"): _stateful_set,
    ("batch/v1", "Job"): _job,
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): _definition,
}
