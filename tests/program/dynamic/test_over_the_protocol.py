"""The resources of a migration over Pulumi's own protocol, served by Pulumi, in an account without clusters.

Shows what calls in this process cannot: that they are stored by reference and found again, that unknown
inputs are taken, and how an error looks to the user who runs `pulumi up`.
"""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic import CreateResult
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from eks_cilium.dynamic.replacement.node_rotation import NodeRotationProvider
from eks_cilium.dynamic.replacement.surge import SurgeProvider
from eks_cilium.dynamic.shell.operation import OperationProvider
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.process import THIS_PROCESS

from .shells import inputs
from .test_resources import KINDS

pytestmark = pytest.mark.simulation

PROJECT = Path(__file__).resolve().parents[3]


class NoClusters(BaseHTTPRequestHandler):
    """EKS, of an account that has no cluster."""

    def do_GET(self) -> None:
        body = json.dumps({"message": "No cluster found for name: demo."}).encode()
        self.send_response(404)
        self.send_header("x-amzn-errortype", "ResourceNotFoundException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def empty_account() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), NoClusters)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server(
    empty_account: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with served(empty_account, tmp_path_factory.mktemp("project")) as stub:
        yield stub


@contextmanager
def served(account: str, folder: Path, engine: str = "") -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Pulumi's server of dynamic resources, configured, with the addresses of an account and of an engine."""
    environment = {
        **os.environ,
        "PULUMI_PROJECT": "eks-cilium",
        "AWS_ENDPOINT_URL": account,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(PROJECT),
    }
    environment.pop("AWS_PROFILE", None)
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", *([engine] if engine else [])],
        cwd=folder,
        env=environment,
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


class WaitingProvider(PlainErrorsProvider):
    """Has much to do, and nothing more once it is told that nothing further is wanted."""

    def create(self, _props: dict[str, Any]) -> CreateResult:
        return CreateResult("cancelled" if THIS_PROCESS.cancelled.wait(20) else "done", {})


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(values)
    return message


def given(kind: type[OperationProvider[Any]], **changes: Any) -> dict[str, Any]:
    """Inputs as the engine hands them on."""
    known = inputs(
        nodes=["node-1"],
        left=1,
        node="node-1",
        workloads=["Deployment shop/web"],
        workload={"kind": "Deployment", "namespace": "shop", "name": "web"},
        peers=["10.2.0.0/16"],
    )
    return {**known, **changes, "__provider": serialize_provider(kind())}


def shown(error: grpc.RpcError) -> str:
    """What Pulumi shows the user of an error."""
    details = error.details()
    assert details is not None
    return details


every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_a_provider_is_stored_by_reference_and_not_as_a_secret(kind: type[OperationProvider[Any]]) -> None:
    """The reference is a contract with existing stacks: module path and class name, nothing else."""
    stored = base64.b64decode(serialize_provider(kind()))

    assert len(stored) < 100
    assert kind.__module__.encode() in stored
    assert kind.__name__.encode() in stored
    assert kind.serialize_as_secret_always is False


def test_module_paths_and_names_of_providers_never_change() -> None:
    """Renaming one would leave every stack that has it unable to delete it."""
    assert {f"{kind.__module__}.{kind.__name__}" for kind in KINDS} == {
        "eks_cilium.dynamic.replacement.agent_gates.AgentGateProvider",
        "eks_cilium.dynamic.replacement.agent_gates.AgentsGoneProvider",
        "eks_cilium.dynamic.replacement.aws_node_affinity.AwsNodeAffinityProvider",
        "eks_cilium.dynamic.replacement.aws_node_removal.AwsNodeRemovalProvider",
        "eks_cilium.dynamic.chaining.chained_agents.ChainedAgentsProvider",
        "eks_cilium.dynamic.chaining.chained_agents.UnchainingProvider",
        "eks_cilium.dynamic.chaining.managed_pods.ManagedPodsProvider",
        "eks_cilium.dynamic.replacement.canary_check.CanaryCheckProvider",
        "eks_cilium.dynamic.replacement.node_batch.NodeBatchProvider",
        "eks_cilium.dynamic.replacement.node_inventory.NodeInventoryProvider",
        "eks_cilium.dynamic.replacement.node_rotation.NodeRotationProvider",
        "eks_cilium.dynamic.chaining.pod_inventory.PodInventoryProvider",
        "eks_cilium.dynamic.chaining.pod_refresh.PodRefreshProvider",
        "eks_cilium.dynamic.policy_enforcement.PolicyPauseProvider",
        "eks_cilium.dynamic.policy_enforcement.PolicyResumeProvider",
        "eks_cilium.dynamic.chaining.snat_exclusions.SnatExclusionsProvider",
        "eks_cilium.dynamic.replacement.surge.CapacityRestoreProvider",
        "eks_cilium.dynamic.replacement.surge.SurgeProvider",
    }


@every_kind
def test_nothing_changed_is_no_diff(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    known = struct(given(kind))

    answer = server.Diff(provider_pb2.DiffRequest(id="x", olds=known, news=known))

    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


@every_kind
def test_a_migration_that_is_not_known_yet_is_a_change_and_never_a_replacement(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    olds, news = struct(given(kind)), struct(given(kind, migration=rpc.UNKNOWN))

    answer = server.Diff(provider_pb2.DiffRequest(id="x", olds=olds, news=news))

    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == []


@every_kind
def test_a_cluster_that_is_not_known_yet_fails_no_check(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    answer = server.Check(provider_pb2.CheckRequest(news=struct(given(kind, cluster_name=rpc.UNKNOWN))))

    assert list(answer.failures) == []
    plan = rpc.deserialize_properties(answer.inputs, keep_unknowns=True).get("plan")
    assert plan in (None, ["not known before the cluster is made"])


@every_kind
def test_a_cluster_that_does_not_exist_yet_fails_no_check(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    answer = server.Check(provider_pb2.CheckRequest(news=struct(given(kind))))

    assert list(answer.failures) == []
    plan = rpc.deserialize_properties(answer.inputs).get("plan")
    assert plan in (None, ["not known: EKS has no cluster demo that answers yet"])


@every_kind
def test_an_operation_without_its_cluster_ends_in_one_plain_sentence(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        server.Create(provider_pb2.CreateRequest(properties=struct(given(kind))))

    assert "EKS has no cluster demo that answers yet" in shown(error.value)
    assert "Traceback" not in shown(error.value)
    assert "File " not in shown(error.value)


@every_kind
def test_deleting_a_resource_of_a_deleted_cluster_works(
    server: provider_pb2_grpc.ResourceProviderStub, kind: type[OperationProvider[Any]]
) -> None:
    properties = struct({**given(kind), "result": {}})

    assert server.Delete(provider_pb2.DeleteRequest(id="x", properties=properties))


def test_a_mistake_in_the_program_comes_with_its_stack_trace(
    server: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    broken = struct(given(KINDS[0], target="calico"))

    with pytest.raises(grpc.RpcError) as error:
        server.Create(provider_pb2.CreateRequest(properties=broken))

    assert "Traceback" in shown(error.value)


def test_mistakes_in_four_resources_at_once_come_with_all_their_stack_traces(
    server: provider_pb2_grpc.ResourceProviderStub,
) -> None:
    """Pulumi serves a stack's resources from four threads, while others end in plain sentences."""
    rounds, lanes = 10, 4
    together = threading.Barrier(2 * lanes)

    def create(properties: struct_pb2.Struct) -> list[str]:
        answers = []
        for _ in range(rounds):
            together.wait()
            with pytest.raises(grpc.RpcError) as error:
                server.Create(provider_pb2.CreateRequest(properties=properties))
            answers.append(shown(error.value))
        return answers

    mistaken = [struct(given(kind, target="calico")) for kind in KINDS[:lanes]]
    refused = [struct(given(kind)) for kind in KINDS[:lanes]]
    with ThreadPoolExecutor(2 * lanes) as threads:
        answers = list(threads.map(create, [*mistaken, *refused]))

    for answer in (answer for lane in answers[:lanes] for answer in lane):
        assert answer.count('File "') > 1
        assert "runs.py" in answer
    for answer in (answer for lane in answers[lanes:] for answer in lane):
        assert 'File "' not in answer


AT_ONCE = 12


class Crowd(NoClusters):
    """The same account; it answers once so many ask at the same time."""

    everyone = threading.Barrier(AT_ONCE, timeout=60)

    def do_GET(self) -> None:
        self.everyone.wait()
        super().do_GET()


def test_more_than_four_nodes_are_in_work_at_once(tmp_path: Path) -> None:
    """Pulumi's server has four threads; the first call of a process gives it more."""
    account = ThreadingHTTPServer(("127.0.0.1", 0), Crowd)
    account.daemon_threads = True
    threading.Thread(target=account.serve_forever, daemon=True).start()
    request = provider_pb2.CreateRequest(properties=struct(given(NodeRotationProvider)))

    def create(stub: provider_pb2_grpc.ResourceProviderStub) -> str:
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Create(request)
        return shown(refusal.value)

    with (
        served(f"http://127.0.0.1:{account.server_port}", tmp_path) as stub,
        ThreadPoolExecutor(AT_ONCE) as callers,
    ):
        answers = list(callers.map(lambda _: create(stub), range(AT_ONCE)))

    account.shutdown()
    account.server_close()
    assert all("has no cluster demo" in answer for answer in answers)


def test_an_operation_in_work_learns_of_ctrl_c(empty_account: str, tmp_path: Path) -> None:
    """Pulumi's engine calls `Cancel` then, which Pulumi's server keeps to itself."""
    properties = struct({"__provider": serialize_provider(WaitingProvider())})

    with served(empty_account, tmp_path) as stub, ThreadPoolExecutor(1) as callers:
        stub.Diff(provider_pb2.DiffRequest(id="x", olds=properties, news=properties))
        created = callers.submit(stub.Create, provider_pb2.CreateRequest(properties=properties))
        stub.Cancel(empty_pb2.Empty())

        assert created.result().id == "cancelled"


class Rows(engine_pb2_grpc.EngineServicer):
    """An engine that keeps the lines it is to show: the URN of each row, and the line."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def Log(  # noqa: N802 - as gRPC calls it
        self, request: engine_pb2.LogRequest, _context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        self.lines.append((request.urn, request.message))
        return empty_pb2.Empty()


@pytest.fixture
def rows() -> Iterator[tuple[Rows, str]]:
    """An engine and its address."""
    rows, server = Rows(), grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(rows, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield rows, f"127.0.0.1:{port}"
    server.stop(None)


def test_progress_is_shown_on_the_row_of_the_resource_that_is_worked_on(
    empty_account: str, tmp_path: Path, rows: tuple[Rows, str]
) -> None:
    urns = [f"urn:pulumi:lab::eks-cilium::pulumi-python:dynamic/eks-cilium:Surge::{name}" for name in "ab"]
    kept = struct(given(SurgeProvider))

    with served(empty_account, tmp_path, rows[1]) as stub:
        for urn in urns:
            stub.Delete(provider_pb2.DeleteRequest(id="x", urn=urn, properties=kept))

    line = "the cluster demo does not exist any more: nothing is left to undo"
    assert rows[0].lines == [(urn, line) for urn in urns]
