"""The wire format of AWS requests and errors, for any service.

Used by `requests.middleware`, which logs every call and answers those that the lab does not know. botocore's
models define each service's protocol and operations.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.exceptions
import botocore.session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import ServiceModel

REMOVED = "(removed)"
_SECRET = re.compile(
    r"secret|password|private_?key|session_?token|web_?identity_?token|saml_?assertion|plaintext|user_?data",
    re.IGNORECASE,
)
# Services whose signing name differs from the name of their botocore model.
_MODELS = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "email": "ses",
    "tagging": "resourcegroupstaggingapi",
}


@dataclass(frozen=True)
class Request:
    """A request as received: the path is still percent-encoded, because ARNs in it contain slashes."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # by lower-case name
    body: bytes


@dataclass(frozen=True)
class AwsCall:
    """The service, the operation and the parameters of a request."""

    service: str
    action: str
    parameters: dict[str, Any] = field(default_factory=dict)


class Models:
    """botocore's service models, each loaded once."""

    def __init__(self) -> None:
        self._session = botocore.session.get_session()
        self._loaded: dict[str, ServiceModel | None] = {}

    def get(self, service: str) -> ServiceModel | None:
        """Return the model of a service by its signing name, or None when AWS has no such service."""
        if service not in self._loaded:
            try:
                self._loaded[service] = self._session.get_service_model(_MODELS.get(service, service))
            except botocore.exceptions.DataNotFoundError:
                self._loaded[service] = None
        return self._loaded[service]


def read_call(models: Models, service: str, request: Request) -> AwsCall:
    """Return the call that a request makes; an unknown request is named by its method and path."""
    target = request.headers.get("x-amz-target")
    if target:
        return AwsCall(service, target.rpartition(".")[2], without_secrets(_json(request.body)))
    form = dict(parse_qsl(request.query, keep_blank_values=True))
    if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
        form |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if "Action" in form:
        action = form.pop("Action")
        form.pop("Version", None)
        return AwsCall(service, action, without_secrets(form))
    action, labels = _rest_operation(models.get(service), request)
    return AwsCall(service, action, without_secrets({**form, **_json(request.body), **labels}))


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _rest_operation(model: ServiceModel | None, request: Request) -> tuple[str, dict[str, str]]:
    """Return the REST operation whose path matches best: the one with the fewest variable parts."""
    best: tuple[int, str, dict[str, str]] | None = None
    for name in model.operation_names if model else []:
        method, uri = _request_uri(model, name)
        pattern, _, wanted = uri.partition("?")
        if method != request.method or (wanted and wanted.split("=")[0] not in request.query):
            continue
        match = re.fullmatch(_label_pattern(pattern.rstrip("/")), request.path.rstrip("/"))
        free = pattern.count("{") - (1 if wanted else 0)
        if match and (best is None or free < best[0]):
            best = free, name, {key: unquote(value) for key, value in match.groupdict().items()}
    return (best[1], best[2]) if best else (f"{request.method} {request.path}", {})


def _request_uri(model: Any, name: str) -> tuple[str, str]:
    http = model.operation_model(name).http
    return http["method"], http["requestUri"]


def _label_pattern(uri: str) -> str:
    """Return `/hostedzone/{Id}/rrset` as a regular expression; a label with `+` matches slashes too."""
    parts = re.split(r"(\{[\w-]+\+?\})", uri)
    return "".join(_label(part) if part.startswith("{") else re.escape(part) for part in parts)


def _label(part: str) -> str:
    name = part.strip("{}+").replace("-", "_")
    return f"(?P<{name}>{'.+' if part.endswith('+}') else '[^/]+'})"


def without_secrets(value: Any) -> Any:
    """Return the same JSON value without anything that grants access."""
    if isinstance(value, dict):
        secure = value.get("Type") == "SecureString"
        return {
            key: REMOVED if _SECRET.search(key) or (secure and key == "Value") else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


@dataclass(frozen=True)
class ErrorResponse:
    """An error response of AWS."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def error_response(model: ServiceModel | None, status: int, code: str, message: str) -> ErrorResponse:
    """Return an error in the protocol of a service, so that its clients can read code and message."""
    protocol = model.metadata.get("protocol", "json") if model else "json"
    if protocol == "ec2":
        body = f"<Response><Errors>{_xml(code, message)}</Errors><RequestID>lab</RequestID></Response>"
    elif protocol in {"query", "rest-xml"}:
        body = f"<ErrorResponse>{_xml(code, message)}<RequestId>lab</RequestId></ErrorResponse>"
    else:
        text = json.dumps({"__type": code, "message": message})
        return ErrorResponse(
            status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)], text.encode()
        )
    return ErrorResponse(status, [("Content-Type", "text/xml")], body.encode())


def _xml(code: str, message: str) -> str:
    return f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"


def error_code(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    """Return the code of an AWS error response, or None for a success."""
    if status < 400:
        return None
    named = headers.get("x-amzn-errortype")
    if named:
        return named.split(":")[0].rpartition("#")[2]
    match = re.search(rb"<Code>([^<]+)</Code>", body) or re.search(
        rb'"(?:__type|code)": *"(?:[^"#]*#)?([^"]+)"', body
    )
    return match[1].decode() if match else str(status)
