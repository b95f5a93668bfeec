"""A load balancer is used only when it is internal, of the right type, and in subnets with routes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from eks_cilium.dynamic.mesh_gates import MeshRemovalProvider
from eks_cilium.dynamic.shell.cluster import NoClusterError
from eks_cilium.mesh.endpoint import await_endpoint, await_removal
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World
from eks_cilium.runtime.errors import StoppedError, TimedOutError

pytestmark = pytest.mark.unit

HOST = "mesh-0123.elb.eu-central-1.amazonaws.com"
BALANCER = {
    "DNSName": HOST,
    "CanonicalHostedZoneId": "Z3F0SRJ5LGBH90",
    "Scheme": "internal",
    "Type": "network",
    "State": {"Code": "active"},
    "VpcId": "vpc-1",
    "AvailabilityZones": [{"SubnetId": "subnet-1a"}],
}
SERVICE = {"status": {"loadBalancer": {"ingress": [{"hostname": HOST}]}}}


class Elb:
    def __init__(self, balancers: list[dict[str, Any]]) -> None:
        self._balancers = balancers

    def get_paginator(self, name: str) -> "Elb":
        assert name == "describe_load_balancers"
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"LoadBalancers": []}, {"LoadBalancers": self._balancers}]


class Api:
    def __init__(self, *services: Any) -> None:
        self._services = list(services)

    def get(self, path: str) -> Any:
        assert path == "/api/v1/namespaces/kube-system/services/clustermesh-apiserver"
        return self._services.pop(0) if len(self._services) > 1 else self._services[0]


def world_of(api: Api, *balancers: dict[str, Any]) -> World:
    passed = [0.0]
    time = Time(monotonic=lambda: passed[0], sleep=lambda seconds: passed.__setitem__(0, passed[0] + seconds))
    return World(cluster="eks-1", api=api, aws=lambda _: Elb(list(balancers)), time=time)


def waited(api: Api, *balancers: dict[str, Any]) -> dict[str, str]:
    world = world_of(api, *balancers)
    return await_endpoint(world, subnets=["subnet-1a", "subnet-1b"], seconds=60, report=lambda _: None)


def test_its_name_is_returned_once_it_is_active():
    found = waited(Api(None, {}, SERVICE), BALANCER)

    assert found == {"host": HOST, "zoneId": "Z3F0SRJ5LGBH90"}


@pytest.mark.parametrize(
    ("service", "balancers", "says"),
    [
        (None, [], "Service kube-system/clustermesh-apiserver does not exist"),
        ({"status": {}}, [], "has no load balancer yet"),
        (SERVICE, [], f"no Network Load Balancer named {HOST} yet"),
        (SERVICE, [{**BALANCER, "State": {"Code": "provisioning"}}], "is provisioning"),
    ],
)
def test_what_is_missing_is_said_when_time_is_up(service: Any, balancers: Any, says: str):
    with pytest.raises(TimedOutError, match=says):
        waited(Api(service), *balancers)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Scheme": "internet-facing"}, "is internet-facing"),
        ({"Scheme": "internet-facing", "State": {"Code": "provisioning"}}, "is internet-facing"),
        ({"Type": "application"}, "is of type application"),
        ({"AvailabilityZones": [{"SubnetId": "subnet-9"}]}, "is in subnet-9, which has no route"),
    ],
)
def test_what_waiting_does_not_change_ends_at_once(change: dict[str, Any], says: str):
    with pytest.raises(StoppedError, match=says) as stopped:
        waited(Api(SERVICE), {**BALANCER, **change})

    assert not isinstance(stopped.value, TimedOutError)
    assert "pulumi up" in stopped.value.fix


LEAVING = {**SERVICE, "metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}}


def test_a_removal_ends_when_the_controller_has_deleted_the_load_balancer():
    await_removal(world_of(Api(LEAVING, LEAVING, None)), seconds=60, report=lambda _: None)


def test_a_load_balancer_that_stays_is_named_with_the_finalizer_that_keeps_it():
    with pytest.raises(TimedOutError, match=f"still exists: {HOST}, finalizers service.kubernetes.io/load"):
        await_removal(world_of(Api(LEAVING)), seconds=60, report=lambda _: None)


def test_the_removal_waits_when_it_is_deleted_and_not_without_a_cluster():
    props = {"cluster_name": "eks-1", "region": "eu-central-1", "seconds": 60.0}
    api = Api(LEAVING, None)

    @contextmanager
    def connected(_props: Any) -> Iterator[Any]:
        yield world_of(api), None

    @contextmanager
    def gone(_props: Any) -> Iterator[Any]:
        raise NoClusterError("eks-1")
        yield

    class Connected(MeshRemovalProvider):
        connect = staticmethod(connected)

    class Gone(MeshRemovalProvider):
        connect = staticmethod(gone)

    assert Gone().create(props).outs == props
    Gone().delete("x", props)
    Connected().delete("x", props)
    assert api.get("/api/v1/namespaces/kube-system/services/clustermesh-apiserver") is None
