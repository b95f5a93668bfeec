"""Who may use an EKS cluster: access entries, their policies, and pod identity."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import given_as_is, same_set
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.errors import RefusedError
from lab.providers.resource import Operation
from lab.providers.values import Properties

# -- access entry --------------------------------------------------------------------------------------------


def create_entry(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Let a principal in; the id is `cluster:principal`."""
    cloud.eks.create_access_entry(
        **given_as_is(inputs, "clusterName", "principalArn", "kubernetesGroups", "type"),
        **({"username": inputs["userName"]} if inputs.get("userName") else {}),
        **eks_tags(inputs),
    )
    return f"{inputs['clusterName']}:{inputs['principalArn']}"


def read_entry(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The entry as EKS has it."""
    name, principal = identifier.split(":", 1)
    answer = found(cloud.eks.describe_access_entry, clusterName=name, principalArn=principal)
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
    """Change groups or user name."""
    name, principal = identifier.split(":", 1)
    if all(before.get(key) == inputs.get(key) for key in ("kubernetesGroups", "userName")):
        return
    groups = inputs.get("kubernetesGroups") or []
    user = {"username": inputs["userName"]} if inputs.get("userName") else {}
    cloud.eks.update_access_entry(clusterName=name, principalArn=principal, kubernetesGroups=groups, **user)


def delete_entry(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    """Let the principal in no more."""
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
    """Give a principal one of EKS's access policies; the id is `cluster#principal#policy`."""
    names = ("clusterName", "principalArn", "policyArn", "accessScope")
    cloud.eks.associate_access_policy(**given_as_is(inputs, *names))
    return "#".join(inputs[name] for name in names[:3])


def read_associated(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The association as EKS has it."""
    name, principal, policy = identifier.split("#")
    listed = found(cloud.eks.list_associated_access_policies, clusterName=name, principalArn=principal)
    for one in (listed or {}).get("associatedAccessPolicies", []):
        if one["policyArn"] == policy:
            return {
                "clusterName": name,
                "principalArn": principal,
                "policyArn": policy,
                "accessScope": one["accessScope"],
                "associatedAt": one["associatedAt"].isoformat(),
                "modifiedAt": one["modifiedAt"].isoformat(),
            }
    return None


def disassociate(cloud: Cloud, identifier: str, _: Properties, __: Operation) -> None:
    """Take the policy away."""
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
    """Give the pods of a service account a role; the id is EKS's own."""
    names = ("clusterName", "namespace", "serviceAccount", "roleArn", "disableSessionTags", "targetRoleArn")
    made = cloud.eks.create_pod_identity_association(**given_as_is(inputs, *names), **eks_tags(inputs))
    return str(made["association"]["associationId"])


def identity(cloud: Cloud, identifier: str, known: Properties) -> Mapping[str, Any] | None:
    """EKS's description; an import says `cluster,association`."""
    name, _, association = identifier.rpartition(",")
    cluster = name or known.get("clusterName")
    if not cluster:
        raise RefusedError("to import a pod identity association say 'CLUSTER,ASSOCIATION' as its id")
    answer = found(
        cloud.eks.describe_pod_identity_association, clusterName=cluster, associationId=association
    )
    return answer["association"] if answer else None


def read_identity(cloud: Cloud, identifier: str, known: Properties) -> Properties | None:
    """The association as EKS has it."""
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
    """Change the role."""
    names = ("roleArn", "targetRoleArn", "disableSessionTags")
    if any(before.get(name) != inputs.get(name) for name in names):
        cloud.eks.update_pod_identity_association(
            clusterName=inputs["clusterName"], associationId=identifier, **given_as_is(inputs, *names)
        )


def delete_identity(cloud: Cloud, identifier: str, known: Properties, _: Operation) -> None:
    """Take the role from the pods."""
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
