"""Admission webhooks for evictions and outages of the API server, in the API server's own words.

Sources: apiserver/pkg/admission/plugin/webhook/errors/statuserror.go (denials, 403 where a webhook names no
code), .../webhook/request/admissionreview.go and generic/webhook.go (failing to call), and
apiserver/pkg/server/filters/priority-and-fairness.go (429 with a header).
"""

import re
from collections.abc import Callable

import httpx

from .api_server import Clock, status

_EVICTION = re.compile(r"/namespaces/([^/]+)/pods/([^/]+)/eviction$")
Answer = Callable[[str], httpx.Response | Exception]
"""From the name of the pod to the answer about its eviction."""


def denial(code: int, words: str = "try later", name: str = "guard.example.com") -> Answer:
    """A webhook was called and said no."""

    def answer(pod: str) -> httpx.Response:
        start = "Internal error occurred" if code == 500 else f'pods "{pod}" is forbidden'
        return status(code, f'{start}: admission webhook "{name}" denied the request: {words}')

    return answer


def not_called(why: str, name: str = "guard.example.com") -> Answer:
    """A webhook with failurePolicy Fail could not be called."""
    words = (
        f'failed calling webhook "{name}": failed to call webhook: Post "https://guard.shop.svc:443/": {why}'
    )
    return lambda _pod: status(500, f"Internal error occurred: {words}")


def denied_by_policy(_pod: str) -> httpx.Response:
    """A ValidatingAdmissionPolicy said no (apiserver/pkg/admission/plugin/policy/validating/policy.go)."""
    words = "ValidatingAdmissionPolicy 'freeze' with binding 'freeze' denied request: frozen until noon"
    return status(422, f'evictions.policy "web" is forbidden: {words}')


def too_busy(_pod: str) -> httpx.Response:
    """Priority and fairness: no Status, and seconds in a header."""
    return httpx.Response(
        429, text="Too many requests, please try again later.\n", headers={"Retry-After": "1"}
    )


def not_permitted(pod: str) -> httpx.Response:
    """RBAC: this user may not evict."""
    right = 'cannot create resource "pods/eviction" in API group "" in the namespace "shop"'
    return status(403, f'pods "{pod}" is forbidden: User "ann" {right}')


class Webhook:
    """Answers evictions for so many seconds after the first one was asked for, then lets them through."""

    def __init__(self, clock: Clock, answer: Answer, *, seconds: float = 1e9) -> None:
        self._clock, self._answer, self._seconds = clock, answer, seconds
        self.asked: list[float] = []
        """When evictions were answered here."""
        self.pods: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response | Exception | None:
        found = _EVICTION.search(request.url.path)
        if not found or (self.asked and self._clock.seconds >= self.asked[0] + self._seconds):
            return None
        self.asked.append(self._clock.seconds)
        self.pods.append(found[2])
        return self._answer(found[2])


class Outage:
    """The API server answers nothing for a while, from when a first request of a kind arrives."""

    def __init__(self, clock: Clock, *, seconds: float, begins: str = "", method: str = "") -> None:
        self._clock, self._seconds = clock, seconds
        self._begins, self._method = re.compile(begins), method
        self.since: float | None = None

    def __call__(self, request: httpx.Request) -> Exception | None:
        if self.since is None and self._is_first(request):
            self.since = self._clock.seconds
        if self.since is None or self._clock.seconds >= self.since + self._seconds:
            return None
        return httpx.ConnectError("[Errno 111] Connection refused")

    def _is_first(self, request: httpx.Request) -> bool:
        return self._method in ("", request.method) and bool(self._begins.search(request.url.path))
