"""The dynamic resources over Pulumi's own protocol, served by Pulumi's own server in a process of its own.

Shows what the mocks cannot: that providers are stored by reference and found again, that unknown inputs are
accepted, and what a user of `pulumi up` sees of an error.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from eks_cilium.dynamic.access_gate import AccessGateProvider
from eks_cilium.dynamic.interface_sweep import InterfaceSweepProvider
from eks_cilium.dynamic.readiness_gate import ReadinessGateProvider

pytestmark = pytest.mark.simulation

PROJECT = Path(__file__).resolve().parents[3]
SWEEP = {
    "cluster_name": "dev",
    "region": "eu-central-1",
    "profile": "no-such-profile",
    "vpc_id": "vpc-1",
    "tag_key": "eks-cilium/cluster",
    "engine_version": "1",
    "__provider": serialize_provider(InterfaceSweepProvider()),
}
GATE = {
    "cluster_name": "dev",
    "region": "eu-central-1",
    "profile": None,
    "endpoint": "https://127.0.0.1:1",
    "certificate_authority": "bm90IGEgY2VydGlmaWNhdGU=",
    "minimum_nodes": 2,
    "engine_version": "1",
    "__provider": serialize_provider(ReadinessGateProvider()),
}

ACCESS = {
    **{key: value for key, value in GATE.items() if key != "minimum_nodes"},
    "made": ["2026-01-01T00:00:00Z"],
    "__provider": serialize_provider(AccessGateProvider()),
}


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


@pytest.fixture(scope="module")
def server() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"],
        cwd=PROJECT,
        env={**os.environ, "PULUMI_PROJECT": "eks-cilium"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(provider_pb2.ConfigureRequest(args=struct({})))
        yield stub
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "provider", [InterfaceSweepProvider(), ReadinessGateProvider(), AccessGateProvider()]
)
def test_a_provider_is_stored_by_reference_and_not_as_a_secret(provider: Any):
    """The reference is a contract with existing stacks: module path and class name, nothing else."""
    stored = base64.b64decode(serialize_provider(provider))

    assert len(stored) < 100
    assert type(provider).__module__.encode() in stored
    assert provider.serialize_as_secret_always is False


def test_the_sweep_remembers_whose_interfaces_it_is_about(server: Any):
    made = server.Create(provider_pb2.CreateRequest(properties=struct(SWEEP)))

    assert made.id == "dev/interfaces"
    assert rpc.deserialize_properties(made.properties)["vpc_id"] == "vpc-1"


@pytest.mark.parametrize("inputs", [SWEEP, GATE, ACCESS], ids=["sweep", "gate", "access"])
def test_without_changes_there_is_no_diff(server: Any, inputs: dict[str, Any]):
    answer = server.Diff(provider_pb2.DiffRequest(id="x", olds=struct(inputs), news=struct(inputs)))

    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


@pytest.mark.parametrize("inputs", [SWEEP, GATE, ACCESS], ids=["sweep", "gate", "access"])
def test_an_unknown_input_is_a_change_and_never_a_replacement(server: Any, inputs: dict[str, Any]):
    unknown = {**inputs, "cluster_name": rpc.UNKNOWN}

    answer = server.Diff(provider_pb2.DiffRequest(id="x", olds=struct(inputs), news=struct(unknown)))

    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == []


@pytest.mark.parametrize("inputs", [SWEEP, GATE, ACCESS], ids=["sweep", "gate", "access"])
def test_check_accepts_unknown_inputs(server: Any, inputs: dict[str, Any]):
    unknown = {**inputs, "cluster_name": rpc.UNKNOWN}

    assert not server.Check(provider_pb2.CheckRequest(news=struct(unknown))).failures


def test_an_error_that_a_user_can_fix_has_no_stack_trace(server: Any):
    with pytest.raises(grpc.RpcError) as error:
        server.Delete(provider_pb2.DeleteRequest(id="dev/interfaces", properties=struct(SWEEP)))

    assert "no-such-profile" in error.value.details()
    assert "Traceback" not in error.value.details()
    assert "File " not in error.value.details()


def test_a_bug_has_its_stack_trace(server: Any):
    with pytest.raises(grpc.RpcError) as error:
        server.Create(provider_pb2.CreateRequest(properties=struct({**GATE, "minimum_nodes": "two"})))

    assert "Traceback" in error.value.details()


def test_deleting_the_gate_does_nothing(server: Any):
    assert server.Delete(provider_pb2.DeleteRequest(id="dev/readiness", properties=struct(GATE)))
