"""A small client for the Kubernetes API: reads with paging, writes, refreshed tokens and retries.

`migration/` asks it for lists and objects and has it write; it hands out plain dicts, as the API sent them.
Every write may be sent twice when an answer is lost, so callers make writes that do no harm then: merge
patches, or a `resourceVersion` or UID in them that lets only the first one through.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from eks_cilium.clients.aws import Credentials, eks_tokens
from eks_cilium.clients.evictions import NO_ANSWER, EvictionAnswer, eviction, understood
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

Object = dict[str, Any]
Kept = TypeVar("Kept")

PAGE_SIZE = 500
FIELD_MANAGER = "eks-cilium"
_RETRIED = frozenset({429, 500, 502, 503, 504})
_LONGEST_QUOTE = 256
_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_APPLY_PATCH = "application/apply-patch+yaml"
_OURS = {"fieldManager": FIELD_MANAGER}


@dataclass(frozen=True)
class Patience:
    """How often and how long apart a request is tried again."""

    attempts: int = 6
    first_pause: float = 0.5
    longest_pause: float = 8.0

    def pauses(self) -> Iterator[float]:
        """The pauses between the attempts, doubling."""
        pause = self.first_pause
        for _ in range(self.attempts - 1):
            yield pause
            pause = min(pause * 2, self.longest_pause)


class BearerToken:
    """The token of the moment. EKS tokens last 15 minutes; this one is renewed well before."""

    def __init__(
        self, source: Callable[[], str], *, life: float = 600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source, self._life, self._clock = source, life, clock
        self._token: str | None = None
        self._made = 0.0

    def current(self) -> str:
        """A token that is still good."""
        if self._token is None or self._clock() - self._made > self._life:
            self._token, self._made = self._source(), self._clock()
        return self._token

    def forget(self) -> None:
        """Make the next one fresh, because the server refused this one."""
        self._token = None


class KubernetesApi:
    """The API of one cluster. Without a token, who asks is up to the transport: a client certificate."""

    def __init__(
        self,
        endpoint: str,
        token: BearerToken | None,
        *,
        transport: httpx.BaseTransport,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._token, self._sleep = token, sleep
        self._patience = patience or Patience()
        self._http = httpx.Client(
            base_url=endpoint, transport=transport, timeout=httpx.Timeout(30, connect=10)
        )

    @classmethod
    def for_eks(
        cls, *, cluster_name: str, endpoint: str, certificate_authority: bytes, credentials: Credentials
    ) -> Self:
        """The API of an EKS cluster, trusted by its own certificate authority."""
        context = ssl.create_default_context(cadata=certificate_authority.decode())
        token = BearerToken(eks_tokens(credentials, cluster_name))
        return cls(endpoint, token, transport=httpx.HTTPTransport(verify=context))

    def get(self, path: str) -> Object | None:
        """One object, or None when there is none."""
        try:
            return self._json(self._request("GET", path, {}))
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def each(self, path: str, keep: Callable[[Object], Kept], **selectors: str) -> list[Kept]:
        """What is to be kept of each object of a collection; each page is let go before the next one."""
        items: list[Kept] = []
        query: dict[str, str] = {**selectors, "limit": str(PAGE_SIZE)}
        while True:
            try:
                page = self._json(self._request("GET", path, query))
            except RefusedError as error:
                if (
                    error.status == 410 and "continue" in query
                ):  # the list changed too much meanwhile: start over
                    items, query = [], {**selectors, "limit": str(PAGE_SIZE)}
                    continue
                if error.status == 404:
                    return []
                raise
            items += [keep(item) for item in page.get("items") or ()]
            token = page.get("metadata", {}).get("continue")
            if not token:
                return items
            query["continue"] = token

    def list(self, path: str, **selectors: str) -> list[Object]:
        """All objects of a collection, page by page. A collection the server does not know is empty."""
        return self.each(path, _as_sent, **selectors)

    def create(self, path: str, thing: Object) -> Object:
        """Create an object in the collection `path`. Raises RefusedError with status 409 when it exists."""
        return self._json(self._request("POST", path, _OURS, thing))

    def replace(self, path: str, thing: Object) -> Object:
        """Write an object whole. With a `resourceVersion` that is not the present one: refused with 409."""
        return self._json(self._request("PUT", path, _OURS, thing))

    def merge(self, path: str, patch: Object, *, field_manager: str = FIELD_MANAGER) -> Object:
        """Change what a JSON merge patch names. Lists are replaced whole; None takes a field away."""
        query = {"fieldManager": field_manager}
        return self._json(self._request("PATCH", path, query, patch, _MERGE_PATCH))

    def apply(self, path: str, thing: Object, *, force: bool = False) -> Object:
        """Server-side apply: what `thing` says is ours, what it said before and no longer says is let go."""
        query = {**_OURS, "force": "true"} if force else _OURS
        return self._json(self._request("PATCH", path, query, thing, _APPLY_PATCH))

    def delete(self, path: str, *, uid: str | None = None) -> bool:
        """Delete one object, of this UID if one is given; False when there was none to delete."""
        options: Object = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._request("DELETE", path, {}, options)
        except RefusedError as error:
            if error.status == 404 or (error.status == 409 and uid is not None):
                return False
            raise
        return True

    def evict(self, namespace: str, name: str, *, uid: str) -> EvictionAnswer:
        """Ask once for the eviction of the pod that has this UID. What to make of the answer is the caller's.

        Nothing is tried again here: 429 and 500 mean something else for an eviction than for other requests.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        try:
            response = self._send("POST", path, _OURS, eviction(namespace, name, uid), _JSON)
            if response.status_code == 401 and self._token:
                self._token.forget()
                response = self._send("POST", path, _OURS, eviction(namespace, name, uid), _JSON)
        except httpx.TransportError as error:
            return EvictionAnswer(NO_ANSWER, f"{type(error).__name__}: {error}")
        return understood(response)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        content_type: str = _JSON,
    ) -> httpx.Response:
        """Send until there is an answer that counts. One 401 is answered with a fresh token."""
        renewed = False
        pauses = self._patience.pauses()
        while True:
            failure = ""
            try:
                response = self._send(method, path, query, body, content_type)
            except httpx.TransportError as error:
                failure = f"{type(error).__name__}: {error}"
            else:
                if response.status_code == 401 and self._token and not renewed:
                    renewed = True
                    self._token.forget()
                    continue
                if response.status_code not in _RETRIED:
                    return _accepted(response, method, path)
                failure = f"HTTP {response.status_code}"
            pause = next(pauses, None)
            if pause is None:
                raise TransientError(
                    f"{method} {path} failed {self._patience.attempts} times, last with {failure}"
                )
            self._sleep(pause)

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: Object | None, content_type: str
    ) -> httpx.Response:
        headers = self._headers()
        if body is None:
            return self._http.request(method, path, params=query, headers=headers)
        headers["Content-Type"] = content_type
        return self._http.request(method, path, params=query, headers=headers, content=json.dumps(body))

    def _headers(self) -> dict[str, str]:
        identity = {"Authorization": f"Bearer {self._token.current()}"} if self._token else {}
        return {**identity, "Accept": _JSON}

    @staticmethod
    def _json(response: httpx.Response) -> Object:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise UnexpectedAnswerError(
                f"{response.request.url.path} answered with something that is no JSON object"
            )
        return body

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _as_sent(item: Object) -> Object:
    return item


def _accepted(response: httpx.Response, method: str, path: str) -> httpx.Response:
    if response.is_success:
        return response
    message = f"{method} {path} was refused with HTTP {response.status_code}: {_reason(response)}"
    raise RefusedError(message, status=response.status_code)


def _reason(response: httpx.Response) -> str:
    """The server's own words, shortened: a body can be a whole page of a proxy."""
    try:
        text = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = response.text
    return text[:_LONGEST_QUOTE]
