"""EKS's wire protocol (REST with JSON), driven by botocore's model of the service.

A request is matched to its operation and checked against the operation's input shape: unknown, missing and
wrongly typed parameters and values outside an enumeration are refused. The response is checked against the
output shape, so that the lab cannot return a member that AWS does not have. `lab.cloud.server` calls it for
every request signed for the service `eks`.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore import xform_name
from botocore.validate import ParamValidator

from lab.cloud.eks.errors import EksError, InvalidParameterError, NotEmulatedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import OperationModel, Shape

    from lab.cloud.identity.identities import Identity
    from lab.cloud.requests.wire import Request

Parameters = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request to EKS, parsed and checked."""

    parameters: Parameters
    identity: Identity
    region: str

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter that may be absent."""
        return self.parameters.get(name, default)


@dataclass(frozen=True)
class _Route:
    method: str
    pattern: re.Pattern[str]
    operation: OperationModel


@dataclass(frozen=True)
class _Service:
    routes: tuple[_Route, ...]
    paging: Mapping[str, dict[str, str]]


@functools.cache
def _load_service() -> _Service:
    """Return botocore's model of EKS; loading it takes long, so it is loaded once."""
    session = botocore.session.get_session()
    model = session.get_service_model("eks")
    paging = session.get_component("data_loader").load_service_model("eks", "paginators-1")["pagination"]
    return _Service(tuple(_route(model.operation_model(name)) for name in model.operation_names), paging)


def _route(operation: OperationModel) -> _Route:
    path = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"])
    if path.startswith("/tags/"):
        path = path.replace("[^/]+", ".+")  # some clients do not encode the slashes of an ARN
    return _Route(operation.http["method"], re.compile(f"^{path}/?$"), operation)


class EksProtocol:
    """Turns requests into calls of handlers, and their results and errors into responses."""

    def __init__(self, handlers: Mapping[str, Callable[[Call], Answer]]) -> None:
        self._service = _load_service()
        self._handlers = handlers

    def operation(self, method: str, path: str) -> OperationModel | None:
        """Return the operation of a method and a path, if there is one."""
        return next(
            (r.operation for r in self._service.routes if r.method == method and r.pattern.match(path)), None
        )

    def parameters(self, request: Request) -> tuple[OperationModel, Parameters]:
        """Return the operation of a request and its parameters by the API's names."""
        for route in self._service.routes:
            match = route.pattern.match(request.path)
            if match and route.method == request.method:
                return route.operation, _read(route.operation, request, match)
        message = f"the lab does not know eks:{request.method} {request.path}"
        raise NotEmulatedError(message)

    def answer(self, request: Request, identity: Identity, region: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the response to a request."""
        try:
            operation, parameters = self.parameters(request)
            _check_input(operation, parameters)
            handler = self._handlers.get(xform_name(operation.name))
            if handler is None:
                message = f"the lab does not know eks:{operation.name}"
                raise NotEmulatedError(message)
            result = handler(Call(parameters, identity, region))
            page = self._page(operation, parameters, result)
        except EksError as error:
            return _error_response(error)
        _check_output(operation.output_shape, page, operation.name)
        return 200, {"Content-Type": "application/json"}, json.dumps(page).encode()

    def _page(self, operation: OperationModel, parameters: Parameters, result: Answer) -> Answer:
        paging = self._service.paging.get(operation.name)
        if paging is None:
            return result
        key = paging["result_key"]
        limit = int(parameters.get(paging["limit_key"], 100))
        start = _offset(parameters.get(paging["input_token"]))
        page = {**result, key: result[key][start : start + limit]}
        if start + limit < len(result[key]):
            page[paging["output_token"]] = base64.b64encode(str(start + limit).encode()).decode()
        return page


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except (ValueError, binascii.Error):
        message = "The nextToken is not valid."
        raise InvalidParameterError(message) from None


def _read(operation: OperationModel, request: Request, match: re.Match[str]) -> Parameters:
    body = _read_body(request.body)
    query = parse_qs(request.query, keep_blank_values=True)
    parameters: Parameters = {}
    for name, shape in _members(operation).items():
        wire_name = shape.serialization.get("name", name)
        location = shape.serialization.get("location")
        if location == "uri":
            parameters[name] = unquote(match[wire_name])
        elif location == "querystring":
            if wire_name in query:
                parameters[name] = _from_query(shape, query[wire_name])
        elif body.get(wire_name) is not None:
            parameters[name] = body.pop(wire_name)
    unread = {key for key, value in body.items() if value is not None}
    if unread:
        message = f"Unknown parameter in {operation.name}: {', '.join(sorted(unread))}"
        raise InvalidParameterError(message)
    return parameters


def _read_body(raw: bytes) -> Parameters:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        message = "The request body is not a JSON object."
        raise InvalidParameterError(message)
    return body


def _members(operation: OperationModel) -> Mapping[str, Shape]:
    members: Mapping[str, Shape] = getattr(operation.input_shape, "members", {})
    return members


def _from_query(shape: Shape, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    value = values[-1]
    if shape.type_name == "boolean":
        return value.lower() == "true"
    if shape.type_name == "integer":
        return int(value)
    return value


def _check_input(operation: OperationModel, parameters: Parameters) -> None:
    if operation.input_shape is None:
        return
    report = ParamValidator().validate(parameters, operation.input_shape)
    if report.has_errors():
        raise InvalidParameterError(report.generate_report())
    for path, value, allowed in _outside_enumerations(operation.input_shape, parameters, ""):
        message = f"{path}: {value!r} is not one of {', '.join(allowed)}"
        raise InvalidParameterError(message)


def _outside_enumerations(shape: Any, value: Any, path: str) -> list[tuple[str, Any, list[str]]]:
    if shape.type_name == "structure":
        inner = [(shape.members[name], item, f"{path}.{name}".lstrip(".")) for name, item in value.items()]
    elif shape.type_name == "list":
        inner = [(shape.member, item, f"{path}[{index}]") for index, item in enumerate(value)]
    elif getattr(shape, "enum", None) and value not in shape.enum:
        return [(path, value, shape.enum)]
    else:
        return []
    return [found for item in inner for found in _outside_enumerations(*item)]


def _check_output(shape: Any, value: Any, path: str) -> None:
    """Raise for a response that the model does not allow, which is a bug of the lab."""
    if shape is None:
        assert not value, f"{path} answers nothing"
    elif shape.type_name == "structure":
        for name, item in value.items():
            assert name in shape.members, f"{path}.{name} is no member of {shape.name}"
            assert item is not None, f"{path}.{name} is None"
            _check_output(shape.members[name], item, f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            _check_output(shape.member, item, f"{path}[]")
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{path} is {value!r}"


def _error_response(error: EksError) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({**error.members, "message": error.message}).encode()
