"""Keys of an EKS cluster: its control plane, or its name where it exists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, WithJsonSchema

from eks_cilium.settings.model.access import CLUSTER_ADMIN, AccessEntry, AccessPolicy
from eks_cilium.settings.model.addons import AddOn  # noqa: TC001 - pydantic reads the annotation
from eks_cilium.settings.model.fields import (
    RETENTIONS,
    Cidr,
    LogRetention,
    Part,
    SecurityGroupId,
    one_of,
    option,
)

# docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html: extended support of 1.30 ended on
# 2026-07-23, that of 1.31 ends on 2026-11-26. EKS creates no cluster with a version after that day, and
# upgrades those that run.
KUBERNETES_VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36")
"""Minor versions that EKS offers, oldest first. The older ones cost the price of extended support."""

CILIUM_NAME = r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$"
"""Cilium's rule for the name of a cluster."""

KubernetesVersion = Annotated[
    str,
    AfterValidator(one_of(KUBERNETES_VERSIONS)),
    WithJsonSchema({"type": "string", "enum": KUBERNETES_VERSIONS}),
]
LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]

_KEY_ARN = r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/(mrk-)?[0-9a-f-]+$"


class Endpoint(Part):
    """The networks from which the Kubernetes API can be reached."""

    private_access: bool = option(
        True, says="Whether the endpoint answers inside the VPC.", allowed="true or false", example=True
    )
    public_access: bool = option(
        False, says="Whether the endpoint answers from the internet.", allowed="true or false", example=False
    )
    public_access_cidrs: tuple[Cidr, ...] = option(
        (),
        says="Networks that may reach the public endpoint. For the whole internet, write `0.0.0.0/0`.",
        allowed="a list of IPv4 networks such as 203.0.113.0/24",
        example=["203.0.113.0/24"],
    )


class SecretsKey(Part):
    """A KMS key that this program makes for the Secrets of the cluster, and that KMS rotates."""

    alias: str | None = option(
        None,
        says="Name of the key without `alias/`; `eks/` and the cluster's name when unset.",
        allowed="letters, digits, dashes, underscores and slashes, not beginning with aws/",
        example="eks/dev",
        pattern=r"^[A-Za-z0-9/_-]{1,250}$",
    )
    # docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html, API_ScheduleKeyDeletion.html.
    rotation_days: int = option(
        365,
        says="After how many days KMS rotates the material of the key.",
        allowed="90 to 2560",
        example=365,
        ge=90,
        le=2560,
    )
    deletion_days: int = option(
        30,
        says="How many days KMS keeps the key after it is destroyed, so that it can be restored.",
        allowed="7 to 30",
        example=30,
        ge=7,
        le=30,
    )


class Cluster(Part):
    """The EKS control plane of a new cluster."""

    name: str = option(
        says="Name of the EKS cluster and of the cluster in Cilium. It can never be changed.",
        allowed="1 to 32 lower-case letters, digits and dashes, beginning and ending with a letter or digit: "
        "Cilium's rule for cluster names, narrower than EKS's own",
        example="dev",
        pattern=CILIUM_NAME,
    )
    kubernetes_version: KubernetesVersion = option(
        says="Kubernetes minor version of the control plane and the nodes.",
        allowed=f"one of {', '.join(KUBERNETES_VERSIONS)}, in quotes, so that YAML does not read 1.40 as 1.4",
        example="1.34",
    )
    # docs.aws.amazon.com/eks/latest/userguide/view-upgrade-policy.html
    upgrade_policy: Literal["STANDARD", "EXTENDED"] | None = option(
        None,
        says="What EKS does when standard support of the version ends: upgrade the control plane by itself "
        "(STANDARD), or keep it for twelve months at a higher price (EXTENDED). When unset, EKS's own "
        "default: EXTENDED.",
        allowed="STANDARD or EXTENDED",
        example="STANDARD",
    )
    protect: bool = option(
        True,
        says="Whether Pulumi refuses to delete or replace the cluster.",
        allowed="true or false",
        example=True,
    )
    deletion_protection: bool = option(
        False,
        says="Whether EKS itself refuses to delete the cluster.",
        allowed="true or false",
        example=True,
    )
    endpoint: Endpoint = option(
        default_factory=Endpoint,
        says="The networks from which the Kubernetes API can be reached.",
        example={"publicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]},
    )
    security_group_ids: tuple[SecurityGroupId, ...] = option(
        (),
        says="Security groups of the control plane's interfaces, besides the one that EKS makes.",
        allowed="a list of up to 4 ids of security groups in network.vpcId",
        example=["sg-0123456789abcdef0"],
        max_length=4,
    )
    service_cidr: Cidr = option(
        "172.20.0.0/16",
        says="Network of Service addresses. It can never be changed.",
        allowed="a private IPv4 network of /12 to /24 that overlaps no network of the VPC",
        example="172.20.0.0/16",
    )
    log_types: tuple[LogType, ...] = option(
        ("api", "audit", "authenticator"),
        says="Control plane logs to keep in CloudWatch.",
        allowed="a list of api, audit, authenticator, controllerManager, scheduler",
        example=["audit"],
    )
    log_retention_days: LogRetention = option(
        30,
        says="How long CloudWatch keeps the control plane's logs.",
        allowed=RETENTIONS,
        example=30,
    )
    logs_key_arn: str | None = option(
        None,
        says="Existing KMS key that encrypts these logs; its policy has to allow CloudWatch Logs to use it. "
        "CloudWatch's own encryption when unset. A change counts for later lines.",
        allowed="the ARN of a symmetric KMS key in the cluster's region",
        example="arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        pattern=_KEY_ARN,
    )
    admins: tuple[str, ...] = option(
        (),
        says="IAM roles and users with full access, besides the identity that creates the cluster.",
        allowed="a list of ARNs of IAM roles or users (an assumed-role session is not one)",
        example=["arn:aws:iam::111122223333:role/platform"],
    )
    access_entries: tuple[AccessEntry, ...] = option(
        (),
        says="Other IAM roles and users that may use the cluster.",
        allowed="a list of objects with principalArn, and any of type, policies, kubernetesGroups",
        example=[
            {
                "principalArn": "arn:aws:iam::111122223333:role/shop",
                "policies": [{"policy": "edit", "namespaces": ["shop"]}],
            }
        ],
    )
    creator_admin: bool = option(
        True,
        says="Whether the identity that creates the cluster gets full access by that. EKS decides it at "
        "creation only. When false, `admins` or `accessEntries` has to give it to the identity that runs "
        "`pulumi up`.",
        allowed="true or false",
        example=True,
    )
    # docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html
    authentication_mode: Literal["API", "API_AND_CONFIG_MAP"] = option(
        "API",
        says="Whether EKS looks for principals in access entries only, or also in the ConfigMap aws-auth, "
        "which this program does not write. It can be changed to API, and never back.",
        allowed="API or API_AND_CONFIG_MAP",
        example="API",
    )
    secrets_key_arn: str | None = option(
        None,
        says="Existing KMS key that encrypts secrets on top of EKS's own encryption. It can be added later, "
        "and never be changed or removed.",
        allowed="the ARN of a symmetric KMS key in the cluster's region; nothing beside `secretsKey`",
        example="arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        pattern=_KEY_ARN,
    )
    secrets_key: SecretsKey | None = option(
        None,
        says="KMS key to make instead; `{}` for the defaults. It can be added later, and never be removed.",
        allowed="an object with any of alias, rotationDays, deletionDays",
        example={"rotationDays": 365},
    )
    addons: dict[str, AddOn] = option(
        default_factory=dict,
        says="More EKS add-ons by name, installed once nodes are ready and DNS answers.",
        allowed="an object of add-ons of EKS, without coredns, kube-proxy and vpc-cni",
        example={"metrics-server": {"version": "latest"}},
    )

    @property
    def entries(self) -> tuple[AccessEntry, ...]:
        """Every access entry; `admins` are entries with full access."""
        full = (AccessPolicy(policy=CLUSTER_ADMIN),)
        return (
            *(AccessEntry(principal_arn=arn, policies=full) for arn in self.admins),
            *self.access_entries,
        )


class NewChainedCluster(Cluster):
    """The EKS control plane of a new cluster, in a mode that is for running clusters as well."""

    existing: Literal[False] = option(
        says="Whether the cluster runs already. It can never be changed.",
        allowed="false for a cluster that the stack makes, true for a running cluster",
        example=False,
    )


class ExistingCluster(Part):
    """A running EKS cluster, which this program did not create and never deletes."""

    name: str = option(
        says="Name of the EKS cluster. It can never be changed.",
        allowed="the name of an EKS cluster: 1 to 100 letters, digits, dashes and underscores",
        example="production",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$",
    )


class ExistingChainedCluster(ExistingCluster):
    """A running EKS cluster, in a mode that makes clusters as well."""

    existing: Literal[True] = option(
        says="Whether the cluster runs already. It can never be changed.",
        allowed="true for a running cluster, false for a cluster that the stack makes",
        example=True,
    )
