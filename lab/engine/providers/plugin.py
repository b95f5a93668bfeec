"""A provider process as the engine uses it: calls of the ResourceProvider service.

A `Plugin` is one process, or one connection to a process that the user started, with one configuration. It
adapts values to what the process supports (secrets, references, output values, previews) and answers for it
while its configuration is still unknown.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.engine.errors import ProviderError, StepError
from lab.engine.providers import grpc_errors, messages
from lab.engine.providers.diff import Diff
from lab.engine.providers.provider import Checked, Provider, ReadResult
from lab.engine.state import values
from lab.engine.state.urns import name_of, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.state.resources import Resource

MESSAGE_LIMIT = 400 * 1024 * 1024
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_LIMIT),
    ("grpc.max_send_message_length", MESSAGE_LIMIT),
    # Every provider gets its own connection: some providers tell their instances apart by it.
    ("grpc.use_local_subchannel_pool", 1),
)


@dataclass(frozen=True)
class Host:
    """The facts about the engine that a provider receives."""

    engine_address: str
    root_directory: str
    program_directory: str


class Process(Protocol):
    """The process behind a provider, as far as ending it is concerned."""

    def end(self) -> None: ...


class Plugin(Provider):
    def __init__(self, package: str, address: str, host: Host, process: Process | None) -> None:
        self.package = package
        self.configured = False
        self._host = host
        self._process = process
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self._stub: Any = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self._accepts_secrets = self._accepts_references = self._accepts_outputs = False
        self._previews = False
        self._has_handshake = False
        self._ended = threading.Event()

    def handshake(self, *, attached: bool) -> None:
        """Perform the handshake, in which both sides say which values they support."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout=30)
        except grpc.FutureTimeoutError:
            msg = f"provider '{self.package}' does not answer"
            raise ProviderError(msg) from None
        request = provider_pb2.ProviderHandshakeRequest(
            engine_address=self._host.engine_address,
            configure_with_urn=True,
            invoke_with_preview=True,
        )
        if not attached:
            request.root_directory = self._host.root_directory
            request.program_directory = self._host.program_directory
        answer = self._optional(self._stub.Handshake, request)
        if answer is not None:
            self._has_handshake = self._previews = True
            self._accepts_secrets = answer.accept_secrets
            self._accepts_references = answer.accept_resources
            self._accepts_outputs = answer.accept_outputs
        if attached:
            self._call("", self._stub.Attach, plugin_pb2.PluginAttach(address=self._host.engine_address))
        self._optional(self._stub.GetPluginInfo, empty_pb2.Empty())

    def cancel(self) -> None:
        """Ask for running calls to come to an end; one that has already ended cannot answer."""
        with contextlib.suppress(grpc.RpcError):
            self._stub.Cancel(empty_pb2.Empty(), timeout=2)

    def end(self) -> None:
        """Cancel running calls, close the connection and end the process."""
        if self._ended.is_set():
            return
        self._ended.set()
        self.cancel()
        self._channel.close()
        if self._process is not None:
            self._process.end()

    def check_config(
        self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool
    ) -> Checked:
        request = provider_pb2.CheckRequest(
            **_names(urn),
            olds=messages.bare(olds),
            news=messages.bare(news if preview else values.without_unknowns(news)),
        )
        answer = self._optional(self._stub.CheckConfig, request, urn)
        if answer is None:
            return news, []
        return values.mark_like(values.from_struct(answer.inputs), news), messages.failures(answer)

    def diff_config(self, old: Resource, news: values.Properties) -> Diff:
        request = provider_pb2.DiffRequest(
            **_names(old.urn),
            id=old.id,
            olds=messages.bare(old.outputs),
            news=messages.bare(news),
            old_inputs=messages.bare(old.inputs),
        )
        answer = self._optional(self._stub.DiffConfig, request, old.urn)
        if answer is None:
            return Diff(changes=not values.equal(old.outputs, news))
        return messages.diff(answer, same=values.equal(old.outputs, news))

    def configure(self, urn: str, identifier: str, inputs: values.Properties) -> None:
        if values.has_unknowns(inputs):
            return
        request = provider_pb2.ConfigureRequest(
            args=values.to_struct(inputs),
            variables=messages.variables(self.package, inputs),
            acceptSecrets=True,
            acceptResources=True,
            sends_old_inputs=True,
            sends_old_inputs_to_delete=True,
            **_names(urn),
            id=identifier,
        )
        answer = self._call(urn, self._stub.Configure, request)
        self.configured = True
        if not self._has_handshake:
            self._accepts_secrets = answer.acceptSecrets
            self._accepts_references = answer.acceptResources
            self._accepts_outputs = answer.acceptOutputs
            self._previews = answer.supportsPreview

    def check(self, urn: str, olds: values.Properties, news: values.Properties, *, preview: bool) -> Checked:
        if not self.configured:
            return news, []
        request = provider_pb2.CheckRequest(
            **_names(urn),
            olds=self._send(olds, preview=preview),
            news=self._send(news, preview=preview),
            randomSeed=os.urandom(32),
        )
        answer = self._call(urn, self._stub.Check, request)
        return self._received(answer.inputs, news), messages.failures(answer)

    def diff(self, old: Resource, news: values.Properties, ignore: list[str], *, preview: bool) -> Diff:
        if not self.configured:
            return Diff(changes=True)
        request = provider_pb2.DiffRequest(
            **_names(old.urn),
            id=old.id,
            olds=self._send(old.outputs, preview=preview),
            news=self._send(news, preview=preview),
            ignoreChanges=ignore,
            old_inputs=self._send(old.inputs, preview=preview),
        )
        answer = self._call(old.urn, self._stub.Diff, request)
        return messages.diff(answer, same=values.equal(old.inputs, news))

    def create(
        self, urn: str, inputs: values.Properties, timeout: float, *, preview: bool
    ) -> tuple[str, values.Properties]:
        if preview and not self._can_preview():
            return "", inputs if self.configured else {}
        request = provider_pb2.CreateRequest(
            **_names(urn),
            properties=self._send(inputs, preview=preview),
            timeout=timeout,
            preview=preview,
        )
        answer = self._change(urn, self._stub.Create, request, inputs)
        if not answer.id and not preview:
            raise StepError(urn, f"provider '{self.package}' created the resource but returned no id")
        return answer.id, self._received(answer.properties, inputs)

    def update(
        self, old: Resource, news: values.Properties, timeout: float, ignore: list[str], *, preview: bool
    ) -> values.Properties:
        if preview and not self._can_preview():
            return news if self.configured else {}
        request = provider_pb2.UpdateRequest(
            **_names(old.urn),
            id=old.id,
            olds=self._send(old.outputs, preview=preview),
            news=self._send(news, preview=preview),
            timeout=timeout,
            ignoreChanges=ignore,
            preview=preview,
            old_inputs=self._send(old.inputs, preview=preview),
        )
        answer = self._change(old.urn, self._stub.Update, request, news)
        return self._received(answer.properties, news)

    def delete(self, old: Resource, timeout: float) -> None:
        request = provider_pb2.DeleteRequest(
            **_names(old.urn),
            id=old.id,
            properties=self._send(old.outputs, preview=False),
            timeout=timeout,
            old_inputs=self._send(old.inputs, preview=False),
        )
        self._call(old.urn, self._stub.Delete, request)

    def read(
        self, urn: str, identifier: str, inputs: values.Properties, outputs: values.Properties
    ) -> ReadResult:
        if not self.configured:
            return ReadResult(identifier, {}, None)
        request = provider_pb2.ReadRequest(
            **_names(urn),
            id=identifier,
            inputs=self._send(inputs, preview=True),
            properties=self._send(outputs, preview=True),
        )
        answer = self._change(urn, self._stub.Read, request, inputs)
        found = self._received(answer.inputs, inputs) if answer.HasField("inputs") else None
        return ReadResult(answer.id, self._received(answer.properties, outputs or inputs), found)

    def invoke(self, token: str, arguments: values.Properties, *, preview: bool) -> Checked:
        if not self.configured:
            return {}, []
        request = provider_pb2.InvokeRequest(
            tok=token,
            args=values.to_struct(values.without_secrets(self._prepared(arguments, preview=preview))),
            preview=preview,
        )
        answer = self._call("", self._stub.Invoke, request)
        return values.from_struct(getattr(answer, "return")), messages.failures(answer)

    def call(self, request: Any) -> Any:
        return self._call("", self._stub.Call, request)

    def construct(self, request: Any) -> Any:
        return self._call(request.name, self._stub.Construct, request)

    def _can_preview(self) -> bool:
        return self._previews and self.configured

    def _prepared(self, properties: values.Properties, *, preview: bool) -> values.Properties:
        if not self._accepts_outputs:
            properties = values.without_outputs(properties)
        if not self._accepts_secrets:
            properties = values.without_secrets(properties)
        if not self._accepts_references:
            properties = values.without_references(properties)
        return properties if preview else values.without_unknowns(properties)

    def _send(self, properties: values.Properties, *, preview: bool) -> Any:
        return values.to_struct(self._prepared(properties, preview=preview))

    def _received(self, message: Any, sent: values.Properties) -> values.Properties:
        properties = values.without_outputs(values.from_struct(message))
        return properties if self._accepts_secrets else values.mark_like(properties, sent)

    def _optional(self, method: Callable[..., Any], request: Any, urn: str = "") -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNIMPLEMENTED:
                return None
            raise grpc_errors.step_error(urn, error, self.package) from None

    def _call(self, urn: str, method: Callable[..., Any], request: Any) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            raise grpc_errors.step_error(urn, error, self.package) from None

    def _change(self, urn: str, method: Callable[..., Any], request: Any, sent: values.Properties) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            initialization = grpc_errors.initialization_error(
                urn, error, lambda found: self._received(found, sent)
            )
            raise initialization or grpc_errors.step_error(urn, error, self.package) from None


def _names(urn: str) -> dict[str, Any]:
    return {"urn": urn, "name": name_of(urn), "type": type_of(urn)}
