"""The eviction subresource of a pod: the request, and the API server's answer.

The statuses have a meaning of their own here: 429 says that a PodDisruptionBudget does not allow it now, 500
that two budgets select the pod, 409 that another pod has the name. So nothing is retried here.
Source: kubernetes.io/docs/concepts/scheduling-eviction/api-eviction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

NO_ANSWER = 0
"""Status of a request without an answer: the API server may have carried it out or not."""

_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class EvictionAnswer:
    """The API server's answer to an eviction."""

    status: int
    """HTTP status, or NO_ANSWER."""
    message: str = ""
    """The server's words, at most 400 characters."""
    causes: tuple[tuple[str, str], ...] = ()
    """Reason and message of each cause, as in `DisruptionBudget`."""
    retry_after: float | None = None
    """Seconds after which the server advises to ask again."""

    def cause(self, reason: str) -> str | None:
        """The message of the cause with this reason; None when the answer has no such cause."""
        return next((message for found, message in self.causes if found == reason), None)


def eviction(namespace: str, name: str, uid: str) -> dict[str, Any]:
    """The body of the request. By its UID it is for this pod, not for a later one of the same name."""
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": namespace, "name": name},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }


def understood(response: httpx.Response) -> EvictionAnswer:
    """The answer in a response; a body that is no Status of Kubernetes becomes the message as it is."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return EvictionAnswer(response.status_code, response.text[:_LONGEST_QUOTE])
    details = body.get("details") or {}
    return EvictionAnswer(
        status=response.status_code,
        message=str(body.get("message", ""))[:_LONGEST_QUOTE],
        causes=tuple(
            (str(cause.get("reason", "")), str(cause.get("message", "")))
            for cause in details.get("causes") or ()
        ),
        retry_after=details.get("retryAfterSeconds"),
    )
