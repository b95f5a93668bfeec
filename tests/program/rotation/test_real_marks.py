"""Marks, the record, the Lease and aws-node's affinity with a real API server."""

import json
import threading

import pytest

from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.errors import RefusedError
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node import affinity, binding, rewrites
from eks_cilium.migration.aws_node.affinity import restricted
from eks_cilium.migration.cni import AWS
from eks_cilium.migration.inventory import marks
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.migration.options import Limits
from eks_cilium.runtime import lease
from eks_cilium.runtime.errors import LeaseHeldError, StoppedError
from eks_cilium.runtime.lease import Holder, Lease
from eks_cilium.runtime.record import NODES, PATH, Record
from eks_cilium.runtime.storage import parts
from eks_cilium.runtime.storage.parts import Index
from eks_cilium.settings.model.migration import MigrationOptions, Target

from .live import Live, eventually
from .migrations import run
from .test_inventory_record import inventory_of

pytestmark = pytest.mark.control_plane

OPTIONS = MigrationOptions(drain_timeout_seconds=90)
LIMITS = Limits(poll_interval=0.5, roll_out=60)


def quiet(_: str) -> None:
    pass


def test_a_cordon_is_undone_exactly(live: Live):
    before = essence(live.node_object(1))

    marks.cordon(live.api, live.node_object(1))
    assert live.node_object(1)["spec"]["unschedulable"] is True
    marks.uncordon(live.api, live.node_object(1))

    eventually(lambda: essence(live.node_object(1)) == before)


def test_a_node_of_the_same_name_is_not_touched(live: Live):
    node = live.node_object(1)
    node["metadata"]["uid"] = "an-earlier-one"

    with pytest.raises(StoppedError, match="another node has taken the name"):
        marks.cordon(live.api, node)

    assert "unschedulable" not in live.node_object(1)["spec"]


def test_a_soft_taint_survives_beside_those_of_others(live: Live):
    name = live.node(1).name
    other = {"key": "example.com/other", "effect": "PreferNoSchedule"}
    live.api.merge(marks.path(name), {"spec": {"taints": [other]}})

    assert marks.soft_taint(live.api, name)
    assert not marks.soft_taint(live.api, name)
    assert live.node_object(1)["spec"]["taints"] == [other, marks.SOFT_TAINT]
    assert marks.lift_soft_taint(live.api, name)

    assert live.node_object(1)["spec"]["taints"] == [other]
    live.api.merge(marks.path(name), {"spec": {"taints": None}})


def test_two_writers_of_taints_at_once_both_succeed(live: Live):
    name, errors = live.node(2).name, []

    def taint() -> None:
        try:
            for _ in range(5):
                marks.soft_taint(live.api, name)
                marks.lift_soft_taint(live.api, name)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=taint) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert not marks.has_soft_taint(live.node_object(2))


def essence(node: dict) -> str:
    """What people set on a node, without what its controllers keep writing."""
    metadata = {key: node["metadata"].get(key) for key in ("labels",)}
    return json.dumps({**metadata, "spec": node["spec"]}, sort_keys=True)


# The record and the Lease


def test_keys_of_the_record_do_not_disturb_each_other(live: Live):
    record = Record(live.api)
    threads = [threading.Thread(target=record.put, args=(f"node.n{number}", number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [record.get(f"node.n{number}") for number in range(8)] == list(range(8))
    record.drop("node.n3")
    assert record.get("node.n3") is None
    record.delete()


def test_the_record_of_twelve_thousand_nodes_is_kept_in_parts_and_replaced(live: Live):
    record = Record(live.api, live.view)
    record.put("other", {"a": 1})

    for count in (12_000, 11_000):
        record.put(NODES, inventory_of(count).to_json())
        assert Inventory.from_json(Record(live.api).get(NODES)) == inventory_of(count)
        assert Inventory.from_json(record.get(NODES)) == inventory_of(count)
    left = live.api.each(
        parts.COLLECTION, lambda obj: obj["data"]["key"], labelSelector=f"{parts.LABEL}=part"
    )
    assert len(left) == 3

    with pytest.raises(RefusedError, match="Too long"):
        live.api.merge(PATH, {"data": {NODES: "x" * 1_100_000}})
    changed = {"data": {"text": "other"}}
    with pytest.raises(RefusedError, match="immutable"):
        live.api.merge(Index.of(live.api.get(PATH)["data"][NODES]).paths[0], changed)  # type: ignore[index,union-attr]

    record.delete()
    assert live.api.list(parts.COLLECTION, labelSelector=f"{parts.LABEL}=part") == []


def test_the_lease_is_one_runs_alone(live: Live):
    world = live.world()
    ann = Lease(live.api, Holder("ann", "boot/1/1"), world.time, dead=lambda _: None)
    bob = Lease(live.api, Holder("bob", "boot/2/1"), world.time, dead=lambda _: False)
    ann.acquire()
    ann.renew()

    with pytest.raises(LeaseHeldError, match="ann has been at work"):
        bob.acquire()

    ann.check()
    ann.release()
    bob.acquire()
    bob.release()


def test_of_many_runs_that_want_the_lease_exactly_one_gets_it(live: Live):
    got: list[str] = []
    refused: list[str] = []

    def want(name: str) -> None:
        each = Lease(live.api, Holder(name, f"boot/{name}/1"), live.world().time, dead=lambda _: False)
        try:
            each.acquire()
        except LeaseHeldError:
            refused.append(name)
        else:
            got.append(name)

    threads = [threading.Thread(target=want, args=(f"run-{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(got), len(refused)) == (1, 4)
    Lease(live.api, Holder(got[0], f"boot/{got[0]}/1"), live.world().time).release()
    assert lease.LEASE == "eks-cilium-migration"


# aws-node


def test_a_self_managed_aws_node_is_bound_by_server_side_apply_and_restored(live: Live):
    stock = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [stock]}]}
    original = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    live.api.merge(
        AWS.path, {"spec": {"template": {"spec": {"affinity": original}}}}, field_manager="kubectl-edit"
    )
    rollout.await_roll_out(run(live.world(), OPTIONS, limits=LIMITS), AWS)
    world = live.world()
    for index in range(3):
        marks.label(live.api, live.node_object(index), "cni-plugin", "aws")

    facts = binding.bind(run(world, OPTIONS, limits=LIMITS))

    bound = affinity_of(live.api)
    assert bound == restricted(original, Target.CILIUM)
    assert (
        bound["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        == (facts["terms"])
    )
    assert affinity.release(run(world, OPTIONS, limits=LIMITS)) == {"restored": True}
    assert affinity_of(live.api) == original
    assert owners_of_affinity(live.api) == ["kubectl-edit"]
    for index in range(3):
        marks.label(live.api, live.node_object(index), "cni-plugin", None)


def test_another_owner_that_rewrites_the_affinity_is_named_by_the_api_server(live: Live):
    stock = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [stock]}]}
    original = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    patch = {"spec": {"template": {"spec": {"affinity": original}}}}
    live.api.merge(AWS.path, patch, field_manager="kubectl-edit")
    for index in range(3):
        marks.label(live.api, live.node_object(index), "cni-plugin", "aws")
    this = run(live.world(), OPTIONS, limits=LIMITS)
    binding.bind(this)
    rewrites.refuse(this)

    live.api.merge(AWS.path, patch, field_manager="terraform")

    with pytest.raises(StoppedError, match="its affinity was changed by the field manager terraform"):
        rewrites.hold(this)
    rewrites.hold(this)
    assert affinity_of(live.api) == restricted(original, Target.CILIUM)
    rewrites.refuse(this)
    affinity.release(this)
    for index in range(3):
        marks.label(live.api, live.node_object(index), "cni-plugin", None)


def affinity_of(api: KubernetesApi) -> dict:
    found = api.get(AWS.path)
    assert found is not None
    affinity: dict = found["spec"]["template"]["spec"]["affinity"]
    return affinity


def owners_of_affinity(api: KubernetesApi) -> list[str]:
    found = api.get(AWS.path)
    assert found is not None
    return [
        entry["manager"]
        for entry in found["metadata"]["managedFields"]
        if '"f:affinity"' in json.dumps(entry.get("fieldsV1", {}))
    ]
