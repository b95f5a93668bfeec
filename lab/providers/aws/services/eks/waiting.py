"""Waiting for EKS: until a resource is active or deleted, or an update is complete."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until

IN_MOTION = frozenset({"CREATING", "UPDATING", "PENDING", "DELETING"})

Described = Callable[[], Mapping[str, Any] | None]


def status(described: Mapping[str, Any] | None) -> str:
    return "deleted" if described is None else str(described["status"])


def wait_ready(
    operation: Operation, what: str, describe: Described, limit: float, fine: Sequence[str] = ("ACTIVE",)
) -> list[str]:
    """Wait while the resource changes; return the reasons if it does not become active."""
    seen = wait_until(
        operation,
        lambda: (describe(),),
        lambda reading: status(reading[0]) not in IN_MOTION,
        lambda reading: f"{what} is {status(reading[0])}",
        limit=limit,
    )
    if seen is None:
        return [f"{what} is not ready after {operation.timeout or limit:.0f}s"]
    return [] if status(seen[0]) in fine else [f"{what} is {status(seen[0])}", *health_issues(seen[0])]


def health_issues(described: Mapping[str, Any] | None) -> list[str]:
    issues = ((described or {}).get("health") or {}).get("issues", [])
    return [
        f"{issue.get('code')}: {issue.get('message')} {' '.join(issue.get('resourceIds', []))}".strip()
        for issue in issues
    ]


def wait_deleted(operation: Operation, what: str, describe: Described, limit: float) -> None:
    last = wait_until(
        operation,
        lambda: (describe(),),
        lambda reading: reading[0] is None or status(reading[0]) == "DELETE_FAILED",
        lambda reading: f"{what} is {status(reading[0])}",
        limit=limit,
    )
    if last is None:
        raise RefusedError(f"{what} still exists after {operation.timeout or limit:.0f}s")
    if last[0] is not None:
        raise RefusedError("; ".join([f"{what} could not be deleted", *health_issues(last[0])]))


def wait_update(
    cloud: Cloud, operation: Operation, cluster: str, update: Mapping[str, Any], limit: float, **which: str
) -> None:
    """Wait for an update; `which` names the node group or add-on that it concerns."""

    def describe() -> Mapping[str, Any]:
        answer = cloud.eks.describe_update(name=cluster, updateId=update["id"], **which)
        described: Mapping[str, Any] = answer["update"]
        return described

    seen = wait_until(
        operation,
        describe,
        lambda described: described["status"] != "InProgress",
        lambda described: f"update {described.get('type', '')} is {described['status']}",
        limit=limit,
    )
    if seen is None:
        raise RefusedError(f"the update is still in progress after {operation.timeout or limit:.0f}s")
    if seen["status"] != "Successful":
        errors = "; ".join(f"{e.get('errorCode')}: {e.get('errorMessage')}" for e in seen.get("errors", []))
        raise RefusedError(f"the update is {seen['status']}: {errors}")
