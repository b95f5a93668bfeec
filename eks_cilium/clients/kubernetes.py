"""A client for the Kubernetes API: reads page by page, watches, writes, renewed tokens and retries.

The program, the lab and the tests use it. Objects are plain dicts, as the API server sent them: a cluster of
500 nodes has 15,000 pods, of which a caller keeps a few fields each. A write may arrive twice when an answer
is lost, so callers send writes that are harmless then: merge patches, or objects with a `resourceVersion` or
a UID that lets only the first one through.
"""

from __future__ import annotations

import json
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from eks_cilium.clients.aws import Credentials, eks_tokens
from eks_cilium.clients.evictions import NO_ANSWER, EvictionAnswer, eviction, understood
from eks_cilium.clients.pages import listing
from eks_cilium.clients.tokens import BearerToken
from eks_cilium.errors import (
    CredentialsExpiredError,
    RefusedError,
    TransientError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

Object = dict[str, Any]
Kept = TypeVar("Kept")

PAGE_SIZE = 500
FIELD_MANAGER = "eks-cilium"
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
TIMEOUT = httpx.Timeout(30, connect=10)
_WATCH_TIMEOUT = httpx.Timeout(30, connect=10, read=90)
"""A watch is sent a bookmark every minute or so (kubernetes.io/docs/reference/using-api/api-concepts)."""
_CONNECTIONS = httpx.Limits(max_connections=300, max_keepalive_connections=20)
"""Each watch holds one for as long as it lasts."""
_RETRIED = frozenset({429, 500, 502, 503, 504})
_UNAUTHORIZED = 401
_LONGEST_QUOTE = 256
_READ = httpx.ByteStream(b"")
_LOG_IN = "Log in again, for example with `aws sso login`."
_OURS = {"fieldManager": FIELD_MANAGER}


@dataclass(frozen=True)
class Patience:
    """How often a request is sent, and how long the pauses between are."""

    attempts: int = 6
    first_pause: float = 0.5
    """Seconds; each further pause is twice as long as the one before."""
    longest_pause: float = 8.0
    """Seconds."""

    def pauses(self) -> Iterator[float]:
        """Seconds between the attempts, one for each attempt but the first."""
        pause = self.first_pause
        for _ in range(self.attempts - 1):
            yield pause
            pause = min(pause * 2, self.longest_pause)


class KubernetesApi:
    """The API of one cluster, as one user sees it; safe to use from several threads.

    Every method raises RefusedError when the server rejects the request, TransientError when every attempt
    failed, UnexpectedAnswerError when the answer is no JSON object, and what the source of tokens raises.

    Args:
        endpoint: URL of the API server.
        token: Identifies the user; None where the transport does, with a client certificate.
        transport: Connections to the server, with whom to trust and an optional proxy.
        headers: Sent with every request, as for impersonation.
        server_name: Name in the server's certificate, where it is not the host of `endpoint`.
        timeout: Of one attempt, in seconds.
        patience: Attempts and pauses.
        is_known: Whether the server is known to accept this user; otherwise its first answers tell.
        sleep: Waits so many seconds.
    """

    def __init__(
        self,
        endpoint: str,
        token: BearerToken | None,
        *,
        transport: httpx.BaseTransport,
        headers: Sequence[tuple[str, str]] = (),
        server_name: str | None = None,
        timeout: httpx.Timeout = TIMEOUT,
        patience: Patience | None = None,
        is_known: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._token, self._sleep = token, sleep
        self._is_known = is_known
        self._observe: Callable[[str, Object], None] = lambda _path, _obj: None
        self._patience = patience or Patience()
        self._extensions = {"sni_hostname": server_name} if server_name else {}
        self._http = httpx.Client(
            base_url=endpoint, transport=transport, timeout=timeout, headers=list(headers)
        )

    @classmethod
    def for_eks(
        cls,
        *,
        cluster_name: str,
        endpoint: str,
        certificate_authority: bytes,
        credentials: Credentials,
        is_known: bool = False,
    ) -> Self:
        """The API of an EKS cluster, as the user that AWS credentials identify.

        Args:
            cluster_name: Name of the cluster in EKS; tokens are valid for it alone.
            endpoint: URL of its API server.
            certificate_authority: Whom to trust, PEM.
            credentials: Whose identity to use.
            is_known: As in the class.
        """
        context = ssl.create_default_context(cadata=certificate_authority.decode())
        token = BearerToken(eks_tokens(credentials, cluster_name))
        transport = httpx.HTTPTransport(verify=context, limits=_CONNECTIONS)
        return cls(endpoint, token, transport=transport, is_known=is_known)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> httpx.Response:
        """Send one request once and return the answer, whatever its status.

        For callers with rules of their own about errors; the other methods retry and judge. A token that the
        server refuses with 401 is renewed once.

        Raises:
            httpx.TransportError: there was no answer.
        """
        headers, content = {"Accept": JSON}, None
        if body is not None:
            headers["Content-Type"], content = content_type, json.dumps(body)
        return self._sent(
            self._http.build_request(
                method, path, params=query, headers=headers, content=content, extensions=self._extensions
            )
        )

    def _sent(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        token = self._token.current() if self._token else ""
        response = self._http.send(_with_token(request, token), stream=stream)
        if response.status_code == 401 and self._token and self._token.forget(token):
            response.close()
            response = self._http.send(_with_token(request, self._token.current()), stream=stream)
        if not stream:
            # It refers to the response in turn: a body would stay until Python collects its garbage.
            response.stream = _READ
        return response

    def observe(self, observe: Callable[[str, Object], None]) -> None:
        """Call a function with the path and the object of every later answer to a request for one object.

        After a deletion the object is empty: it may still be there, as a pod that is stopping is.
        """
        self._observe = observe

    def _observed(self, path: str, obj: Object) -> Object:
        self._observe(path, obj)
        return obj

    def get(self, path: str) -> Object | None:
        """One object, or None when it does not exist."""
        try:
            return self._observed(path, self._json(self._request("GET", path, {})))
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    def each(self, path: str, keep: Callable[[Object], Kept], **selectors: str) -> list[Kept]:
        """What `keep` returns for each object of a collection.

        Reads 500 objects at a time and holds only one such page in memory. A list that expired on the server
        while it was read is read again from the start.

        Args:
            path: The collection; one that the server does not have is empty.
            keep: Takes an object, and returns what is needed of it; a `Shaped` function gets no more of
                the object than it names.
            selectors: `labelSelector` and `fieldSelector`.
        """
        return self.listed(path, keep, selectors)[0]

    def listed(
        self,
        path: str,
        keep: Callable[[Object], Kept],
        selectors: Mapping[str, str],
        *,
        from_cache: bool = False,
    ) -> tuple[list[Kept], str]:
        """The same, and the version of the collection, from which it can be watched.

        With `from_cache` the server answers from its cache, which spares it and may be a moment old; older
        servers then send everything at once. The version is empty for a collection that the server lacks.
        """
        asked = {**selectors, "limit": str(PAGE_SIZE)}
        version = {"resourceVersion": "0"} if from_cache else {}

        def read(token: str) -> bytes:
            query = {**asked, "continue": token} if token else {**asked, **version}
            version.clear()  # it may only be given with the first page
            return self._request("GET", path, query).content

        try:
            return listing.listed(path, read, keep)
        except RefusedError as error:
            if error.status == 404:
                return [], ""
            raise

    @contextmanager
    def watch(
        self, path: str, version: str, selectors: Mapping[str, str], *, seconds: int
    ) -> Iterator[Iterator[bytes]]:
        """The changes of a collection since a version, as the server sends them: JSON, an event a line.

        The server ends it after so many `seconds`. Raises as the other methods do, while it is read as well;
        nothing is retried.
        """
        query = {
            **selectors,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        headers = {"Accept": JSON, "Accept-Encoding": "identity"}
        extensions = {**self._extensions, "timeout": _WATCH_TIMEOUT.as_dict()}
        request = self._http.build_request("GET", path, params=query, headers=headers, extensions=extensions)
        try:
            response = self._sent(request, stream=True)
            try:
                if not response.is_success:
                    response.read()
                    _raise_unserved(response, path)
                yield iter(response.stream)  # type: ignore[arg-type] # a sync client has a sync stream
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise TransientError(f"the watch of {path} ended: {type(error).__name__}: {error}") from error

    def list(self, path: str, **selectors: str) -> list[Object]:
        """All objects of a collection; see `each`."""
        return self.each(path, _as_sent, **selectors)

    def create(self, path: str, manifest: Object) -> Object:
        """Create an object in the collection `path`. Raises RefusedError with status 409 when it exists."""
        return self._observed(path, self._json(self._request("POST", path, _OURS, manifest)))

    def replace(self, path: str, manifest: Object) -> Object:
        """Write a whole object. Raises RefusedError with status 409 when its `resourceVersion` is old."""
        return self._observed(path, self._json(self._request("PUT", path, _OURS, manifest)))

    def merge(self, path: str, patch: Object, *, field_manager: str = FIELD_MANAGER) -> Object:
        """Apply a JSON merge patch: lists are replaced as a whole, None removes a field."""
        query = {"fieldManager": field_manager}
        return self._observed(path, self._json(self._request("PATCH", path, query, patch, MERGE_PATCH)))

    def apply(self, path: str, manifest: Object, *, force: bool = False) -> Object:
        """Server-side apply: fields in `manifest` become ours, fields we applied before and omit are removed.

        Raises RefusedError with status 409 when another field manager owns a field, unless `force` is set.
        """
        query = {**_OURS, "force": "true"} if force else _OURS
        return self._observed(path, self._json(self._request("PATCH", path, query, manifest, APPLY_PATCH)))

    def delete(self, path: str, *, uid: str | None = None) -> bool:
        """Delete an object, only the one with this UID if given; False when there was none to delete."""
        options: Object = {"propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            self._request("DELETE", path, {}, options)
        except RefusedError as error:
            if error.status == 404 or (error.status == 409 and uid is not None):
                return False
            raise
        self._observe(path, {})
        return True

    def evict(self, namespace: str, name: str, *, uid: str) -> EvictionAnswer:
        """Ask once for the eviction of the pod with this UID; the caller judges the answer.

        Nothing is retried, and no status is an error: 429 and 500 have a meaning of their own for evictions,
        see `eks_cilium.clients.evictions`.
        """
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
        try:
            response = self.exchange("POST", path, query=_OURS, body=eviction(namespace, name, uid))
        except httpx.TransportError as error:
            return EvictionAnswer(NO_ANSWER, f"{type(error).__name__}: {error}")
        return understood(response)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        content_type: str = JSON,
    ) -> httpx.Response:
        """Send until the answer is final or the attempts are used up."""
        pauses = self._patience.pauses()
        while True:
            try:
                response = self.exchange(method, path, query=query, body=body, content_type=content_type)
            except httpx.TransportError as error:
                what, failure = "does not answer", f"{type(error).__name__}: {error}"
            else:
                if response.status_code not in _RETRIED:
                    self._note_identity(response)
                    return _accepted(response, method, path)
                what, failure = "cannot serve", f"HTTP {response.status_code}: {_reason(response)}"
            pause = next(pauses, None)
            if pause is None:
                raise TransientError(
                    f"the API server {what}: {method} {path} failed {self._patience.attempts} times, "
                    f"last with {failure.rstrip(': ')}"
                )
            self._sleep(pause)

    def _note_identity(self, response: httpx.Response) -> None:
        """Raise CredentialsExpiredError where the server does not know the user any more that it knew."""
        if response.is_success:
            self._is_known = True
        elif response.status_code == _UNAUTHORIZED and self._is_known:
            raise CredentialsExpiredError(
                f"the API server does not accept the credentials any more: {_reason(response)}. {_LOG_IN}"
            )

    @staticmethod
    def _json(response: httpx.Response) -> Object:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise UnexpectedAnswerError(
                f"{response.request.url.path} was answered with something that is no JSON object"
            )
        return body

    def close(self) -> None:
        """Close the connections to the API server."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _with_token(request: httpx.Request, token: str) -> httpx.Request:
    if token:
        request.headers["Authorization"] = f"Bearer {token}"
    return request


def _as_sent(item: Object) -> Object:
    return item


def _accepted(response: httpx.Response, method: str, path: str) -> httpx.Response:
    if response.is_success:
        return response
    message = f"{method} {path} was refused with HTTP {response.status_code}: {_reason(response)}"
    raise RefusedError(message, status=response.status_code)


def _raise_unserved(response: httpx.Response, path: str) -> None:
    failure = f"HTTP {response.status_code}: {_reason(response)}"
    if response.status_code in _RETRIED:
        raise TransientError(f"the API server cannot serve a watch of {path}: {failure}")
    raise RefusedError(f"a watch of {path} was refused with {failure}", status=response.status_code)


def _reason(response: httpx.Response) -> str:
    """The server's own words, shortened: a body can be a whole page of a proxy."""
    try:
        text = str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = response.text
    return text[:_LONGEST_QUOTE]
