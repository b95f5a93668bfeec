"""EKS clusters."""

from collections.abc import Mapping
from typing import Any

from lab.providers.aws.cloud import Cloud, found, remove_when_free
from lab.providers.aws.services.eks.waiting import wait_gone, wait_ready, wait_update
from lab.providers.aws.services.tagging import eks_tags, retag_eks
from lab.providers.aws.shapes import given_as_is, same_set
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
    """EKS's description of a cluster."""
    answer = found(cloud.eks.describe_cluster, name=name)
    return answer["cluster"] if answer else None


def create(cloud: Cloud, inputs: Properties, _: Operation) -> str:
    """Ask for a cluster; `wait_cluster_ready` waits for it."""
    logging = (
        {"logging": logging_of(inputs["enabledClusterLogTypes"])}
        if inputs.get("enabledClusterLogTypes")
        else {}
    )
    encryption = {"encryptionConfig": [inputs["encryptionConfig"]]} if inputs.get("encryptionConfig") else {}
    made = cloud.eks.create_cluster(
        **given_as_is(
            inputs, "name", "version", "roleArn", "bootstrapSelfManagedAddons", "deletionProtection"
        ),
        **given_as_is(inputs, *SHARED_FIELDS),
        **logging,
        **encryption,
        resourcesVpcConfig=given_as_is(inputs["vpcConfig"], *VPC_FIELDS),
        **eks_tags(inputs),
    )
    return str(made["cluster"]["name"])


def logging_of(enabled: list[str]) -> dict[str, Any]:
    """Which logs to send: EKS wants both what is on and what is off."""
    disabled = [one for one in LOG_TYPES if one not in enabled]
    groups = [{"types": enabled, "enabled": True}, {"types": disabled, "enabled": False}]
    return {"clusterLogging": [group for group in groups if group["types"]]}


def wait_cluster_ready(cloud: Cloud, identifier: str, operation: Operation) -> list[str]:
    """Wait until the control plane is up."""
    return wait_ready(operation, "cluster", lambda: cluster(cloud, identifier), LIMIT)


def read(cloud: Cloud, identifier: str, _: Properties) -> Properties | None:
    """The cluster in Pulumi's shape."""
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
    """The network side of a cluster, with the security group that EKS made for it."""
    return {name: live.get(name) for name in (*VPC_FIELDS, "clusterSecurityGroupId", "vpcId")}


def enabled_logs(live: Mapping[str, Any]) -> list[str]:
    """The log types that are on."""
    groups = (live.get("logging") or {}).get("clusterLogging", [])
    return sorted(one for group in groups if group.get("enabled") for one in group["types"])


def update(
    cloud: Cloud, identifier: str, before: Properties, inputs: Properties, operation: Operation
) -> None:
    """EKS takes one kind of change at a time, so each is sent and waited for."""
    version = inputs.get("version")
    if version and version != before.get("version"):
        answer = cloud.eks.update_cluster_version(name=identifier, version=version)
        wait_update(cloud, operation, identifier, answer["update"], LIMIT)
    for change in configuration_changes(before, inputs):
        answer = cloud.eks.update_cluster_config(name=identifier, **change)
        if answer.get("update"):
            wait_update(cloud, operation, identifier, answer["update"], LIMIT)


def configuration_changes(before: Properties, inputs: Properties) -> list[dict[str, Any]]:
    """The arguments of the calls that bring the configuration to what is wanted."""
    changes: list[dict[str, Any]] = []
    for names in (
        ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs"),
        ("subnetIds", "securityGroupIds"),
    ):
        network = changed(before["vpcConfig"], inputs["vpcConfig"], names)
        if network:
            changes.append({"resourcesVpcConfig": given_as_is(inputs["vpcConfig"], *names)})
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
    """The given values that are not as they were."""
    return {
        name: after[name]
        for name in names
        if after.get(name) is not None and not same_set(before.get(name), after[name])
    }


def delete(cloud: Cloud, identifier: str, _: Properties, operation: Operation) -> None:
    """Delete the cluster once it has no node groups, and wait until it is gone."""
    remove_when_free(operation, cloud.eks.delete_cluster, name=identifier)
    wait_gone(operation, "cluster", lambda: cluster(cloud, identifier), LIMIT)


def same_network(one: Any, other: Any) -> bool:
    """Whether two `vpcConfig` ask for the same; subnets and groups have no order."""
    both_given = isinstance(one, Mapping) and isinstance(other, Mapping)
    return both_given and set(one) == set(other) and all(same_set(one[key], other[key]) for key in one)


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
        "encryptionConfig": Input(
            replaces=True, fields={"provider": Input(fields=plain("keyArn")), **plain("resources")}
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
