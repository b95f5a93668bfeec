"""Requests to an API server, with errors in the provider's own words.

Nothing above this module knows HTTP: it speaks in paths, objects and `ApiError`. Nothing is retried here: a
resource decides itself what to do about a cluster that does not answer.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from eks_cilium.clients import exec_plugin
from eks_cilium.clients.kubeconfig import Access
from eks_cilium.clients.kubernetes import JSON, KubernetesApi
from lab.providers.errors import RefusedError, UnavailableError
from lab.providers.kubernetes.connection.kubeconfig import refusing

TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class ApiError(RefusedError):
    """The API server rejected the request; the message is that of its `Status`."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message or f"the API server answered {code} {reason}")
        self.code = code
        self.reason = reason


class NotFoundError(ApiError):
    """The object or its kind does not exist."""


class AlreadyExistsError(ApiError):
    """An object of that name exists, and this resource did not create it."""


class UnreachableError(UnavailableError):
    """No answer from the API server, or none that can be trusted."""


class CredentialPluginError(UnavailableError):
    """The credential plugin could not be run, or printed no credential."""


class ApiServer:
    """One API server as one user sees it; safe to use from many threads."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    @classmethod
    def of(cls, access: Access) -> "ApiServer":
        """The API server that a context of a kubeconfig names."""
        with refusing():
            return cls(access.connect(timeout=TIMEOUT))

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        return self.request("GET", path, parameters=parameters)

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
    ) -> dict[str, Any]:
        """One request; a refused token is renewed once."""
        try:
            response = self._api.exchange(
                method, path, query=parameters, body=body, content_type=content_type
            )
        except httpx.TransportError as error:
            raise UnreachableError(f"no answer from {error.request.url.host}: {error}") from error
        except exec_plugin.CredentialPluginError as error:
            raise CredentialPluginError(str(error)) from None
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _error(response)


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
