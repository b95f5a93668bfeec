"""Requests to an API server: trust, credentials, and errors in the provider's own words.

The only module that knows HTTP. Everything above speaks in paths, objects and `ApiError`.
"""

import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from lab.providers.errors import RefusedError, UnavailableError
from lab.providers.kubernetes.connection.credentials import Credential, credential_of
from lab.providers.kubernetes.connection.kubeconfig import Access

REQUEST_TIMEOUT = 60.0
CONNECT_TIMEOUT = 5.0
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"


class ApiError(RefusedError):
    """The API server said no, in the words of its `Status`."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message or f"the API server answered {code} {reason}")
        self.code = code
        self.reason = reason


class NotFoundError(ApiError):
    """No such object, or no such kind."""


class AlreadyExistsError(ApiError):
    """An object of that name is there, made by somebody else."""


class UnreachableError(UnavailableError):
    """No answer from the API server, or none that can be trusted."""


class ApiServer:
    """One API server as one user sees it; safe to use from many threads."""

    def __init__(
        self,
        access: Access,
        credential: Credential | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._credential = credential or credential_of(access.user)
        self._client = httpx.Client(
            base_url=access.server,
            verify=_trust(access),
            transport=transport,
            timeout=httpx.Timeout(REQUEST_TIMEOUT, connect=CONNECT_TIMEOUT),
            trust_env=False,
        )

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """Read an object or a list."""
        return self.request("GET", path, parameters=parameters)

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> dict[str, Any]:
        """One request; a refused token is renewed once."""
        request = self._client.build_request(
            method,
            path,
            params=parameters,
            json=body,
            headers={"Accept": accept, "Content-Type": content_type},
        )
        token = self._credential.token()
        response = self._send(request, token)
        if response.status_code == 401 and self._credential.reject(token):
            response = self._send(request, self._credential.token())
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _error(response)

    def _send(self, request: httpx.Request, token: str | None) -> httpx.Response:
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            return self._client.send(request)
        except httpx.TransportError as error:
            raise UnreachableError(f"no answer from {self._client.base_url.host}: {error}") from error


def _trust(access: Access) -> ssl.SSLContext | bool:
    if access.cluster.get("insecure-skip-tls-verify"):
        return False
    context = ssl.create_default_context(cadata=access.certificate_authority)
    if access.client_certificate:
        _load_certificate(context, *access.client_certificate)
    return context


def _load_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Python's ssl reads client certificates from files only; the file is private and short-lived."""
    with tempfile.TemporaryDirectory() as directory:
        pair = Path(directory, "pair.pem")
        pair.touch(mode=0o600)
        pair.write_text(f"{certificate}\n{key}")
        context.load_cert_chain(pair)


def _error(response: httpx.Response) -> ApiError | UnreachableError:
    try:
        status = response.json()
    except ValueError:
        status = {}
    code, reason = response.status_code, str(status.get("reason", ""))
    message = str(status.get("message", "")) or f"the API server answered {code}"
    if code == 404:
        return NotFoundError(code, reason, message)
    if code == 409 and reason == "AlreadyExists":
        return AlreadyExistsError(code, reason, message)
    if code in (429, 502, 503, 504):
        return UnreachableError(message)
    return ApiError(code, reason, message)
