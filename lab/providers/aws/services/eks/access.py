"""Access to an EKS cluster: access entries, their policies, and pod identity associations."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import same_set, to_api_as_is
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties

# -- access entry --------------------------------------------------------------------------------------------


def create_entry(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # EKS has no id for an entry; it is `cluster:principal`, as in the real provider.
    cloud.eks.create_access_entry(
        **to_api_as_is(inputs, "clusterName", "principalArn", "kubernetesGroups", "type"),
        **({"username": inputs["userName"]} if inputs.get("userName") else {}),
        **eks_tags(inputs),
    )
    return f"{inputs['clusterName']}:{inputs['principalArn']}"


def read_entry(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    name, principal = identifier.split(":", 1)
    answer = find(cloud.eks.describe_access_entry, clusterName=name, principalArn=principal)
    if answer is None:
        return None
    entry = answer["accessEntry"]
    return {
        **{
            key: entry.get(key)
            for key in ("clusterName", "principalArn", "kubernetesGroups", "type", "accessEntryArn")
        },
        "userName": entry.get("username"),
        "createdAt": entry["createdAt"].isoformat(),
        "modifiedAt": entry["modifiedAt"].isoformat(),
        "tagsAll": entry.get("tags") or {},
    }


def update_entry(cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation) -> None:
    name, principal = identifier.split(":", 1)
    if all(before.get(key) == inputs.get(key) for key in ("kubernetesGroups", "userName")):
        return
    groups = inputs.get("kubernetesGroups") or []
    user = {"username": inputs["userName"]} if inputs.get("userName") else {}
    cloud.eks.update_access_entry(clusterName=name, principalArn=principal, kubernetesGroups=groups, **user)


def delete_entry(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    name, principal = identifier.split(":", 1)
    remove(cloud.eks.delete_access_entry, clusterName=name, principalArn=principal)


ACCESS_ENTRY = ResourceType(
    "aws:eks/accessEntry:AccessEntry",
    inputs={
        "clusterName": Input(required=True, replaces=True),
        "principalArn": Input(required=True, replaces=True),
        "kubernetesGroups": Input(cloud_decides=True, same=same_set),
        "type": Input(cloud_decides=True, replaces=True),
        "userName": Input(cloud_decides=True),
    },
    outputs=("accessEntryArn", "createdAt", "modifiedAt"),
    create=create_entry,
    read=read_entry,
    update=update_entry,
    delete=delete_entry,
    retag=retag_eks("accessEntryArn"),
    changed_by_update=("modifiedAt",),
)

# -- access policy -------------------------------------------------------------------------------------------


def associate(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    # EKS has no id for an association; it is `cluster#principal#policy`, as in the real provider.
    names = ("clusterName", "principalArn", "policyArn", "accessScope")
    cloud.eks.associate_access_policy(**to_api_as_is(inputs, *names))
    return "#".join(inputs[name] for name in names[:3])


def read_associated(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    name, principal, policy = identifier.split("#")
    listed = find(cloud.eks.list_associated_access_policies, clusterName=name, principalArn=principal)
    for association in (listed or {}).get("associatedAccessPolicies", []):
        if association["policyArn"] == policy:
            return {
                "clusterName": name,
                "principalArn": principal,
                "policyArn": policy,
                "accessScope": association["accessScope"],
                "associatedAt": association["associatedAt"].isoformat(),
                "modifiedAt": association["modifiedAt"].isoformat(),
            }
    return None


def disassociate(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    name, principal, policy = identifier.split("#")
    remove(cloud.eks.disassociate_access_policy, clusterName=name, principalArn=principal, policyArn=policy)


ACCESS_POLICY = ResourceType(
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    inputs={
        "clusterName": Input(required=True, replaces=True),
        "principalArn": Input(required=True, replaces=True),
        "policyArn": Input(required=True, replaces=True),
        "accessScope": Input(required=True, replaces=True, fields=plain("type", "namespaces")),
    },
    outputs=("associatedAt", "modifiedAt"),
    create=associate,
    read=read_associated,
    delete=disassociate,
)

# -- pod identity --------------------------------------------------------------------------------------------


def create_identity(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    names = ("clusterName", "namespace", "serviceAccount", "roleArn", "disableSessionTags", "targetRoleArn")
    created = cloud.eks.create_pod_identity_association(**to_api_as_is(inputs, *names), **eks_tags(inputs))
    return str(created["association"]["associationId"])


def identity(cloud: Cloud, identifier: str, known: Properties) -> Mapping[str, Any] | None:
    # An import names the association as `cluster,association`.
    name, _, association = identifier.rpartition(",")
    cluster = name or known.get("clusterName")
    if not cluster:
        raise RefusedError("import a pod identity association with the id 'CLUSTER,ASSOCIATION'")
    answer = find(cloud.eks.describe_pod_identity_association, clusterName=cluster, associationId=association)
    return answer["association"] if answer else None


def read_identity(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    live = identity(cloud, identifier, known)
    if live is None:
        return None
    names = ("clusterName", "namespace", "serviceAccount", "roleArn", "targetRoleArn", "disableSessionTags")
    return {
        **{name: live.get(name) for name in (*names, "associationArn", "associationId", "externalId")},
        "tagsAll": live.get("tags") or {},
    }


def update_identity(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, _: Operation
) -> None:
    names = ("roleArn", "targetRoleArn", "disableSessionTags")
    if any(before.get(name) != inputs.get(name) for name in names):
        cloud.eks.update_pod_identity_association(
            clusterName=inputs["clusterName"], associationId=identifier, **to_api_as_is(inputs, *names)
        )


def delete_identity(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    remove(
        cloud.eks.delete_pod_identity_association,
        clusterName=known["clusterName"],
        associationId=identifier.rpartition(",")[2],
    )


POD_IDENTITY = ResourceType(
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    inputs={
        "clusterName": Input(required=True, replaces=True),
        "namespace": Input(required=True, replaces=True),
        "serviceAccount": Input(required=True, replaces=True),
        "roleArn": Input(required=True),
        "targetRoleArn": Input(),
        "disableSessionTags": Input(cloud_decides=True),
    },
    outputs=("associationArn", "associationId", "externalId"),
    create=create_identity,
    read=read_identity,
    update=update_identity,
    delete=delete_identity,
    retag=retag_eks("associationArn"),
)

TYPES = (ACCESS_ENTRY, ACCESS_POLICY, POD_IDENTITY)
