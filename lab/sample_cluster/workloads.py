"""The workloads of a sample cluster: the manifests beside this module, applied with kubectl."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lab.sample_cluster.clients import CommandFailedError, Kubectl

_MANIFESTS = Path(__file__).parent / "manifests"
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")
_TIMEOUT = 300.0


def apply(
    kubectl: Kubectl,
    names: tuple[str, ...],
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Apply the manifests `names` and wait until every workload in the cluster is rolled out.

    Raises:
        CommandFailedError: kubectl failed, or workloads are not rolled out after five minutes.
    """
    kubectl.apply((_MANIFESTS / f"{name}.yaml").read_text() for name in names)
    deadline = clock() + _TIMEOUT
    # All kinds in one call of kubectl, since each call begins with a token of EKS.
    while missing := [_name(item) for item in kubectl.items(*_KINDS) if not is_rolled_out(item)]:
        if clock() > deadline:
            message = f"after {_TIMEOUT:.0f} s these workloads are not rolled out: {', '.join(missing)}"
            raise CommandFailedError(message)
        sleep(1)


def is_rolled_out(workload: dict[str, Any]) -> bool:
    """Return whether all pods of a workload are of its present template and ready."""
    spec, status = workload["spec"], workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"]["generation"]:
        return False
    wanted = status.get("desiredNumberScheduled", spec.get("replicas", 0))
    return all(status.get(name, 0) == wanted for name in _counts(workload["kind"]))


def _counts(kind: str) -> Iterator[str]:
    """The fields of the status that say how many pods there are, new ones and ready ones."""
    if kind == "DaemonSet":
        yield from ("updatedNumberScheduled", "numberAvailable")
    else:
        yield from ("replicas", "updatedReplicas", "availableReplicas")


def _name(workload: dict[str, Any]) -> str:
    metadata = workload["metadata"]
    return f"{workload['kind']} {metadata['namespace']}/{metadata['name']}"
