"""The eviction subresource of a pod: what is sent, and what the API server's answers mean.

An eviction is not like other requests: 429 is a PodDisruptionBudget saying *not now*, 500 is two budgets on
one pod, 409 is another pod of the same name. Nothing is tried again here; `migration.eviction.drain` decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

NO_ANSWER = 0
"""Status of a request whose connection was lost: nobody knows whether it was carried out."""

_LONGEST_QUOTE = 400


@dataclass(frozen=True, slots=True)
class EvictionAnswer:
    """What came back."""

    status: int
    message: str = ""
    causes: tuple[tuple[str, str], ...] = ()
    """Reason and message of each cause the server gives."""
    retry_after: float | None = None

    def cause(self, reason: str) -> str | None:
        """The message of the cause with a reason; None when the server does not give that one."""
        return next((message for found, message in self.causes if found == reason), None)


def eviction(namespace: str, name: str, uid: str) -> dict[str, Any]:
    """The body of an eviction, which holds for one pod and not for its successor of the same name."""
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": namespace, "name": name},
        "deleteOptions": {"preconditions": {"uid": uid}},
    }


def understood(response: httpx.Response) -> EvictionAnswer:
    """A response as an answer; one that is no Status of the API server is quoted as it is."""
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
