"""Removes aws-node when nothing needs it any more, and brings it back for a rollback.

What is removed is written down first: the add-on's version and configuration, or the objects themselves.
Custom resource definitions stay, since people's ENIConfigs would go with them; so does everything that EKS's
control plane put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.clients.eks import AddOnState
from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.errors import RefusedError
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.aws_node import affinity
from eks_cilium.migration.cni import AWS
from eks_cilium.migration.facts.groups import VPC_CNI
from eks_cilium.migration.options import Target
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import AFFINITY, AWS_NODE, Record

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.options import Rules
    from eks_cilium.runtime.context import Report, World

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_OBJECTS = (
    AWS.path,
    f"/api/v1/namespaces/{NAMESPACE}/configmaps/amazon-vpc-cni",
    f"{_RBAC}/clusterrolebindings/aws-node",
    f"{_RBAC}/clusterroles/aws-node",
    f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/aws-node",
)
"""What makes up aws-node, in the order of removal: the agents first, their rights last."""
_KEPT = ("customresourcedefinitions eniconfigs.crd.k8s.amazonaws.com",)
_READINGS = 2
_OF_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")


def remove(world: World, rules: Rules, report: Report) -> dict[str, Any]:
    """Remove the add-on and the objects. Refused while aws-node wants a node, or runs on one."""
    world.guard()
    _refuse_while_wanted(world)
    record, add_on = Record(world.api), world.eks.add_on(VPC_CNI)
    kept = record.get(AWS_NODE)
    if kept is None:
        kept = _noted(world, add_on)
        record.put(AWS_NODE, kept)
    if add_on is not None:
        _remove_add_on(world, rules, report)
    removed = []
    for path in _OBJECTS:
        world.guard()
        if world.api.get(path) is not None and world.api.delete(path):
            removed.append(_short(path))
    report(f"removed aws-node{' and the add-on vpc-cni' if kept['addOn'] else ''}")
    named = [_short(_path(thing)) for thing in kept["objects"]]
    return {"managed": kept["addOn"] is not None, "removed": named or removed, "kept": list(_KEPT)}


def bring_back(world: World, rules: Rules, report: Report) -> bool:
    """Install what was removed, bound to its nodes from the first moment; whether anything was missing."""
    world.guard()
    record = Record(world.api)
    kept = record.get(AWS_NODE)
    if kept is None or (world.api.get(AWS.path) is not None and not _add_on_is_missing(world, kept)):
        return False
    if kept["addOn"] is not None:
        _create_add_on(world, record, kept["addOn"], rules, report)
    for thing in reversed(kept["objects"]):
        _create(world, _restricted(thing) if thing["kind"] == "DaemonSet" else thing)
    report("aws-node is back")
    return True


def forget_removal(world: World) -> None:
    """Once it is back for good, the record of its removal is of no use."""
    Record(world.api).drop(AWS_NODE)


def _refuse_while_wanted(world: World) -> None:
    """Two readings, since a controller may just be about to look again."""
    for reading in range(_READINGS):
        if reading:
            world.time.sleep(1.0)
        if still := rollout.wanted(world, AWS):
            raise StoppedError(
                f"aws-node is not removed: {still}",
                "Pods on these nodes would lose their network. Replace the nodes first, then go on.",
            )


def _remove_add_on(world: World, rules: Rules, report: Report) -> None:
    add_on = world.eks.add_on(VPC_CNI)
    if add_on is not None and add_on.status != "DELETING":
        report("deleting the add-on vpc-cni")
        world.eks.delete(VPC_CNI)

    def missing() -> str:
        now = world.eks.add_on(VPC_CNI)
        if now is not None and now.status == "DELETE_FAILED":
            raise StoppedError(f"the add-on vpc-cni could not be deleted: {'; '.join(now.issues)}")
        return f"the add-on vpc-cni is {now.status}" if now else ""

    world.wait(
        missing,
        waited_for="the add-on vpc-cni to be deleted",
        seconds=rules.limits.roll_out,
        every=rules.limits.between_looks,
        report=report,
    )


def _noted(world: World, add_on: AddOnState | None) -> Object:
    found = [] if add_on else [thing for path in _OBJECTS if (thing := world.api.get(path))]
    return {
        "addOn": add_on
        and {
            "version": add_on.version,
            "configuration": add_on.configuration,
            "role": add_on.role,
            "tags": dict(add_on.tags or {}),
        },
        "objects": [_ours_to_create(thing) for thing in found],
    }


def _create_add_on(world: World, record: Record, kept: Object, rules: Rules, report: Report) -> None:
    """The add-on with the configuration it had at its end, which has an affinity of ours in it."""
    before = record.get(AFFINITY)
    configuration = kept["configuration"]
    if before is not None:
        wanted = affinity.restricted(before["affinity"], Target.AWS_VPC_CNI)
        configuration = affinity.configured(before["configuration"], wanted)
    if world.eks.add_on(VPC_CNI) is None:
        report(f"creating the add-on vpc-cni {kept['version']}")
        world.eks.create(
            AddOnState(
                VPC_CNI,
                kept["version"],
                status="",
                configuration=configuration,
                role=kept["role"],
                tags=kept["tags"],
            )
        )
    world.wait(
        lambda: affinity.busy(world),
        waited_for="the add-on vpc-cni",
        seconds=rules.limits.roll_out,
        every=rules.limits.between_looks,
        report=report,
    )


def _add_on_is_missing(world: World, kept: Object) -> bool:
    return kept["addOn"] is not None and world.eks.add_on(VPC_CNI) is None


def _restricted(daemon_set: Object) -> Object:
    """The DaemonSet as it was, but off Cilium's nodes."""
    template = daemon_set["spec"]["template"]
    spec = {
        **template["spec"],
        "affinity": affinity.restricted(template["spec"].get("affinity"), Target.AWS_VPC_CNI),
    }
    return {**daemon_set, "spec": {**daemon_set["spec"], "template": {**template, "spec": spec}}}


def _create(world: World, thing: Object) -> None:
    try:
        world.api.create(_path(thing).rpartition("/")[0], thing)
    except RefusedError as error:
        if error.status != 409:
            raise


def _ours_to_create(thing: Object) -> Object:
    """An object without what only the API server writes."""
    metadata = {key: value for key, value in thing["metadata"].items() if key not in _OF_THE_SERVER}
    return {**{key: value for key, value in thing.items() if key != "status"}, "metadata": metadata}


def _path(thing: Object) -> str:
    plural = f"/{thing['kind'].lower()}s/"
    return next(path for path in _OBJECTS if plural in path)


def _short(path: str) -> str:
    return "/".join(path.rsplit("/", 2)[1:])
