"""The middleware in front of all services: who calls, which operation, and with which result.

Every AWS request passes through it to moto or to the lab's EKS. The caller is identified by its access key
and verified by its signature. Each call is written to the call log, which tests read as evidence. What the
lab cannot do (an action without a handler, an exception in a handler) becomes an AWS error that names the
call, and an entry in the fault log, instead of a page of HTML that no client can parse.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.cloud.identity import signatures
from lab.cloud.identity.signatures import Claim, SignedRequest, UnsignedError
from lab.cloud.requests import wire
from lab.cloud.requests.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.cloud.identity.identities import Credentials, Identities
    from lab.cloud.requests.faults import Faults, JsonLines
    from lab.cloud.requests.wire import AwsCall, ErrorResponse, Models

Environ = dict[str, Any]
IDENTITY = "lab.identity"
REGION = "lab.region"


@dataclass(frozen=True)
class _Response:
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def code(self) -> int:
        return int(self.status.split()[0])

    @property
    def names(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers}


class RefusedCallerError(Exception):
    """The caller cannot be authenticated; the message is AWS's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class RequestMiddleware:
    """WSGI middleware in front of the services: `eks` serves EKS, `moto` all others."""

    def __init__(
        self,
        *,
        moto: Callable[..., Iterable[bytes]],
        eks: Callable[..., Iterable[bytes]],
        identities: Identities,
        calls: JsonLines,
        faults: Faults,
        models: Models,
    ) -> None:
        self._moto = moto
        self._eks = eks
        self._identities = identities
        self._calls = calls
        self._faults = faults
        self._models = models

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Authenticate, serve and log one request."""
        request = read_request(environ)
        claim, refusal = self._claim(request)
        service = claim.service if claim else "unsigned"
        call = wire.read_call(self._models, service, request)
        principal = None
        try:
            if claim is None:
                raise refusal or AssertionError
            principal = self._prove(claim, request)
            environ[IDENTITY] = principal.identity
            environ[REGION] = claim.region
            response = self._serve(call, environ)
        except RefusedCallerError as error:
            response = self._error(service, error.status, error.code, str(error))
        self._log(call, response, principal)
        start_response(response.status, response.headers)
        return [response.body]

    def _claim(self, request: Request) -> tuple[Claim | None, RefusedCallerError | None]:
        try:
            return Claim.from_header(request.headers.get("authorization", "")), None
        except UnsignedError as error:
            return None, RefusedCallerError(403, "MissingAuthenticationToken", str(error))

    def _prove(self, claim: Claim, request: Request) -> Credentials:
        credentials = self._identities.find(claim.access_key_id)
        if credentials is None or credentials.session_token != request.headers.get("x-amz-security-token"):
            code = "AuthFailure" if claim.service == "ec2" else "InvalidClientTokenId"
            message = "The security token included in the request is invalid."
            raise RefusedCallerError(403, code, message)
        signed = SignedRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body_hash=request.headers.get("x-amz-content-sha256") or hashlib.sha256(request.body).hexdigest(),
            timestamp=request.headers.get("x-amz-date", ""),
        )
        if not signatures.matches(claim, credentials.secret_access_key, signed):
            message = "The request signature we calculated does not match the signature you provided."
            raise RefusedCallerError(403, "SignatureDoesNotMatch", message)
        if credentials.expired:
            raise self._expired(claim.service)
        return credentials

    def _expired(self, service: str) -> RefusedCallerError:
        """Return the refusal of a session that has ended, which EC2 words as it does a late request.

        Sources: github.com/99designs/aws-vault/issues/394 and aws/aws-sdk-java/issues/1443 for EC2;
        docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html for the services of the query
        protocol; those of JSON end their codes with `Exception`.
        """
        model = self._models.get(service)
        protocol = model.metadata.get("protocol", "json") if model else "json"
        if protocol == "ec2":
            return RefusedCallerError(400, "RequestExpired", "Request has expired.")
        code = "ExpiredToken" if protocol in {"query", "rest-xml"} else "ExpiredTokenException"
        return RefusedCallerError(403, code, "The security token included in the request is expired")

    def _serve(self, call: AwsCall, environ: Environ) -> _Response:
        app = self._eks if call.service == "eks" else self._moto
        try:
            response = _collect(app, environ)
        except NotImplementedError as error:
            return self._unknown(call, str(error))
        except Exception as error:
            return self._fault(call, f"{type(error).__name__}: {error}", traceback.format_exc())
        if response.code == 501:
            self._faults.record(f"{call.service}:{call.action}", "unknown call", _text(response.body))
            return response
        if _is_no_route(response):
            return self._unknown(call, "no such route")
        if response.code >= 500:
            return self._fault(call, f"HTTP {response.code}", _text(response.body))
        return response

    def _unknown(self, call: AwsCall, reason: str) -> _Response:
        name = f"{call.service}:{call.action}"
        self._faults.record(name, "unknown call", reason)
        return self._error(call.service, 501, "NotImplemented", f"the lab does not know {name} ({reason})")

    def _fault(self, call: AwsCall, reason: str, detail: str) -> _Response:
        name = f"{call.service}:{call.action}"
        self._faults.record(name, reason, detail)
        return self._error(call.service, 501, "LabFault", f"the lab failed in {name}: {reason}")

    def _error(self, service: str, status: int, code: str, message: str) -> _Response:
        error: ErrorResponse = wire.error_response(self._models.get(service), status, code, message)
        return _Response(f"{error.status} {code}", error.headers, error.body)

    def _log(self, call: AwsCall, response: _Response, principal: Credentials | None) -> None:
        self._calls.append(
            time=time.time(),
            service=call.service,
            action=call.action,
            parameters=call.parameters,
            status=response.code,
            error=wire.error_code(response.code, response.names, response.body),
            principal=principal.identity.arn if principal else None,
        )


def read_request(environ: Environ) -> Request:
    """Read the request in a WSGI environment and put its body back for the next reader."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    path: str = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return Request(
        method=environ["REQUEST_METHOD"],
        path=path.partition("?")[0],
        query=environ.get("QUERY_STRING", ""),
        headers=_headers(environ),
        body=body,
    )


def _headers(environ: Environ) -> dict[str, str]:
    headers = {
        key[5:].replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") and isinstance(value, str)
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    return headers


def _collect(app: Callable[..., Iterable[bytes]], environ: Environ) -> _Response:
    """Run an application completely before any part of its response is sent."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        started.append((status, headers))

    chunks = app(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return _Response(status, headers, body)


def _is_no_route(response: _Response) -> bool:
    """Return whether moto has no handler: its 404 is empty or HTML, which AWS's never is."""
    is_page = response.names.get("content-type", "").startswith("text/html")
    return response.code == 404 and (not response.body or (is_page and b"<title>404" in response.body))


def _text(body: bytes) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", body.decode("utf-8", "replace")))[:4000]
