"""What all EKS types share: waiting for a status, waiting for an update, and tags by ARN."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.providers.aws.cloud import Cloud
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation, wait_until

IN_MOTION = frozenset({"CREATING", "UPDATING", "PENDING", "DELETING"})

Described = Callable[[], Mapping[str, Any] | None]


def status(described: Mapping[str, Any] | None) -> str:
    """EKS's status word; what is not there is gone."""
    return "gone" if described is None else str(described["status"])


def wait_ready(
    operation: Operation, what: str, describe: Described, limit: float, fine: Sequence[str] = ("ACTIVE",)
) -> list[str]:
    """Wait until it rests; the reasons when it does not rest well."""
    seen = wait_until(
        operation,
        lambda: (describe(),),
        lambda one: status(one[0]) not in IN_MOTION,
        lambda one: f"{what} is {status(one[0])}",
        limit=limit,
    )
    if seen is None:
        return [f"{what} is not ready after {operation.timeout or limit:.0f}s"]
    return [] if status(seen[0]) in fine else [f"{what} is {status(seen[0])}", *health_issues(seen[0])]


def health_issues(described: Mapping[str, Any] | None) -> list[str]:
    """Why EKS holds something for unwell, each with the resources it names."""
    issues = ((described or {}).get("health") or {}).get("issues", [])
    return [
        f"{one.get('code')}: {one.get('message')} {' '.join(one.get('resourceIds', []))}".strip()
        for one in issues
    ]


def wait_gone(operation: Operation, what: str, describe: Described, limit: float) -> None:
    """Wait until EKS knows it no more."""
    gone = wait_until(
        operation,
        lambda: (describe(),),
        lambda one: one[0] is None or status(one[0]) == "DELETE_FAILED",
        lambda one: f"{what} is {status(one[0])}",
        limit=limit,
    )
    if gone is None:
        raise RefusedError(f"{what} is still there after {operation.timeout or limit:.0f}s")
    if gone[0] is not None:
        raise RefusedError("; ".join([f"{what} could not be deleted", *health_issues(gone[0])]))


def wait_update(
    cloud: Cloud, operation: Operation, cluster: str, update: Mapping[str, Any], limit: float, **which: str
) -> None:
    """Wait until an update that EKS works on is through; `which` names a node group or add-on."""

    def look() -> Mapping[str, Any]:
        answer = cloud.eks.describe_update(name=cluster, updateId=update["id"], **which)
        described: Mapping[str, Any] = answer["update"]
        return described

    seen = wait_until(
        operation,
        look,
        lambda one: one["status"] != "InProgress",
        lambda one: f"update {one.get('type', '')} is {one['status']}",
        limit=limit,
    )
    if seen is None:
        raise RefusedError(f"the update is still in progress after {operation.timeout or limit:.0f}s")
    if seen["status"] != "Successful":
        errors = "; ".join(f"{e.get('errorCode')}: {e.get('errorMessage')}" for e in seen.get("errors", []))
        raise RefusedError(f"the update is {seen['status']}: {errors}")
