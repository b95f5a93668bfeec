"""The resource type of EKS clusters."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, find, remove_when_free
from lab.providers.aws.services.eks.waiting import wait_deleted, wait_ready, wait_update
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import same_set, to_api_as_is
from lab.providers.aws.table import Input, ResourceType, plain
from lab.providers.resource import Operation
from lab.providers.values import Properties

LIMIT = 1800.0
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
VPC_FIELDS = (
    "subnetIds",
    "securityGroupIds",
    "endpointPrivateAccess",
    "endpointPublicAccess",
    "publicAccessCidrs",
)
SHARED_FIELDS = {
    "accessConfig": ("authenticationMode", "bootstrapClusterCreatorAdminPermissions"),
    "kubernetesNetworkConfig": ("ipFamily", "serviceIpv4Cidr", "serviceIpv6Cidr"),
    "upgradePolicy": ("supportType",),
}


def cluster(cloud: Cloud, name: str) -> Mapping[str, Any] | None:
    answer = find(cloud.eks.describe_cluster, name=name)
    return answer["cluster"] if answer else None


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    logging = (
        {"logging": logging_of(inputs["enabledClusterLogTypes"])}
        if inputs.get("enabledClusterLogTypes")
        else {}
    )
    encryption = {"encryptionConfig": [inputs["encryptionConfig"]]} if inputs.get("encryptionConfig") else {}
    created = cloud.eks.create_cluster(
        **to_api_as_is(
            inputs, "name", "version", "roleArn", "bootstrapSelfManagedAddons", "deletionProtection"
        ),
        **to_api_as_is(inputs, *SHARED_FIELDS),
        **logging,
        **encryption,
        resourcesVpcConfig=to_api_as_is(inputs["vpcConfig"], *VPC_FIELDS),
        **eks_tags(inputs),
    )
    return str(created["cluster"]["name"])


def logging_of(enabled: list[str]) -> dict[str, Any]:
    # EKS expects both the enabled and the disabled types.
    disabled = [type_ for type_ in LOG_TYPES if type_ not in enabled]
    groups = [{"types": enabled, "enabled": True}, {"types": disabled, "enabled": False}]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def wait_cluster_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    return wait_ready(operation, "cluster", lambda: cluster(cloud, identifier), LIMIT)


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    live = cluster(cloud, identifier)
    if live is None:
        return None
    encryption = live.get("encryptionConfig") or [None]
    return {
        **{
            name: live.get(name)
            for name in ("name", "arn", "endpoint", "version", "platformVersion", "status", "roleArn")
        },
        **{name: live.get(name) for name in (*SHARED_FIELDS, "deletionProtection")},
        "vpcConfig": outline_vpc(live["resourcesVpcConfig"]),
        "certificateAuthority": {"data": (live.get("certificateAuthority") or {}).get("data", "")},
        "identities": [
            {"oidcs": [{"issuer": ((live.get("identity") or {}).get("oidc") or {}).get("issuer", "")}]}
        ],
        "enabledClusterLogTypes": enabled_logs(live),
        "encryptionConfig": encryption[0],
        "createdAt": live["createdAt"].isoformat(),
        "tagsAll": live.get("tags") or {},
    }


def outline_vpc(live: Mapping[str, Any]) -> Properties:
    return {name: live.get(name) for name in (*VPC_FIELDS, "clusterSecurityGroupId", "vpcId")}


def enabled_logs(live: Mapping[str, Any]) -> list[str]:
    groups = (live.get("logging") or {}).get("clusterLogging", [])
    return sorted(type_ for group in groups if group.get("enabled") for type_ in group["types"])


def update(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    # EKS accepts one kind of change at a time, so each is sent and waited for.
    version = inputs.get("version")
    if version and version != before.get("version"):
        answer = cloud.eks.update_cluster_version(name=identifier, version=version)
        wait_update(cloud, operation, identifier, answer["update"], LIMIT)
    if inputs.get("encryptionConfig") and not before.get("encryptionConfig"):
        answer = cloud.eks.associate_encryption_config(
            clusterName=identifier, encryptionConfig=[inputs["encryptionConfig"]]
        )
        wait_update(cloud, operation, identifier, answer["update"], LIMIT)
    for change in configuration_changes(before, inputs):
        answer = cloud.eks.update_cluster_config(name=identifier, **change)
        if answer.get("update"):
            wait_update(cloud, operation, identifier, answer["update"], LIMIT)


def configuration_changes(before: Properties, inputs: Properties) -> list[dict[str, Any]]:
    """The arguments of each call that changes the configuration."""
    changes: list[dict[str, Any]] = []
    for names in (
        ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs"),
        ("subnetIds", "securityGroupIds"),
    ):
        network = changed(before["vpcConfig"], inputs["vpcConfig"], names)
        if network:
            changes.append({"resourcesVpcConfig": to_api_as_is(inputs["vpcConfig"], *names)})
    logs = inputs.get("enabledClusterLogTypes") or []
    if not same_set(before.get("enabledClusterLogTypes") or [], logs):
        changes.append({"logging": logging_of(logs)})
    mode = changed(
        before.get("accessConfig") or {}, inputs.get("accessConfig") or {}, ("authenticationMode",)
    )
    if mode:
        changes.append({"accessConfig": mode})
    changes += [
        {name: inputs[name]} for name in changed(before, inputs, ("upgradePolicy", "deletionProtection"))
    ]
    return changes


def changed(before: Mapping[str, Any], after: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The given values that differ from those before."""
    return {
        name: after[name]
        for name in names
        if after.get(name) is not None and not same_set(before.get(name), after[name])
    }


def delete(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    remove_when_free(operation, cloud.eks.delete_cluster, name=identifier)
    wait_deleted(operation, "cluster", lambda: cluster(cloud, identifier), LIMIT)


def same_network(left: Any, right: Any) -> bool:
    # The order of subnets, security groups and ranges has no meaning.
    both_given = isinstance(left, Mapping) and isinstance(right, Mapping)
    return both_given and set(left) == set(right) and all(same_set(left[key], right[key]) for key in left)


CLUSTER = ResourceType(
    "aws:eks/cluster:Cluster",
    inputs={
        "roleArn": Input(required=True, replaces=True),
        "vpcConfig": Input(
            required=True,
            same=same_network,
            fields=plain(*VPC_FIELDS),
            computed=("clusterSecurityGroupId", "vpcId"),
        ),
        "version": Input(cloud_decides=True),
        "accessConfig": Input(cloud_decides=True, fields=plain(*SHARED_FIELDS["accessConfig"])),
        "bootstrapSelfManagedAddons": Input(default=True, replaces=True),
        "deletionProtection": Input(cloud_decides=True),
        "enabledClusterLogTypes": Input(same=same_set),
        # Only its removal replaces, and the change of a key does nothing: internal/service/eks/cluster.go.
        "encryptionConfig": Input(
            replaces_if=lambda before, after: before is not None and after is None,
            fields={"provider": Input(fields=plain("keyArn")), **plain("resources")},
        ),
        "kubernetesNetworkConfig": Input(
            cloud_decides=True,
            replaces=True,
            fields=plain(*SHARED_FIELDS["kubernetesNetworkConfig"]),
            computed=SHARED_FIELDS["kubernetesNetworkConfig"],
        ),
        "upgradePolicy": Input(cloud_decides=True, fields=plain("supportType")),
    },
    outputs=(
        "arn",
        "certificateAuthority",
        "createdAt",
        "endpoint",
        "identities",
        "platformVersion",
        "status",
    ),
    create=create,
    read=read,
    update=update,
    delete=delete,
    retag=retag_eks("arn"),
    wait_ready=wait_cluster_ready,
    name="name",
    name_prefix=False,
    longest_name=100,
)

TYPES = (CLUSTER,)
