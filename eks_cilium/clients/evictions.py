"""The eviction subresource of a pod: the request, and the API server's answer.

The statuses have a meaning of their own here: 429 says that a PodDisruptionBudget does not allow it now, 500
that two budgets select the pod, 409 that another pod has the name. So nothing is retried here.
Source: kubernetes.io/docs/concepts/scheduling-eviction/api-eviction.

Almost every refusal may pass: a budget opens, a webhook changes its mind or comes back, an admission plugin
gets ready. Only a right that is missing and a request that is malformed stay refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

NO_ANSWER = 0
"""Status of a request without an answer: the API server may have carried it out or not."""

_LONGEST_QUOTE = 400

_RIGHT_MISSING = re.compile(r'User ".*" cannot \w+ resource "')
"""What the authorizer says, before any webhook is asked.

Source: `forbiddenMessage` in apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
"""
_WEBHOOK = "admission webhook"
"""A webhook may quote the same words, but only after these and its name, with any status, 403 by default.

Source: `ToStatusErr` in apiserver/pkg/admission/plugin/webhook/errors/statuserror.go.
"""
_ADMISSION = re.compile(rf"{_WEBHOOK}|ValidatingAdmissionPolicy| is forbidden: ")
"""Words of a webhook, a policy or an admission plugin, which a malformed request does not get as far as."""
_MALFORMED = frozenset({400, 405, 406, 413, 415, 422})


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

    @property
    def accepted(self) -> bool:
        """Whether the pod is deleted now."""
        return 200 <= self.status < 300

    @property
    def final(self) -> bool:
        """Whether the same request is refused for good: for a missing right, or as malformed."""
        if self.status == 403:
            return bool(_RIGHT_MISSING.search(self.message)) and _WEBHOOK not in self.message
        return self.status in _MALFORMED and not _ADMISSION.search(self.message)

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
        words = response.text.strip()[:_LONGEST_QUOTE]
        return EvictionAnswer(response.status_code, words, retry_after=_retry_after(response))
    details = body.get("details") or {}
    return EvictionAnswer(
        status=response.status_code,
        message=str(body.get("message", ""))[:_LONGEST_QUOTE],
        causes=tuple(
            (str(cause.get("reason", "")), str(cause.get("message", "")))
            for cause in details.get("causes") or ()
        ),
        retry_after=details.get("retryAfterSeconds") or _retry_after(response),
    )


def _retry_after(response: httpx.Response) -> float | None:
    """Of the header, which priority and fairness sends without a Status; only its form in seconds."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
