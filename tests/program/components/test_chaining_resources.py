"""Exactly what mode chaining registers, in which order, with which inputs."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.refresh.model import RefreshPlan
from eks_cilium.migration.refresh.start import RefreshBeginning
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
    "cluster": {"name": "shop"},
    "cilium": {"version": "1.19.6", "chartRepository": "charts"},
}
WORKLOADS = (
    Reference("Deployment", "kube-system", "coredns"),
    *(Reference("Deployment", "shop", f"web-{number}") for number in range(4)),
    Reference("StatefulSet", "shop", "db"),
)
CLUSTER = replace(OF_REPLACEMENT, cidrs=("10.0.0.0/16", "100.64.0.0/16"), service_cidr="172.20.0.0/16")
READING = ClusterReading(CLUSTER, RefreshBeginning(WORKLOADS, plan=None, nodes=12))
DYNAMIC = "pulumi-python:dynamic/eks-cilium:"


def settings_of(changes: dict[str, Any] | None = None) -> ChainingSettings:
    raw = {**SETTINGS, **(changes or {})}
    made = read(
        {
            key if ":" in key else f"eks-cilium:{key}": value if isinstance(value, str) else json.dumps(value)
            for key, value in raw.items()
        }
    )
    assert isinstance(made, ChainingSettings)
    return made


def made(
    changes: dict[str, Any] | None = None, reading: Reading | None = READING, *, preview: bool = False
) -> Recorder:
    settings = settings_of(changes)
    return record(lambda: chaining.run(settings, lambda _: reading), preview=preview)


@pytest.fixture(scope="module")
def stack() -> Recorder:
    return made()


def refreshes(stack: Recorder) -> list[Registration]:
    by_name = {
        (one.inputs["workload"]["kind"], one.inputs["workload"]["name"]): one
        for one in stack.of("PodRefresh")
    }
    return [by_name[workload.kind, workload.name] for workload in WORKLOADS]


def test_it_is_one_resource_for_each_step(stack: Recorder):
    assert Counter(one.type.rpartition(":")[2] for one in stack.registrations) == {
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
def test_every_step_waits_for_the_one_before(stack: Recorder, first: str, then: str):
    assert stack.waits_for(stack.one(then), stack.one(first))


@pytest.mark.parametrize("parallel", [1, 2, 4])
def test_coredns_is_first_and_the_others_go_in_lanes(parallel: int):
    stack = made({"refresh": {"parallel": parallel}})
    dns, *others = refreshes(stack)
    agents, inventory = stack.one("ChainedAgents"), stack.one("PodInventory")

    assert dns.depends_on - {inventory.urn} == {agents.urn}
    for index, one in enumerate(others):
        before = {others[index - parallel].urn} if index >= parallel else {dns.urn}
        assert one.depends_on - {inventory.urn} == {agents.urn} | before
    assert {dns.urn, *(one.urn for one in others)} <= stack.one("ManagedPods").depends_on


def test_a_restart_is_named_by_its_workload_and_knows_nothing_else(stack: Recorder):
    first = refreshes(stack)[0]

    assert first.name == "shop-kube-system/deployment/coredns"
    assert first.inputs["workload"] == {"kind": "Deployment", "namespace": "kube-system", "name": "coredns"}
    assert first.inputs["target"] == "chained"
    assert first.inputs["urn"] == first.urn


def test_steps_carry_only_what_the_configuration_changes():
    rules = {"parallel": 1, "healthTimeoutSeconds": 900, "allow": {"barePods": ["debug/*"]}}
    stack = made({"refresh": rules, "vpcCni": {"version": "v1.20.5-eksbuild.1"}})

    assert stack.one("ManagedPods").inputs["rules"] == {
        "healthTimeoutSeconds": 900,
        "allow": {"barePods": ["debug/*"]},
        "vpcCniVersion": "v1.20.5-eksbuild.1",
    }


def test_cilium_is_chained(stack: Recorder):
    values = stack.one("Release").inputs["values"]

    assert values["cni"] == {"chainingMode": "aws-cni", "exclusive": False}
    assert values["enableIPv4Masquerade"] is False
    assert values["ipam"]["operator"]["clusterPoolIPv4PodCIDRList"] == ["198.19.0.0/16"]


def test_the_release_is_the_one_a_replacement_goes_on_with(stack: Recorder):
    """Else changing the mode would uninstall it and install another of the same name."""
    assert stack.one("Release").urn.endswith(
        "eks-cilium:index:Cilium$kubernetes:helm.sh/v3:Release::shop-cilium"
    )


def test_peers_are_told_to_the_vpc_cni_before_cilium():
    stack = made({"peerCidrs": ["10.2.0.0/16"]})

    assert stack.one("SnatExclusions").inputs["peers"] == ["10.2.0.0/16"]
    assert stack.waits_for(stack.one("Release"), stack.one("SnatExclusions"))


@pytest.mark.parametrize(
    ("pool", "with_whom"),
    [
        ("10.0.128.0/20", "vpc-1 10.0.0.0/16"),
        ("100.64.16.0/20", "vpc-1 100.64.0.0/16"),
        ("172.20.0.0/16", "the network of Services 172.20.0.0/16"),
    ],
)
def test_a_pool_with_addresses_of_the_cluster_is_refused(pool: str, with_whom: str):
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cilium\.pool is") as refusal:
        made({"cilium": {**SETTINGS["cilium"], "pool": pool}})

    assert f"shared with {with_whom}" in str(refusal.value)


def test_a_pool_too_small_for_the_nodes_is_refused():
    with pytest.raises(pulumi.RunError, match="a network for twice the 100 nodes"):
        made(
            {"cilium": {**SETTINGS["cilium"], "pool": "198.19.0.0/20"}},
            replace(READING, start=replace(READING.start, nodes=100)),
        )


def test_a_kubernetes_that_cilium_does_not_support_is_refused():
    with pytest.raises(pulumi.RunError, match=r"this one needs 1\.31 or newer"):
        made(reading=replace(READING, cluster=replace(CLUSTER, version="1.30")))


def test_a_preview_before_the_cluster_says_so_and_does_not_fail():
    assert made(reading=None, preview=True).registrations == []


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
def test_only_a_preview_hands_every_resource_its_part_of_the_plan(kind: str):
    """In an update a resource is checked when its turn comes, so it has to look at the cluster then."""
    reading = replace(READING, start=RefreshBeginning(WORKLOADS, plan=EMPTY_PLAN, nodes=12))

    previewed = made(reading=reading, preview=True).of(kind)
    updated = made(reading=reading).of(kind)

    assert previewed
    assert all("lines" in one.inputs["foreseen"] for one in previewed)
    assert not any("foreseen" in one.inputs for one in updated)


def test_an_update_before_the_cluster_is_refused():
    with pytest.raises(pulumi.RunError, match=r"eks-cilium:cluster\.name is \"shop\""):
        made(reading=None)
