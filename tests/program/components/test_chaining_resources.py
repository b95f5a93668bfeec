"""Exactly what mode chaining registers, in which order, with which inputs."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.refresh.model import RefreshPlan
from eks_cilium.migration.refresh.start import RefreshStart
from eks_cilium.settings import read
from eks_cilium.settings.model import ChainingSettings
from stacks import chaining
from stacks.chaining import Reading
from stacks.running_cluster import ClusterReading
from tests.program.components.recording import Recorder, Registration, record
from tests.program.components.test_replacement_resources import CLUSTER as OF_REPLACEMENT

pytestmark = pytest.mark.simulation

SETTINGS: dict[str, Any] = {
    "aws:region": "eu-central-1",
    "mode": "chaining",
    "cluster": {"name": "shop", "existing": True},
    "cilium": {"version": "1.19.7", "chartRepository": "charts"},
}
WORKLOADS = (
    Reference("Deployment", "kube-system", "coredns"),
    *(Reference("Deployment", "shop", f"web-{number}") for number in range(4)),
    Reference("StatefulSet", "shop", "db"),
)
CLUSTER = replace(OF_REPLACEMENT, cidrs=("10.0.0.0/16", "100.64.0.0/16"), service_cidr="172.20.0.0/16")
READING = ClusterReading(CLUSTER, RefreshStart(WORKLOADS, plan=None, nodes=12))
DYNAMIC = "pulumi-python:dynamic/eks-cilium:"


def settings_of(changes: dict[str, Any] | None = None) -> ChainingSettings:
    raw = {**SETTINGS, **(changes or {})}
    settings = read(
        {
            key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
    )
    assert isinstance(settings, ChainingSettings)
    return settings


def recorded(
    changes: dict[str, Any] | None = None, reading: Reading | None = READING, *, preview: bool = False
) -> Recorder:
    settings = settings_of(changes)
    return record(lambda: chaining.run(settings, lambda _: reading), preview=preview)


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return recorded()


def refreshes(stack: Recorder) -> list[Registration]:
    by_name = {
        (entry.inputs["workload"]["kind"], entry.inputs["workload"]["name"]): entry
        for entry in stack.of("PodRefresh")
    }
    return [by_name[workload.kind, workload.name] for workload in WORKLOADS]


def test_it_is_one_resource_for_each_step(stack: Recorder) -> None:
    assert Counter(entry.type.rpartition(":")[2] for entry in stack.registrations) == {
        "kubernetes": 1,
        "PodInventory": 1,
        "Cilium": 1,
        "Release": 1,
        "Chaining": 1,
        "PolicyPause": 1,
        "ChainedAgents": 1,
        "PodRefresh": 6,
        "ManagedPods": 1,
        "PolicyResume": 1,
    }


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("PodInventory", "Release"),
        ("Release", "PolicyPause"),
        ("PolicyPause", "ChainedAgents"),
        ("ManagedPods", "PolicyResume"),
    ],
)
def test_every_step_waits_for_the_one_before(stack: Recorder, first: str, then: str) -> None:
    assert stack.waits_for(stack.only(then), stack.only(first))


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_coredns_is_first_and_the_others_go_in_lanes(parallel: int) -> None:
    stack = recorded({"refresh": {"parallel": parallel}})
    dns, *others = refreshes(stack)
    agents, inventory = stack.only("ChainedAgents"), stack.only("PodInventory")

    assert dns.depends_on - {inventory.urn} == {agents.urn}
    for index, entry in enumerate(others):
        before = others[index - parallel] if index >= parallel else dns
        assert entry.depends_on == {before.urn}
    gate = stack.only("ManagedPods")
    assert all(stack.waits_for(gate, entry) for entry in [dns, *others])
    assert len(gate.depends_on - {agents.urn, inventory.urn}) == min(parallel, len(others))


def test_a_restart_is_named_by_its_workload_and_knows_nothing_else(stack: Recorder) -> None:
    first = refreshes(stack)[0]

    assert first.name == "shop-kube-system/deployment/coredns"
    assert first.inputs["workload"] == {"kind": "Deployment", "namespace": "kube-system", "name": "coredns"}
    assert first.inputs["target"] == "chained"


def test_steps_carry_only_what_the_configuration_changes() -> None:
    chosen = {"parallel": 1, "healthTimeoutSeconds": 900, "allow": {"barePods": ["debug/*"]}}
    stack = recorded({"refresh": chosen, "vpcCni": {"version": "v1.20.5-eksbuild.1"}})

    inputs = stack.only("ManagedPods").inputs
    assert inputs["options"] == {"healthTimeoutSeconds": 900, "allow": {"barePods": ["debug/*"]}}
    assert inputs["vpc_cni_version"] == "v1.20.5-eksbuild.1"


def test_cilium_is_chained(stack: Recorder) -> None:
    values = stack.only("Release").inputs["values"]

    assert values["cni"] == {"chainingMode": "aws-cni", "exclusive": False}
    assert values["enableIPv4Masquerade"] is False
    assert values["ipam"]["operator"]["clusterPoolIPv4PodCIDRList"] == ["198.19.0.0/16"]


def test_a_replacement_continues_with_the_same_release(stack: Recorder) -> None:
    """With another name, changing the mode would uninstall the release and install it again."""
    assert stack.only("Release").urn.endswith(
        "eks-cilium:index:Cilium$kubernetes:helm.sh/v3:Release::shop-cilium"
    )


def test_the_vpc_cni_knows_peers_before_cilium_is_installed() -> None:
    stack = recorded({"peerCidrs": ["10.2.0.0/16"]})

    assert stack.only("SnatExclusions").inputs["peers"] == ["10.2.0.0/16"]
    assert stack.waits_for(stack.only("Release"), stack.only("SnatExclusions"))


@pytest.mark.parametrize(
    ("pool", "with_whom"),
    [
        ("10.0.128.0/20", "vpc-1 10.0.0.0/16"),
        ("100.64.16.0/20", "vpc-1 100.64.0.0/16"),
        ("172.20.0.0/16", "the network of Services 172.20.0.0/16"),
    ],
)
def test_a_pool_with_addresses_of_the_cluster_is_refused(pool: str, with_whom: str) -> None:
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cilium\.pool is") as refusal:
        recorded({"cilium": {**SETTINGS["cilium"], "pool": pool}})

    assert f"shared with {with_whom}" in str(refusal.value)


def test_a_pool_too_small_for_the_nodes_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="a network for twice the 100 nodes"):
        recorded(
            {"cilium": {**SETTINGS["cilium"], "pool": "198.19.0.0/20"}},
            replace(READING, start=replace(READING.start, nodes=100)),
        )


def test_a_kubernetes_that_cilium_does_not_support_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"this one needs 1\.31 or newer"):
        recorded(reading=replace(READING, cluster=replace(CLUSTER, version="1.30")))


def test_a_preview_before_the_cluster_says_so_and_does_not_fail() -> None:
    assert recorded(reading=None, preview=True).registrations == []


EMPTY_PLAN = RefreshPlan(
    cluster="shop",
    parallel=1,
    managed=0,
    total=0,
    workloads=(),
    bare=(),
    jobs=(),
    blockers=(),
    warnings=(),
    seconds=0,
)


@pytest.mark.parametrize("kind", ["PodInventory", "PodRefresh", "ManagedPods"])
def test_a_preview_hands_every_resource_its_part_of_the_plan(kind: str) -> None:
    reading = replace(READING, start=RefreshStart(WORKLOADS, plan=EMPTY_PLAN, nodes=12))

    previewed = recorded(reading=reading, preview=True).of(kind)

    assert previewed
    assert all(entry.inputs["preview"]["lines"] for entry in previewed)


def test_in_an_update_only_the_list_of_workloads_is_checked_against_a_plan() -> None:
    updated = recorded(reading=replace(READING, start=RefreshStart(WORKLOADS, plan=EMPTY_PLAN, nodes=12)))

    assert not any("preview" in entry.inputs for entry in updated.of("PodInventory"))
    for kind in ("PodRefresh", "ManagedPods"):
        assert {tuple(entry.inputs["preview"]["lines"]) for entry in updated.of(kind)} == {()}


def test_an_update_before_the_cluster_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cluster\.name is \"shop\""):
        recorded(reading=None)
