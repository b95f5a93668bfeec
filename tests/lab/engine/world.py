"""The provider of a small world: items are stored as files, so that a test can read and change them.

It implements the whole provider protocol, so that both engines can attach to it, and writes every call to
`calls.jsonl` in its directory. Run: `python -m tests.lab.engine.world DIRECTORY`.

The inputs of an item control its behaviour: `zone` replaces when it changes, `early` asks for deletion before
replacement, `fail` names the operation that fails, `delay` is its duration in seconds, `say` is what it logs.
"""
# ruff: noqa: N802  # the methods are named by provider.proto

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.provider import CallResult, ConstructResult, Provider
from pulumi.provider.provider import InvokeResult
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    plugin_pb2,
    provider_pb2,
    provider_pb2_grpc,
    status_pb2,
)

from lab.engine.state import values

REPLACING = {"zone"}
KIND = provider_pb2.PropertyDiff.Kind


class Group(pulumi.ComponentResource):
    """A remote component with two items."""

    def __init__(self, name, inputs, opts):
        super().__init__("world:index:Group", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.first = Member(
            f"{name}-first", {"size": inputs.get("size"), "label": inputs.get("label")}, child
        )
        self.second = Member(f"{name}-second", {"size": self.first.size}, child)
        self.register_outputs({"total": self.second.size})


class Member(pulumi.CustomResource):
    size: pulumi.Output[Any]

    def __init__(self, name, inputs, opts):
        super().__init__("world:index:Item", name, {"arn": None, **inputs}, opts)


class Components(Provider):
    """The part of the provider that the SDK implements."""

    def construct(self, name, resource_type, inputs, options=None):
        group = Group(name, inputs, options)
        return ConstructResult(
            group.urn, {"total": group.second.size, "first": group.first, "label": inputs.get("label")}
        )

    def call(self, token, args):
        return CallResult({"sum": pulumi.Output.from_input(args["add"]).apply(lambda number: number + 1)})

    def invoke(self, token, args):
        if token != "world:index:echo":
            raise ValueError(f"no function {token}")
        return InvokeResult({"said": args.get("say", "")})


class World(ProviderServicer):
    def __init__(self, directory: Path, engine_address: str) -> None:
        super().__init__(Components("1.0.0"), [], engine_address)
        self._directory = directory

    # Connection

    async def Handshake(self, request, context):
        self.engine_address = request.engine_address
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=True, accept_outputs=True
        )

    async def Attach(self, request: plugin_pb2.PluginAttach, context):
        self.engine_address = request.address
        return empty_pb2.Empty()

    async def Cancel(self, request, context):
        return empty_pb2.Empty()

    # Configuration

    async def CheckConfig(self, request, context):
        self._note("check-config", request.urn, inputs=values.from_struct(request.news))
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request, context):
        self._note("diff-config", request.urn)
        olds, news = values.from_struct(request.olds), values.from_struct(request.news)
        changed = [key for key in sorted({*olds, *news}) if olds.get(key) != news.get(key)]
        return provider_pb2.DiffResponse(
            changes=_changes(changed), diffs=changed, replaces=[key for key in changed if key == "region"]
        )

    async def Configure(self, request, context):
        self._note("configure", request.urn, inputs=values.from_struct(request.args))
        return await super().Configure(request, context)

    # Items

    async def Check(self, request, context):
        news = values.from_struct(request.news)
        self._note("check", request.urn, olds=values.from_struct(request.olds), news=news)
        failures = []
        if news.get("fail") == "check":
            failures.append(provider_pb2.CheckFailure(property="fail", reason="asked to fail the check"))
        news.setdefault("colour", "grey")
        return provider_pb2.CheckResponse(inputs=values.to_struct(news), failures=failures)

    async def Diff(self, request, context):
        news = values.from_struct(request.news)
        olds = values.from_struct(request.old_inputs)
        self._note("diff", request.urn, olds=olds, news=news, ignore=list(request.ignoreChanges))
        changed = [key for key in sorted({*olds, *news}) if olds.get(key) != news.get(key)]
        changed = [key for key in changed if key not in request.ignoreChanges]
        replaces = [key for key in changed if key in REPLACING]
        detailed = {}
        for key in changed:
            kind = KIND.ADD if key not in olds else KIND.DELETE if key not in news else KIND.UPDATE
            if key in REPLACING:
                kind += 1
            detailed[key] = provider_pb2.PropertyDiff(kind=kind, inputDiff=True)
        return provider_pb2.DiffResponse(
            changes=_changes(changed),
            diffs=changed,
            replaces=replaces,
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(values.reveal(news.get("early"))),
        )

    async def Create(self, request, context):
        inputs = values.from_struct(request.properties)
        self._note("create", request.urn, preview=request.preview, inputs=inputs)
        if request.preview:
            return provider_pb2.CreateResponse(properties=values.to_struct({**inputs, "arn": values.UNKNOWN}))
        await self._work("create", request.urn, inputs, context)
        name = request.urn.rpartition("::")[2]
        identifier = f"{name}-{self._count(name)}"
        outputs = {**inputs, "arn": f"arn:{identifier}"}
        self._save(identifier, inputs)
        if inputs.get("fail") == "init":
            await _abort_unready(context, identifier, outputs, inputs)
        return provider_pb2.CreateResponse(id=identifier, properties=values.to_struct(outputs))

    async def Update(self, request, context):
        inputs = values.from_struct(request.news)
        self._note("update", request.urn, preview=request.preview, id=request.id, inputs=inputs)
        outputs = {**inputs, "arn": f"arn:{request.id}"}
        if not request.preview:
            await self._work("update", request.urn, inputs, context)
            self._save(request.id, inputs)
        return provider_pb2.UpdateResponse(properties=values.to_struct(outputs))

    async def Delete(self, request, context):
        self._note("delete", request.urn, id=request.id)
        await self._work("delete", request.urn, values.from_struct(request.properties), context)
        self._file(request.id).unlink(missing_ok=True)
        return empty_pb2.Empty()

    async def Read(self, request, context):
        self._note("read", request.urn, id=request.id)
        try:
            inputs = json.loads(self._file(request.id).read_text())
        except FileNotFoundError:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=values.to_struct(inputs),
            properties=values.to_struct({**inputs, "arn": f"arn:{request.id}"}),
        )

    async def Construct(self, request, context):
        self._note("construct", request.name, preview=request.dryRun)
        return await super().Construct(request, context)

    async def Invoke(self, request, context):
        self._note("invoke", request.tok, inputs=values.from_struct(request.args))
        return await super().Invoke(request, context)

    # The world

    async def _work(self, operation: str, urn: str, inputs: dict[str, Any], context) -> None:
        if inputs.get("say"):
            await self._say(urn, inputs["say"])
        if inputs.get("delay"):
            await asyncio.sleep(inputs["delay"])
        if inputs.get("fail") == operation:
            await context.abort(grpc.StatusCode.UNKNOWN, f"asked to fail the {operation}")

    async def _say(self, urn: str, text: str) -> None:
        async with grpc.aio.insecure_channel(self.engine_address) as channel:
            engine = engine_pb2_grpc.EngineStub(channel)
            await engine.Log(
                engine_pb2.LogRequest(severity=engine_pb2.INFO, urn=urn, message=text, ephemeral=True)
            )

    def _file(self, identifier: str) -> Path:
        return self._directory / "items" / f"{identifier}.json"

    def _save(self, identifier: str, inputs: dict[str, Any]) -> None:
        self._file(identifier).parent.mkdir(parents=True, exist_ok=True)
        self._file(identifier).write_text(json.dumps(inputs))

    def _count(self, name: str) -> int:
        # The number of items created under that name, including this one.
        counter = self._directory / "counts.json"
        counts = json.loads(counter.read_text()) if counter.exists() else {}
        counts[name] = counts.get(name, 0) + 1
        counter.write_text(json.dumps(counts))
        return counts[name]

    def _note(self, method: str, urn: str, **facts: Any) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "calls.jsonl").open("a") as file:
            file.write(json.dumps({"method": method, "urn": urn, **facts}, sort_keys=True) + "\n")


def _changes(changed: list[str]) -> Any:
    return provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE


async def _abort_unready(context, identifier: str, outputs: dict[str, Any], inputs: dict[str, Any]) -> None:
    failed = provider_pb2.ErrorResourceInitFailed(
        id=identifier,
        properties=values.to_struct(outputs),
        inputs=values.to_struct(inputs),
        reasons=["it never became ready"],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="not ready")
    status.details.add().Pack(failed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    await context.abort(grpc.StatusCode.UNKNOWN, "not ready")


async def serve(directory: Path, engine_address: str) -> None:
    server = grpc.aio.server()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(World(directory, engine_address), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
