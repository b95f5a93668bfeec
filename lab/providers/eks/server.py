"""Serves components over gRPC, so that an engine can start this process or attach to it.

`pulumi.provider` implements Construct and Call. It lacks the other calls of an attaching engine (Attach,
Handshake and the checks of a provider's configuration), and its errors contain a traceback where one line is
expected.
"""
# ruff: noqa: N802  # the methods are named by provider.proto

import asyncio
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.errors import InputPropertiesError, InputPropertyError, RunError
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from lab.providers.eks.provider import EksProvider
from lab.providers.errors import ProviderError
from lab.providers.server import CHANNEL_OPTIONS, engine_address_in
from lab.providers.values import decode

# A registration blocks its thread until the engine has created the resource.
THREADS = 64


class Servicer(ProviderServicer):
    """The SDK's servicer with the missing calls added."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(EksProvider(), [], engine_address)
        self._default_engine = engine_address
        self._engines: dict[str, str] = {}

    async def Handshake(self, request: Any, context: Any) -> Any:
        # Components need output values and resource references as such.
        self._engine_of(context, request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True
        )

    async def Attach(self, request: Any, context: Any) -> Any:
        # Called by an engine that did not start this process.
        self._engine_of(context, request.address)
        return empty_pb2.Empty()

    async def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002  # the protocol's
        # The provider has no options; an ignored one would be a surprise.
        unknown = sorted(set(decode(request.news)) - {"version", "pluginDownloadURL"})
        failures = [
            provider_pb2.CheckFailure(property=key, reason=f"the lab's eks provider has no option '{key}'")
            for key in unknown
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002  # the protocol's
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Construct(self, request: Any, context: Any) -> Any:
        return await self._answer(request, context, self._construct)

    async def Call(self, request: Any, context: Any) -> Any:
        return await self._answer(request, context, self._call)

    async def _answer(self, request: Any, context: Any, work: Callable[[Any, Any], Awaitable[Any]]) -> Any:
        # The SDK reads this attribute before its first await, so calls of two engines do not mix.
        self.engine_address = self._engines.get(context.peer(), self._default_engine)
        try:
            return await work(request, context)
        except InputPropertiesError as error:
            reasons = "; ".join(problem["reason"] for problem in error.errors or ())
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, reasons or error.message)
        except InputPropertyError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error.property_path}: {error.reason}")
        except ProviderError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except RunError as error:
            # The engine has stopped, and it has reported the reason.
            await context.abort(grpc.StatusCode.CANCELLED, str(error))
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            await context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
        return None

    def _engine_of(self, context: Any, address: str) -> None:
        if address:
            self._engines[context.peer()] = address


def report_unless_engine_gave_up(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Every output that waits for a failed child ends with its own error; one report is enough.
    if not isinstance(context.get("exception"), RunError):
        loop.default_exception_handler(context)


async def _serve(arguments: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(report_unless_engine_gave_up)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=THREADS))
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(engine_address_in(arguments)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(port, flush=True)
    await stop.wait()
    await server.stop(grace=5)


def serve(arguments: Sequence[str]) -> None:
    asyncio.run(_serve(arguments))
