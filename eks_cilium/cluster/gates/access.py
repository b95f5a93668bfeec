"""Waits until a cluster knows the identity that runs this program, and lets it install Cilium.

EKS says of access entries that they "are eventually consistent, and may take several seconds to be effective
after the initial API call returns successfully" (docs.aws.amazon.com/eks/latest/userguide/
creating-access-entries.html). Until then its API servers answer 401 without the entry, and 403 without its
policy. `eks_cilium.dynamic.access_gate` calls it after the entries were made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from eks_cilium.errors import RefusedError
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.runtime.waiting import Polls
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

POLL_SECONDS = 2.0
QUORUM_OF_READINGS = 3
"""Good answers in a row, each over a connection of its own: at least two API servers are behind the endpoint
of a cluster (docs.aws.amazon.com/eks/latest/userguide/eks-architecture.html), and learn of it by themselves.
"""

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
# What Helm asks for first, and what only an administrator may create. Every authenticated user may ask
# (ClusterRole system:basic-user).
_RIGHTS: tuple[Mapping[str, str], ...] = (
    {"verb": "list", "resource": "secrets", "namespace": "kube-system"},
    {"verb": "create", "resource": "clusterroles", "group": "rbac.authorization.k8s.io"},
)
_UNAUTHORIZED = 401


class AskingApi(Protocol):
    """What the wait needs of the Kubernetes API."""

    def create(self, path: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create an object; RefusedError where the server rejects it."""
        ...


def wait_for_access(
    connect: Callable[[], AbstractContextManager[AskingApi]],
    *,
    seconds: float,
    report: Callable[[str], None],
    time: Time | None = None,
) -> None:
    """Wait until the cluster lets this identity install Cilium. Raises TimedOutError after so many `seconds`.

    `connect` opens a new connection to the API server. A refusal other than 401 is raised as it is.
    """
    good, missing, last_line = 0, "", ""
    polls = Polls(time or Time(), seconds=seconds, every=POLL_SECONDS)
    for _ in polls:
        with polls.asking(), connect() as api:
            missing = _missing(api)
        missing = polls.unanswered or missing
        good = 0 if missing else good + 1
        if good >= QUORUM_OF_READINGS:
            return
        line = missing or "the access entry works, asking once more"
        if line != last_line:
            report(line)
            last_line = line
    raise TimedOutError(
        "the access entry of the identity that runs this program to become effective",
        seconds,
        missing or "the last answers differed from each other",
        "See which entries and policies the cluster has: aws eks list-access-entries, and aws eks "
        "list-associated-access-policies. An entry of a role that was deleted and made anew does not work: "
        "delete the entry. Then run `pulumi up` again; it continues from here.",
        topic=Topic.ACCESS_ENTRY,
    )


def _missing(api: AskingApi) -> str:
    """What the cluster does not do yet for this identity; empty where it does all."""
    for right in _RIGHTS:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": dict(right)},
        }
        try:
            status = api.create(_REVIEWS, review).get("status") or {}
        except RefusedError as error:
            if error.status != _UNAUTHORIZED:
                raise
            return "the API server does not know this identity yet (HTTP 401): no access entry of it works"
        if not status.get("allowed"):
            return (
                f"the API server knows this identity, and does not let it {right['verb']} "
                f"{right['resource']} yet: the policy of its access entry does not work"
            )
    return ""
