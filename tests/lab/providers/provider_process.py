"""A provider process, driven as an engine drives it: over gRPC, property by property."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.providers.values import UNKNOWN, decode, encode

ROOT = Path(__file__).resolve().parents[3]
SEED = bytes(range(32))


def urn(token: str, name: str) -> str:
    return f"urn:pulumi:dev::project::{token}::{name}"


class ProviderProcess:
    """A running `python -m lab.providers.<package>`, or an official plugin by its path."""

    def __init__(
        self, package: str, environment: dict[str, str], *arguments: str, plugin: str | None = None
    ) -> None:
        command = [plugin] if plugin else [sys.executable, "-m", f"lab.providers.{package}"]
        self._process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def connect(self) -> "Connection":
        # Without a pool for each channel, channels to one address share a connection.
        options = [("grpc.use_local_subchannel_pool", 1)]
        return Connection(grpc.insecure_channel(f"127.0.0.1:{self.port}", options=options))

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


@dataclass
class StateEntry:
    """A resource as an engine stores it in its state."""

    token: str
    name: str
    id: str
    inputs: dict[str, Any]
    properties: dict[str, Any] = field(default_factory=dict)


class Connection:
    """One engine's connection, which is one provider instance."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.stub = provider_pb2_grpc.ResourceProviderStub(channel)

    def handshake(self, engine_address: str) -> None:
        self.stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address=engine_address))

    def attach(self, address: str) -> None:
        self.stub.Attach(plugin_pb2.PluginAttach(address=address))

    def version(self) -> str:
        return self.stub.GetPluginInfo(empty_pb2.Empty()).version

    def check_config(self, configuration: dict[str, Any]) -> list[str]:
        request = provider_pb2.CheckRequest(urn=urn("pulumi:providers:x", "x"), news=encode(configuration))
        return [failure.reason for failure in self.stub.CheckConfig(request).failures]

    def configure(self, configuration: dict[str, Any], package: str = "") -> "Connection":
        """Configure the instance; plugins that read the deprecated `variables` need the package's name."""
        variables = {f"{package}:config:{key}": str(value) for key, value in configuration.items()}
        request = provider_pb2.ConfigureRequest(
            args=encode(configuration), variables=variables if package else {}, acceptSecrets=True
        )
        self.stub.Configure(request)
        return self

    def check(
        self, token: str, name: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        request = provider_pb2.CheckRequest(
            urn=urn(token, name), news=encode(inputs), olds=encode(olds or {}), randomSeed=SEED
        )
        response = self.stub.Check(request)
        return decode(response.inputs), {failure.property: failure.reason for failure in response.failures}

    def checked(
        self, token: str, name: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        news, failures = self.check(token, name, inputs, olds)
        assert not failures, failures
        return news

    def preview(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        news = self.checked(token, name, inputs)
        request = provider_pb2.CreateRequest(urn=urn(token, name), properties=encode(news), preview=True)
        response = self.stub.Create(request)
        assert response.id == ""
        return decode(response.properties)

    def create(self, token: str, name: str, inputs: dict[str, Any]) -> StateEntry:
        news = self.checked(token, name, inputs)
        response = self.stub.Create(provider_pb2.CreateRequest(urn=urn(token, name), properties=encode(news)))
        assert response.id
        return StateEntry(token, name, response.id, news, decode(response.properties))

    def diff(self, entry: StateEntry, inputs: dict[str, Any], ignore: list[str] | None = None) -> Any:
        news = self.checked(entry.token, entry.name, inputs, entry.inputs)
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                id=entry.id,
                urn=urn(entry.token, entry.name),
                olds=encode(entry.properties),
                old_inputs=encode(entry.inputs),
                news=encode(news),
                ignoreChanges=ignore or [],
            )
        )

    def update(self, entry: StateEntry, inputs: dict[str, Any], *, preview: bool = False) -> StateEntry:
        news = self.checked(entry.token, entry.name, inputs, entry.inputs)
        request = provider_pb2.UpdateRequest(
            id=entry.id,
            urn=urn(entry.token, entry.name),
            olds=encode(entry.properties),
            old_inputs=encode(entry.inputs),
            news=encode(news),
            preview=preview,
        )
        properties = decode(self.stub.Update(request).properties)
        return StateEntry(entry.token, entry.name, entry.id, news, properties)

    def read(self, entry: StateEntry) -> StateEntry | None:
        request = provider_pb2.ReadRequest(
            id=entry.id,
            urn=urn(entry.token, entry.name),
            properties=encode(entry.properties),
            inputs=encode(entry.inputs),
        )
        response = self.stub.Read(request)
        if not response.id:
            return None
        return StateEntry(
            entry.token, entry.name, response.id, decode(response.inputs), decode(response.properties)
        )

    def imported(self, token: str, identifier: str) -> StateEntry | None:
        return self.read(StateEntry(token, "imported", identifier, {}))

    def delete(self, entry: StateEntry) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=entry.id,
                urn=urn(entry.token, entry.name),
                properties=encode(entry.properties),
                old_inputs=encode(entry.inputs),
            )
        )

    def invoke(self, token: str, arguments: dict[str, Any]) -> dict[str, Any]:
        response = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=encode(arguments)))
        return decode(getattr(response, "return"))


def refusal(error: grpc.RpcError) -> str:
    """The one line that an engine would show."""
    return str(error.details())


__all__ = ["UNKNOWN", "Connection", "ProviderProcess", "StateEntry", "refusal", "urn"]
