"""EKS with fakes around it and a clock that the test advances; called through boto3's own client."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.awsrequest
import pytest
from botocore.exceptions import ClientError

from lab.cloud.eks.environment import Environment
from lab.cloud.eks.protocol import EksProtocol
from lab.cloud.eks.reconcile import Reconciler
from lab.cloud.eks.records.store import Store
from lab.cloud.eks.service import handlers
from lab.cloud.identity.identities import Identity
from lab.cloud.requests.faults import Faults
from lab.cloud.requests.wire import Request
from lab.cloud.running_clusters import Clusters
from lab.cloud.timing import Timing
from tests.lab.cloud.eks.account import CLUSTER_ROLE, ENGINEER, NODE_ROLE, SUBNETS, FakeAws
from tests.lab.cloud.eks.kubernetes import MemoryKubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.cloud.eks.launcher import PlaneRequest
    from lab.cloud.eks.records.model import Cluster

REGION = "eu-central-1"
ACCOUNT = "123456789012"
TIMING = Timing(
    control_plane_create=10,
    control_plane_delete=10,
    last_logs=5,
    cluster_update=10,
    addon=10,
    addon_delete=10,
    access_entry=5,
    addon_ready_timeout=60,
    node_group_update=10,
    node_group_create_timeout=300,
    node_group_drain_timeout=100,
)


@dataclass
class FakeControlPlane:
    """A control plane that has an endpoint only."""

    request: PlaneRequest
    endpoint: str = "https://127.0.0.1:6443"
    certificate_authority: bytes = b"-----BEGIN CERTIFICATE-----"
    admin_kubeconfig: Path = Path("/nowhere/admin.kubeconfig")
    stopped: bool = False

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeLauncher:
    """Starts fake control planes, or fails to."""

    planes: list[FakeControlPlane] = field(default_factory=list)
    failure: Exception | None = None

    def launch(self, request: PlaneRequest) -> FakeControlPlane:
        if self.failure:
            raise self.failure
        self.planes.append(FakeControlPlane(request))
        return self.planes[-1]


class Lab:
    """EKS and its fakes, controlled by one test."""

    def __init__(self, directory: Path, client: Any) -> None:
        self.now = 1_750_000_000.0
        self.aws = FakeAws()
        self.kubernetes = MemoryKubernetes()
        self.launcher = FakeLauncher()
        self.faults = directory / "faults.jsonl"
        self.running = Clusters()
        environment = Environment(
            account=ACCOUNT,
            timing=TIMING,
            now=lambda: self.now,
            aws=lambda region: self.aws,  # type: ignore[arg-type, return-value]
            launcher=self.launcher,
            kubernetes=lambda kubeconfig: self.kubernetes,
            running=self.running,
            faults=Faults(self.faults),
        )
        self.store = Store(environment)
        self._reconciler = Reconciler(self.store)
        self._protocol = EksProtocol(handlers(self.store, lambda cluster: None))
        self.caller = Identity(ENGINEER, ENGINEER, "AIDA")
        self.client = client

    def pass_time(self, seconds: float = 0) -> None:
        """Advance the clock, and let EKS do what is due."""
        self.now += seconds
        for cluster in self.store.all():
            self._reconciler.step(cluster)

    def step(self, cluster: Cluster) -> bool:
        """Let EKS do what is due for a cluster that may be deleted already."""
        return self._reconciler.step(cluster)

    def cluster(self, **wanted: Any) -> Any:
        self.create(**wanted)
        self.pass_time(TIMING.control_plane_create)
        return self.client.describe_cluster(name=wanted.get("name", "demo"))["cluster"]

    def create(self, **wanted: Any) -> Any:
        request = {
            "name": "demo",
            "version": "1.35",
            "roleArn": CLUSTER_ROLE,
            "resourcesVpcConfig": {"subnetIds": list(SUBNETS)},
            "accessConfig": {"authenticationMode": "API"},
            "bootstrapSelfManagedAddons": False,
        }
        return self.client.create_cluster(**{**request, **wanted})["cluster"]

    def nodegroup(self, **wanted: Any) -> Any:
        """Create a node group and run its first step."""
        request = {
            "clusterName": "demo",
            "nodegroupName": "workers",
            "subnets": list(SUBNETS),
            "nodeRole": NODE_ROLE,
            "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 4},
        }
        self.client.create_nodegroup(**{**request, **wanted})
        self.pass_time()
        return self.describe_nodegroup()

    def describe_nodegroup(self) -> Any:
        return self.client.describe_nodegroup(clusterName="demo", nodegroupName="workers")["nodegroup"]

    def instances(self) -> list[str]:
        """Return the instances of the only Auto Scaling group."""
        (group,) = self.aws.autoscaling.groups.values()
        return [instance["InstanceId"] for instance in group["Instances"]]

    def join_all(self) -> None:
        """Create a Ready node for every instance without one; delete nodes without an instance."""
        instances = self.instances()
        for (kind, _, name), node in list(self.kubernetes.objects.items()):
            if kind == "Node" and node["spec"]["providerID"].rpartition("/")[2] not in instances:
                self.kubernetes.delete("Node", name)
        for instance in instances:
            if f"node-{instance}" not in self.kubernetes.names("Node"):
                self.kubernetes.join(instance, "workers")

    def answer(self, request: Any, **_: Any) -> Any:
        """Return EKS's response to a request that boto3 was about to send."""
        url = urlsplit(request.url)
        seen = Request(request.method, url.path, url.query, {}, request.body or b"")
        status, headers, body = self._protocol.answer(seen, self.caller, REGION)
        return botocore.awsrequest.AWSResponse(request.url, status, headers, _Body(body))


class _Body(BytesIO):
    def stream(self) -> Any:
        yield self.read()


class Refusal:
    """`with refused(code) as refusal`: expects an AWS error of that code and keeps its message."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message = ""

    def __enter__(self) -> Refusal:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        assert isinstance(error, ClientError), f"expected {self.code}, got {error!r}"
        assert error.response["Error"]["Code"] == self.code, error
        self.message = error.response["Error"]["Message"]
        return True


@pytest.fixture
def refused() -> type[Refusal]:
    return Refusal


@pytest.fixture(scope="session")
def client() -> Any:
    return boto3.client(
        "eks", region_name=REGION, aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="example"
    )


@pytest.fixture
def lab(tmp_path: Path, client: Any) -> Iterator[Lab]:
    lab = Lab(tmp_path, client)
    client.meta.events.register("before-send.eks", lab.answer)
    yield lab
    client.meta.events.unregister("before-send.eks", lab.answer)
