"""The records of EKS: clusters and all that belongs to them, each with its view in the API.

Plain records without behaviour. The operations change them and `lab.cloud.eks.reconcile` advances them; code
that changes a cluster or a part of it holds the cluster's `lock`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from lab.cloud.eks.aws_clients import AwsClients
    from lab.cloud.eks.kubernetes_api import KubernetesApi
    from lab.cloud.eks.launcher import ControlPlane
    from lab.cloud.eks.records.boot import Boot
    from lab.cloud.eks.records.descriptions import Description
    from lab.cloud.eks.records.updates import Update

Shape = tuple[str, str | None, dict[str, str] | None]


def present(**members: Any) -> Description:
    """Return the members that have a value: AWS leaves out what is not set."""
    return {name: value for name, value in members.items() if value is not None}


def issue(code: str, message: str, *resources: str) -> Description:
    """Return a health issue as every EKS resource reports it."""
    return {"code": code, "message": message, "resourceIds": list(resources)}


class Rotation(Protocol):
    """A rolling update of a node group; implemented by `lab.cloud.eks.nodegroups.rolling_update`."""

    def step(self, aws: AwsClients, api: KubernetesApi, now: float) -> bool:
        """Do what is possible now; return True when the update has ended."""


@dataclass
class Nodegroup:
    """A managed node group with its copy of the launch template and its Auto Scaling group."""

    name: str
    cluster: str
    arn: str
    created_at: float
    modified_at: float
    version: str
    release_version: str | None
    capacity_type: str
    scaling: dict[str, int]
    instance_types: list[str] | None
    subnets: list[str]
    ami_type: str
    node_role: str
    labels: dict[str, str]
    taints: list[dict[str, str]]
    disk_size: int | None
    update_config: Description
    repair_config: Description
    launch_template: dict[str, str] | None
    tags: dict[str, str]
    deadline: float
    status: str = "CREATING"
    max_pods: int | None = None
    boot: Boot | None = None
    profile: str | None = None
    template_id: str | None = None
    template_version: str = "1"
    group_name: str | None = None
    issues: list[Description] = field(default_factory=list)
    updates: dict[str, Update] = field(default_factory=dict)
    rotation: Rotation | None = None

    @property
    def shape(self) -> Shape:
        """Return the properties that decide whether a node is up to date."""
        return self.version, self.release_version, self.launch_template

    @shape.setter
    def shape(self, shape: Shape) -> None:
        self.version, self.release_version, self.launch_template = shape

    def describe(self) -> Description:
        groups = [{"name": self.group_name}] if self.group_name else []
        return present(
            nodegroupName=self.name,
            nodegroupArn=self.arn,
            clusterName=self.cluster,
            version=self.version,
            releaseVersion=self.release_version,
            createdAt=self.created_at,
            modifiedAt=self.modified_at,
            status=self.status,
            capacityType=self.capacity_type,
            scalingConfig=dict(self.scaling),
            instanceTypes=self.instance_types,
            subnets=self.subnets,
            amiType=self.ami_type,
            nodeRole=self.node_role,
            labels=dict(self.labels),
            taints=[dict(taint) for taint in self.taints],
            resources={"autoScalingGroups": groups},
            diskSize=self.disk_size,
            health={"issues": list(self.issues)},
            updateConfig=dict(self.update_config),
            nodeRepairConfig=dict(self.repair_config),
            launchTemplate=self.launch_template,
            tags=dict(self.tags),
        )


@dataclass
class Addon:
    """An add-on: software in the cluster that EKS installs and watches."""

    name: str
    cluster: str
    arn: str
    created_at: float
    modified_at: float
    version: str
    role: str | None
    configuration: str | None
    tags: dict[str, str]
    conflicts: str
    due: float
    status: str = "CREATING"
    installed: bool = False
    preserve: bool = False
    unhealthy_since: float | None = None
    issues: list[Description] = field(default_factory=list)
    associations: list[str] = field(default_factory=list)
    updates: dict[str, Update] = field(default_factory=dict)

    def describe(self) -> Description:
        return present(
            addonName=self.name,
            clusterName=self.cluster,
            status=self.status,
            addonVersion=self.version,
            health={"issues": list(self.issues)},
            addonArn=self.arn,
            createdAt=self.created_at,
            modifiedAt=self.modified_at,
            serviceAccountRoleArn=self.role,
            tags=dict(self.tags),
            configurationValues=self.configuration,
            podIdentityAssociations=self.associations or None,
        )


@dataclass
class AccessEntry:
    """The Kubernetes identity and the access policies of an IAM principal in a cluster."""

    principal: str
    cluster: str
    arn: str
    created_at: float
    modified_at: float
    kind: str
    username: str
    groups: list[str]
    tags: dict[str, str]
    policies: dict[str, Description] = field(default_factory=dict)
    known_from: float = 0.0
    """When the API server begins to know the principal."""
    allowed_from: float = 0.0
    """When it begins to follow the latest policy."""

    @property
    def identifier(self) -> str:
        """Return the last part of the ARN, which is unique among all entries."""
        return self.arn.rpartition("/")[2]

    def describe(self) -> Description:
        return {
            "clusterName": self.cluster,
            "principalArn": self.principal,
            "kubernetesGroups": list(self.groups),
            "accessEntryArn": self.arn,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "tags": dict(self.tags),
            "username": self.username,
            "type": self.kind,
        }


@dataclass
class PodIdentityAssociation:
    """The IAM role of a service account's pods."""

    identifier: str
    cluster: str
    arn: str
    namespace: str
    service_account: str
    role: str
    created_at: float
    modified_at: float
    tags: dict[str, str]
    disable_session_tags: bool
    target_role: str | None = None
    owner: str | None = None

    def summary(self) -> Description:
        return present(
            clusterName=self.cluster,
            namespace=self.namespace,
            serviceAccount=self.service_account,
            associationArn=self.arn,
            associationId=self.identifier,
            ownerArn=self.owner,
        )

    def describe(self) -> Description:
        return self.summary() | present(
            roleArn=self.role,
            tags=dict(self.tags),
            createdAt=self.created_at,
            modifiedAt=self.modified_at,
            disableSessionTags=self.disable_session_tags,
            targetRoleArn=self.target_role,
        )


@dataclass
class Cluster:
    """A cluster with its settings, its control plane and all that belongs to it."""

    name: str
    region: str
    arn: str
    created_at: float
    version: str
    platform_version: str
    role: str
    creator: str
    vpc: Description
    network: Description
    logging: dict[str, bool]
    authentication_mode: str
    creator_is_admin: bool
    self_managed_addons: bool
    upgrade_policy: str
    deletion_protection: bool
    encryption: list[Description]
    zonal_shift: bool
    tags: dict[str, str]
    issuer: str
    due: float
    status: str = "CREATING"
    plane: ControlPlane | None = None
    endpoint: str | None = None
    certificate_authority: str | None = None
    admin_kubeconfig: Path | None = None
    issues: list[Description] = field(default_factory=list)
    updates: dict[str, Update] = field(default_factory=dict)
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    addons: dict[str, Addon] = field(default_factory=dict)
    entries: dict[str, AccessEntry] = field(default_factory=dict)
    associations: dict[str, PodIdentityAssociation] = field(default_factory=dict)
    unbound: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def security_group(self) -> str:
        """Return the security group that EKS created for this cluster."""
        return str(self.vpc["clusterSecurityGroupId"])

    @property
    def account(self) -> str:
        return self.arn.split(":")[4]

    def describe(self) -> Description:
        enabled = [kind for kind, on in self.logging.items() if on]
        disabled = [kind for kind, on in self.logging.items() if not on]
        groups = [{"types": enabled, "enabled": True}, {"types": disabled, "enabled": False}]
        authority = {"data": self.certificate_authority} if self.certificate_authority else None
        return present(
            name=self.name,
            arn=self.arn,
            createdAt=self.created_at,
            version=self.version,
            endpoint=self.endpoint,
            roleArn=self.role,
            resourcesVpcConfig=dict(self.vpc),
            kubernetesNetworkConfig=dict(self.network),
            logging={"clusterLogging": [group for group in groups if group["types"]]},
            identity={"oidc": {"issuer": self.issuer}},
            status=self.status,
            certificateAuthority=authority,
            platformVersion=self.platform_version,
            tags=dict(self.tags),
            encryptionConfig=self.encryption or None,
            health={"issues": list(self.issues)},
            accessConfig={
                "bootstrapClusterCreatorAdminPermissions": self.creator_is_admin,
                "authenticationMode": self.authentication_mode,
            },
            upgradePolicy={"supportType": self.upgrade_policy},
            zonalShiftConfig={"enabled": self.zonal_shift},
            computeConfig={"enabled": False},
            storageConfig={"blockStorage": {"enabled": False}},
            deletionProtection=self.deletion_protection,
        )
