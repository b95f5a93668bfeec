"""The resource type of EKS add-ons; the id is `cluster:addon`."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.eks.waiting import wait_deleted, wait_ready, wait_update
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import same_json, to_api_as_is
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties

LIMIT = 1200.0
AS_IS = (
    "addonName",
    "addonVersion",
    "clusterName",
    "configurationValues",
    "podIdentityAssociations",
    "serviceAccountRoleArn",
)


def addon(cloud: Cloud, identifier: str) -> Mapping[str, Any] | None:
    name, what = identifier.split(":", 1)
    answer = find(cloud.eks.describe_addon, clusterName=name, addonName=what)
    return answer["addon"] if answer else None


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    conflicts = to_api_as_is({"resolveConflicts": inputs.get("resolveConflictsOnCreate")}, "resolveConflicts")
    cloud.eks.create_addon(**to_api_as_is(inputs, *AS_IS), **conflicts, **eks_tags(inputs))
    return f"{inputs['clusterName']}:{inputs['addonName']}"


def wait_addon_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    # EKS reports DEGRADED, with reasons, for an add-on that cannot run.
    what = f"add-on {identifier.partition(':')[2]}"
    return wait_ready(operation, what, lambda: addon(cloud, identifier), LIMIT)


def read(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    # EKS does not store some of the options; they are returned from the state.
    live = addon(cloud, identifier)
    if live is None:
        return None
    only_ours = (
        "preserve",
        "resolveConflictsOnCreate",
        "resolveConflictsOnUpdate",
        "podIdentityAssociations",
    )
    return {
        **{name: live.get(name) for name in AS_IS},
        **{name: known.get(name) for name in only_ours},
        "arn": live["addonArn"],
        "createdAt": live["createdAt"].isoformat(),
        "modifiedAt": live["modifiedAt"].isoformat(),
        "tagsAll": live.get("tags") or {},
    }


def update(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    name, what = identifier.split(":", 1)
    names = ("addonVersion", "configurationValues", "podIdentityAssociations", "serviceAccountRoleArn")
    if all(before.get(key) == inputs.get(key) for key in names):
        return
    # The real provider sends what has changed, and the role always (internal/service/eks/addon.go).
    sent = {key: value for key, value in inputs.items() if value != before.get(key) or key == names[-1]}
    arguments: dict[str, Any] = to_api_as_is(sent, *names)
    if inputs.get("resolveConflictsOnUpdate"):
        arguments["resolveConflicts"] = inputs["resolveConflictsOnUpdate"]
    answer = cloud.eks.update_addon(clusterName=name, addonName=what, **arguments)
    wait_update(cloud, operation, name, answer["update"], LIMIT, addonName=what)


def delete(cloud: Cloud, identifier: str, known: Properties, operation: Operation) -> None:
    # With `preserve` the software stays in the cluster.
    name, what = identifier.split(":", 1)
    remove(cloud.eks.delete_addon, clusterName=name, addonName=what, preserve=bool(known.get("preserve")))
    wait_deleted(operation, f"add-on {what}", lambda: addon(cloud, identifier), LIMIT)


ADDON = ResourceType(
    "aws:eks/addon:Addon",
    inputs={
        "addonName": Input(required=True, replaces=True),
        "clusterName": Input(required=True, replaces=True),
        "addonVersion": Input(cloud_decides=True),
        "configurationValues": Input(cloud_decides=True, same=same_json, agrees=same_json),
        "podIdentityAssociations": Input(fields=plain("roleArn", "serviceAccount")),
        "preserve": Input(),
        "resolveConflictsOnCreate": Input(),
        "resolveConflictsOnUpdate": Input(),
        "serviceAccountRoleArn": Input(),
    },
    outputs=("arn", "createdAt", "modifiedAt"),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag_eks("arn"),
    wait_ready=wait_addon_ready,
    changed_by_update=("modifiedAt",),
)

TYPES = (ADDON,)
