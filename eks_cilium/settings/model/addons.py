"""Keys of the EKS add-ons."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from eks_cilium.settings.model.fields import ADDON_VERSION, Part, option

LATEST = "latest"
ROLE_ARN = r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$"
POLICY_ARN = r"^arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+$"
_NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"


class CoreDns(Part):
    """The CoreDNS add-on of EKS."""

    version: str = option(
        says="Version of the add-on.",
        allowed="a build such as v1.12.4-eksbuild.1; "
        "`aws eks describe-addon-versions --addon-name coredns` lists them",
        example="v1.12.4-eksbuild.1",
        pattern=ADDON_VERSION,
    )
    replicas: int = option(2, says="Replicas of CoreDNS.", allowed="1 to 10", example=2, ge=1, le=10)


class PinnedVpcCni(Part):
    """The AWS VPC CNI that runs in the cluster."""

    version: str | None = option(
        None,
        says="Version the add-on has to have. The preview fails if it was upgraded outside this stack.",
        allowed="the build that runs, such as v1.20.5-eksbuild.1; "
        "`aws eks describe-addon --addon-name vpc-cni` shows it",
        example="v1.20.5-eksbuild.1",
        pattern=ADDON_VERSION,
    )


class VpcCni(Part):
    """The AWS VPC CNI, which gives pods their addresses."""

    version: str = option(
        says="Version of the add-on.",
        allowed="a build such as v1.20.5-eksbuild.1; "
        "`aws eks describe-addon-versions --addon-name vpc-cni` lists them",
        example="v1.20.5-eksbuild.1",
        pattern=ADDON_VERSION,
    )


class KubeProxy(Part):
    """The kube-proxy add-on, for clusters where Cilium does not replace it."""

    version: str = option(
        says="Version of the add-on.",
        allowed="a build such as v1.34.0-eksbuild.2; "
        "`aws eks describe-addon-versions --addon-name kube-proxy` lists them",
        example="v1.34.0-eksbuild.2",
        pattern=ADDON_VERSION,
    )


class PodIdentityAgent(Part):
    """The EKS Pod Identity Agent, which gives Cilium's operator its AWS credentials on every node."""

    version: str = option(
        says="Version of the add-on.",
        allowed="a build such as v1.3.10-eksbuild.1; "
        "`aws eks describe-addon-versions --addon-name eks-pod-identity-agent` lists them",
        example="v1.3.10-eksbuild.1",
        pattern=ADDON_VERSION,
    )


class AddOnRole(Part):
    """An IAM role that this program makes for one service account of an add-on, and for no other."""

    service_account: str = option(
        says="Namespace and name of the service account; `aws eks describe-addon-configuration` shows it "
        "under `podIdentityConfiguration`.",
        allowed="namespace/name",
        example="kube-system/ebs-csi-controller-sa",
        pattern=f"^{_NAME}/{_NAME}$",
    )
    policy_arns: tuple[Annotated[str, Field(pattern=POLICY_ARN)], ...] = option(
        says="IAM policies of the role.",
        allowed="a list of ARNs of IAM policies",
        example=["arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"],
    )


class AddOn(Part):
    """An EKS add-on that this program does not need itself, such as a storage driver."""

    # Semantic versions alone: internal/service/eks/addon.go of hashicorp/terraform-provider-aws.
    version: str | None = option(
        None,
        says="Version of the add-on. When unset, EKS takes its default at creation and keeps it; with "
        "`latest`, each preview looks for the newest that fits `kubernetesVersion`.",
        allowed="a build such as v1.53.0-eksbuild.1, or latest; "
        "`aws eks describe-addon-versions --addon-name <name>` lists them",
        example="v1.53.0-eksbuild.1",
        pattern=rf"^({LATEST}|v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?)$",
    )
    configuration_values: dict[str, Any] = option(
        default_factory=dict,
        says="The add-on's own configuration.",
        allowed="an object that fits the schema of `aws eks describe-addon-configuration`",
        example={"defaultStorageClass": {"enabled": True}},
    )
    service_account_role_arn: str | None = option(
        None,
        says="Existing IAM role of the add-on's service account.",
        allowed="the ARN of an IAM role that trusts the cluster's identity provider; nothing beside `role`",
        example="arn:aws:iam::111122223333:role/ebs-csi",
        pattern=ROLE_ARN,
    )
    role: AddOnRole | None = option(
        None,
        says="IAM role to make for the add-on's service account.",
        example={
            "serviceAccount": "kube-system/ebs-csi-controller-sa",
            "policyArns": ["arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"],
        },
    )
    # docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html, API_UpdateAddon.html.
    resolve_conflicts_on_create: Literal["NONE", "OVERWRITE"] = option(
        "NONE",
        says="What EKS does at creation where other software owns fields of the add-on's objects: fail, or "
        "overwrite them.",
        allowed="NONE or OVERWRITE",
        example="OVERWRITE",
    )
    resolve_conflicts_on_update: Literal["NONE", "OVERWRITE", "PRESERVE"] = option(
        "OVERWRITE",
        says="The same in an update; PRESERVE leaves to others what they own.",
        allowed="NONE, OVERWRITE or PRESERVE",
        example="PRESERVE",
    )
    preserve: bool = option(
        False,
        says="Whether the software stays in the cluster when the add-on is removed from the configuration.",
        allowed="true or false",
        example=True,
    )
