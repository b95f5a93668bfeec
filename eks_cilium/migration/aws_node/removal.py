"""Removes aws-node when no node needs it any more, and restores it for a rollback.

What is removed is recorded first: the add-on's version and configuration, or the objects themselves.
CustomResourceDefinitions stay, since deleting them would delete the users' ENIConfigs; so does everything
that EKS's control plane installed. Called for the resource `AwsNodeRemoval` and at the start of a rollback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.clients.eks import AddOnState
from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.errors import RefusedError
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node import add_on, affinity
from eks_cilium.migration.aws_node.recorded import AffinityBefore, RemovedAddOn, RemovedAwsNode
from eks_cilium.migration.cni import AWS
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, Record
from eks_cilium.settings.model.migration import Target
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import MigrationRun
    from eks_cilium.runtime.context import World

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_OBJECTS = (
    AWS.path,
    f"/api/v1/namespaces/{NAMESPACE}/configmaps/amazon-vpc-cni",
    f"{_RBAC}/clusterrolebindings/aws-node",
    f"{_RBAC}/clusterroles/aws-node",
    f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/aws-node",
)
"""The objects of aws-node in the order of removal: the agents first, their rights last."""
_KEPT = ("customresourcedefinitions eniconfigs.crd.k8s.amazonaws.com",)
_READINGS = 2
_SET_BY_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def remove(run: MigrationRun) -> dict[str, Any]:
    """Remove the add-on and the objects. Raises StoppedError while aws-node wants a node or runs on one."""
    run.world.guard()
    _refuse_while_wanted(run.world)
    record, managed = run.world.record, run.world.eks.add_on(VPC_CNI)
    state = record.load(AWS_NODE, RemovedAwsNode.from_json)
    if state is None:
        state = _state_of(run.world, managed)
        record.put(AWS_NODE, state.to_json())
    if managed is not None:
        _remove_add_on(run)
    removed = []
    for path in _OBJECTS:
        run.world.guard()
        if run.world.api.get(path) is not None and run.world.api.delete(path):
            removed.append(_short(path))
    run.report(f"removed aws-node{' and the add-on vpc-cni' if state.add_on else ''}")
    recorded = [_short(_path(obj)) for obj in state.objects]
    return {"managed": state.add_on is not None, "removed": recorded or removed, "kept": list(_KEPT)}


def bring_back(run: MigrationRun) -> bool:
    """Install what was removed, restricted to its nodes; returns whether anything was missing."""
    run.world.guard()
    record = run.world.record
    state = record.load(AWS_NODE, RemovedAwsNode.from_json)
    if state is None or (
        run.world.api.get(AWS.path) is not None and not _add_on_is_missing(run.world, state)
    ):
        return False
    if state.add_on is not None:
        _create_add_on(run, record, state.add_on)
    for obj in reversed(state.objects):
        _create(run.world, _restricted(obj) if obj["kind"] == "DaemonSet" else obj)
    run.report("restored aws-node")
    return True


def _refuse_while_wanted(world: World) -> None:
    # Two readings: the DaemonSet controller may just be about to update the status.
    for reading in range(_READINGS):
        if reading:
            world.time.sleep(1.0)
        if still := rollout.wanted(world, AWS):
            raise StoppedError(
                Topic.AWS_NODE_NEEDED,
                f"aws-node is not removed: {still}",
                "Pods on these nodes would lose their network. Replace the nodes first, then run "
                "`pulumi up` again.",
            )


def _remove_add_on(run: MigrationRun) -> None:
    managed = run.world.eks.add_on(VPC_CNI)
    if managed is not None and managed.status != "DELETING":
        run.report("deleting the add-on vpc-cni")
        run.world.eks.delete(VPC_CNI)

    def missing() -> str:
        now = run.world.eks.add_on(VPC_CNI)
        if now is not None and now.status == "DELETE_FAILED":
            raise StoppedError(
                Topic.ADD_ON, f"the add-on vpc-cni could not be deleted: {'; '.join(now.issues)}"
            )
        return f"the add-on vpc-cni is {now.status}" if now else ""

    waited_for, limit = "the add-on vpc-cni to be deleted", run.limits.roll_out
    run.wait(missing, waited_for=waited_for, seconds=limit, topic=Topic.ADD_ON)


def _state_of(world: World, managed: AddOnState | None) -> RemovedAwsNode:
    if managed is not None:
        tags = dict(managed.tags or {})
        return RemovedAwsNode(RemovedAddOn(managed.version, managed.configuration, managed.role, tags), ())
    found = [obj for path in _OBJECTS if (obj := world.api.get(path))]
    return RemovedAwsNode(None, tuple(_without_server_fields(obj) for obj in found))


def _create_add_on(run: MigrationRun, record: Record, removed: RemovedAddOn) -> None:
    """Create the add-on with its last configuration and the node affinity of a rollback."""
    before = record.load(AFFINITY, AffinityBefore.from_json)
    configuration = removed.configuration
    if before is not None:
        wanted = affinity.restricted(before.affinity, Target.AWS_VPC_CNI)
        configuration = add_on.configured(before.configuration, affinity=wanted)
    if run.world.eks.add_on(VPC_CNI) is None:
        run.report(f"creating the add-on vpc-cni {removed.version}")
        run.world.eks.create(
            AddOnState(
                VPC_CNI,
                removed.version,
                status="",
                configuration=configuration,
                role=removed.role,
                tags=removed.tags,
            )
        )
    run.wait(
        lambda: add_on.busy(run.world),
        waited_for="the add-on vpc-cni",
        seconds=run.limits.roll_out,
        topic=Topic.ADD_ON,
    )


def _add_on_is_missing(world: World, state: RemovedAwsNode) -> bool:
    return state.add_on is not None and world.eks.add_on(VPC_CNI) is None


def _restricted(daemon_set: Object) -> Object:
    """The recorded DaemonSet, restricted to nodes without the label for Cilium."""
    template = daemon_set["spec"]["template"]
    spec = {
        **template["spec"],
        "affinity": affinity.restricted(template["spec"].get("affinity"), Target.AWS_VPC_CNI),
    }
    return {**daemon_set, "spec": {**daemon_set["spec"], "template": {**template, "spec": spec}}}


def _create(world: World, obj: Object) -> None:
    try:
        world.api.create(_path(obj).rpartition("/")[0], obj)
    except RefusedError as error:
        if error.status != 409:
            raise


def _without_server_fields(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SET_BY_SERVER}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}


def _path(obj: Object) -> str:
    plural = f"/{obj['kind'].lower()}s/"
    return next(path for path in _OBJECTS if plural in path)


def _short(path: str) -> str:
    return "/".join(path.rsplit("/", 2)[1:])
