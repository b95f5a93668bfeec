"""Serves an emulated provider over Pulumi's own gRPC protocol.

The Pulumi CLI and `lab.engine` start `python -m lab.providers.<package> [ENGINE_ADDRESS]` and read the port
from the first line of its output. With `PULUMI_DEBUG_PROVIDERS` the CLI attaches to a running process
instead; that process then serves every provider instance of the program (default and explicit ones), and only
the connection of a call tells them apart.
"""
# ruff: noqa: N802  # the methods are named by provider.proto

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn, Protocol

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from lab.providers.engine_log import EngineLog
from lab.providers.errors import (
    InitializationFailedError,
    ProviderError,
    RefusedError,
    UnavailableError,
)
from lab.providers.resource import Change, Difference, Failure, Operation, Resource
from lab.providers.values import Properties, decode, encode

# A handler blocks while the cloud works, and the engine starts as many operations as its parallelism allows.
THREADS = 256
CHANNEL_OPTIONS = [
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.max_send_message_length", 400 * 1024 * 1024),
]
KINDS: dict[str, Any] = {"add": 0, "delete": 2, "update": 4}  # PropertyDiff.Kind; +1 means "and replaces"


class Instance(Protocol):
    """A configured provider: a `pulumi.Provider` resource of the program."""

    def resource(self, token: str) -> Resource:
        """The resource type of a token; raises `NotOfferedError` for an unknown one."""

    def invoke(self, token: str, arguments: Properties) -> Properties:
        """The result of a function; raises `NotOfferedError` for an unknown one."""


class Package(Protocol):
    """A provider before it is configured."""

    name: str
    version: str

    def check_configuration(self, configuration: Properties) -> Sequence[Failure]:
        """The problems of a provider's inputs, unknown keys among them."""

    def diff_configuration(self, olds: Properties, news: Properties) -> Difference:
        """The changes of a provider's inputs, and whether they replace the provider and its resources."""

    def configure(self, configuration: Properties) -> Instance:
        """A provider instance, ready for calls."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Translates between gRPC and `Package`, `Instance` and `Resource`; independent of any cloud."""

    def __init__(self, package: Package, engine_address: str = "") -> None:
        self._package = package
        self._log = EngineLog(engine_address)
        self._instances: dict[str, Instance] = {}

    # -- the connection ------------------------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:
        # Secrets and references are left to the engine.
        self._log.engine_of(context.peer(), request.engine_address)
        return provider_pb2.ProviderHandshakeResponse()

    def Attach(self, request: Any, context: Any) -> Any:
        # Called by an engine that did not start this process.
        self._log.engine_of(context.peer(), request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002  # signature of the protocol
        # The CLI compares the version with that of the SDK.
        return plugin_pb2.PluginInfo(version=self._package.version)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002  # signature of the protocol
        # Running calls finish: if they were aborted, a half-created resource would be in no state.
        self._instances.pop(context.peer(), None)
        return empty_pb2.Empty()

    # -- configuration -------------------------------------------------------------------------------------

    def CheckConfig(self, request: Any, context: Any) -> Any:

        def check() -> Any:
            failures = self._package.check_configuration(decode(request.news))
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

        return self._answer(context, f"checking the configuration of provider {self._package.name}", check)

    def DiffConfig(self, request: Any, context: Any) -> Any:

        def diff() -> Any:
            olds = decode(request.old_inputs) or decode(request.olds)
            return _diff_response(self._package.diff_configuration(olds, decode(request.news)))

        return self._answer(context, f"comparing the configuration of provider {self._package.name}", diff)

    def Configure(self, request: Any, context: Any) -> Any:

        def configure() -> Any:
            self._instances[context.peer()] = self._package.configure(decode(request.args))
            return provider_pb2.ConfigureResponse(supportsPreview=True)

        return self._answer(context, f"configuring provider {self._package.name}", configure)

    # -- resources -----------------------------------------------------------------------------------------

    def Check(self, request: Any, context: Any) -> Any:

        def check(resource: Resource, operation: Operation) -> Any:
            olds = decode(request.olds) if request.olds.fields else None
            checked = resource.check(operation, decode(request.news), olds, request.randomSeed)
            return provider_pb2.CheckResponse(
                inputs=encode(checked.inputs), failures=_failures(checked.failures)
            )

        return self._on_resource(request, context, "checking", check)

    def Diff(self, request: Any, context: Any) -> Any:
        # `olds` is used if an engine sends no old inputs.

        def diff(resource: Resource, operation: Operation) -> Any:
            olds, old_inputs = decode(request.olds), decode(request.old_inputs)
            difference = resource.diff(operation, request.id, old_inputs, olds, decode(request.news))
            return _diff_response(difference, ignored=frozenset(request.ignoreChanges))

        return self._on_resource(request, context, "comparing", diff)

    def Create(self, request: Any, context: Any) -> Any:

        def create(resource: Resource, operation: Operation) -> Any:
            state = resource.create(operation, decode(request.properties), preview=request.preview)
            return provider_pb2.CreateResponse(
                id="" if request.preview else state.identifier, properties=encode(state.properties)
            )

        return self._on_resource(request, context, "creating", create)

    def Read(self, request: Any, context: Any) -> Any:

        def read(resource: Resource, operation: Operation) -> Any:
            state = resource.read(operation, request.id, decode(request.properties), decode(request.inputs))
            if state is None:
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=state.identifier, properties=encode(state.properties), inputs=encode(state.inputs or {})
            )

        return self._on_resource(request, context, "reading", read)

    def Update(self, request: Any, context: Any) -> Any:

        def update(resource: Resource, operation: Operation) -> Any:
            olds, news, old_inputs = decode(request.olds), decode(request.news), decode(request.old_inputs)
            properties = resource.update(
                operation, request.id, old_inputs, olds, news, preview=request.preview
            )
            return provider_pb2.UpdateResponse(properties=encode(properties))

        return self._on_resource(request, context, "updating", update)

    def Delete(self, request: Any, context: Any) -> Any:

        def delete(resource: Resource, operation: Operation) -> Any:
            resource.delete(operation, request.id, decode(request.old_inputs), decode(request.properties))
            return empty_pb2.Empty()

        return self._on_resource(request, context, "deleting", delete)

    # -- functions -----------------------------------------------------------------------------------------

    def Invoke(self, request: Any, context: Any) -> Any:

        def invoke() -> Any:
            answer = self._instance(context).invoke(request.tok, decode(request.args))
            response: dict[str, Any] = {"return": encode(answer)}  # a keyword, so not usable as an argument
            return provider_pb2.InvokeResponse(**response)

        return self._answer(context, f"calling {request.tok}", invoke)

    # -- shared --------------------------------------------------------------------------------------------

    def _instance(self, context: Any) -> Instance:
        if context.peer() not in self._instances:
            raise RefusedError(f"provider {self._package.name} was called before it was configured")
        return self._instances[context.peer()]

    def _on_resource(
        self, request: Any, context: Any, verb: str, call: Callable[[Resource, Operation], Any]
    ) -> Any:
        operation = self._operation(request, context)

        def run() -> Any:
            return call(self._instance(context).resource(operation.token), operation)

        return self._answer(context, f"{verb} {operation.token} '{operation.name}'", run)

    def _operation(self, request: Any, context: Any) -> Operation:
        peer, urn = context.peer(), request.urn
        token, name = type_and_name(urn)
        return Operation(
            urn=urn,
            token=token,
            name=name,
            timeout=getattr(request, "timeout", 0),
            progress=lambda text: self._log.progress(peer, urn, text),
            warn=lambda text: self._log.warn(peer, urn, text),
        )

    def _answer(self, context: Any, doing: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except InitializationFailedError as failure:
            context.abort_with_status(initialization_status(doing, failure))
        except ProviderError as error:
            context.abort(status_code(error), f"{doing}: {error}")
        except Exception as error:  # noqa: BLE001, RUF100  # the last place where a bug can be reported as one
            traceback.print_exc(file=sys.stderr)
            described = f"{type(error).__name__}: {error}"
            context.abort(
                grpc.StatusCode.INTERNAL,
                f"{doing}: a bug in the lab's {self._package.name} provider: {described}",
            )
        return _unreachable()


def type_and_name(urn: str) -> tuple[str, str]:
    """The type token and name in `urn:pulumi:stack::project::parent$type::name`."""
    _, _, types, name = urn.split("::", 3)
    return types.rsplit("$", 1)[-1], name


def status_code(error: ProviderError) -> grpc.StatusCode:
    match error:
        case UnavailableError():
            # Not UNAVAILABLE: engines interpret it as "the provider process has died".
            return grpc.StatusCode.ABORTED
        case _:
            return grpc.StatusCode.INVALID_ARGUMENT


class _Status(grpc.Status):
    """A status with details, in the form that grpc's `abort_with_status` takes."""

    def __init__(self, code: grpc.StatusCode, details: str, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.code, self.details, self.trailing_metadata = code, details, metadata


def initialization_status(doing: str, failure: InitializationFailedError) -> Any:
    """The status that makes an engine save a resource together with the reasons why it is not ready."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=failure.identifier, properties=encode(failure.properties), reasons=failure.reasons
    )
    text = f"{doing}: {failure}"
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text)
    status.details.add().Pack(detail)
    metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return _Status(grpc.StatusCode.UNKNOWN, text, metadata)


def _failures(failures: Sequence[Failure]) -> list[Any]:
    return [
        provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures
    ]


def _diff_response(difference: Difference, ignored: frozenset[str] = frozenset()) -> Any:
    changes = [change for change in difference.changes if change.top_level not in ignored]
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=_unique(change.top_level for change in changes),
        replaces=_unique(change.top_level for change in changes if change.replaces),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff={change.path: _property_diff(change) for change in changes},
        hasDetailedDiff=bool(changes),
    )


def _property_diff(change: Change) -> Any:
    return provider_pb2.PropertyDiff(kind=KINDS[change.kind] + change.replaces, inputDiff=change.of_inputs)


def _unique(keys: Any) -> list[str]:
    return list(dict.fromkeys(keys))


def _unreachable() -> NoReturn:
    raise AssertionError("grpc's abort always raises")


def start(package: Package, engine_address: str = "") -> tuple[Any, int]:
    """Start a gRPC server on a free port of the loopback interface; returns server and port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=THREADS), options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(package, engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(package: Package, arguments: Sequence[str]) -> None:
    """Serve until a signal ends the process: the whole of a provider's `__main__`."""
    server, port = start(package, engine_address_in(arguments))
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # signature of `signal`
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    print(port, flush=True)
    stop.wait()
    server.stop(grace=5).wait()


def engine_address_in(arguments: Sequence[str]) -> str:
    # The first argument that is no option; absent when an engine attaches.
    return next((argument for argument in arguments if not argument.startswith("-")), "")
