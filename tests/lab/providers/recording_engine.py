"""An engine that records: the log lines of providers, and the resources that a component registers."""
# ruff: noqa: N802  # the methods are named by resource.proto and engine.proto

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import (
    engine_pb2_grpc,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

from lab.providers.values import UNKNOWN, decode, encode


class Listener(engine_pb2_grpc.EngineServicer):
    def __init__(self):
        self.lines = []

    def Log(self, request, context):
        self.lines.append((request.urn, request.message, request.ephemeral))
        return empty_pb2.Empty()


@dataclass
class Registered:
    """One registration, with names instead of URNs."""

    type: str
    name: str
    parent: str
    inputs: dict
    dependencies: list = field(default_factory=list)
    ignored: list = field(default_factory=list)
    urn: str = ""


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Registers everything; the outputs of a type are its `computed` values, or unknown."""

    def __init__(self, computed):
        self.computed = computed
        self.registered = {}
        self.outputs = {}
        self.invoked = []

    def SupportsFeature(self, request, context):
        wanted = {"secrets", "resourceReferences", "outputValues", "aliasSpecs", "deletedWith"}
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in wanted)

    def RegisterResource(self, request, context):
        parents = request.parent.split("::")[2] + "$" if request.parent else ""
        urn = f"urn:pulumi:dev::project::{parents}{request.type}::{request.name}"
        inputs = decode(request.object)
        self.registered[urn] = Registered(
            type=request.type,
            name=request.name,
            parent=request.parent.rsplit("::", 1)[-1],
            inputs=inputs,
            dependencies=sorted(dependency.rsplit("::", 1)[-1] for dependency in request.dependencies),
            ignored=list(request.ignoreChanges),
            urn=urn,
        )
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        outputs = {"arn": UNKNOWN} | inputs | self.computed.get(request.type, {})
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"{request.name}-id", object=encode(outputs))

    def RegisterResourceOutputs(self, request, context):
        self.outputs[request.urn] = decode(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request, context):
        self.invoked.append((request.tok, decode(request.args)))
        answers = {
            "aws:index/getPartition:getPartition": {
                "id": "aws",
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "reverseDnsPrefix": "com.amazonaws",
            },
            "aws:eks/getAddonVersion:getAddonVersion": {"id": "x", "version": "v9.9.9-eksbuild.9"},
        }
        return resource_pb2.ResourceInvokeResponse(**{"return": encode(answers[request.tok])})

    def tree(self):
        return {(found.type, found.name, found.parent) for found in self.registered.values()}

    def of(self, name):
        return next(found for found in self.registered.values() if found.name == name)


@contextmanager
def listening(*, computed=None):
    """A running engine: its address, its listener and its monitor."""
    server = grpc.server(ThreadPoolExecutor(max_workers=32))
    listener, monitor = Listener(), Monitor(computed or {})
    engine_pb2_grpc.add_EngineServicer_to_server(listener, server)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", listener, monitor
    finally:
        server.stop(grace=None)


def construct_request(address, token, name, inputs, *, preview=False):
    return provider_pb2.ConstructRequest(
        project="project",
        stack="dev",
        organization="organization",
        dryRun=preview,
        parallel=8,
        monitorEndpoint=address,
        type=token,
        name=name,
        parent="",
        inputs=encode(inputs),
        accepts_output_values=True,
    )
