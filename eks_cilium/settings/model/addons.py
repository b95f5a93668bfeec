"""Keys of the EKS add-ons."""

from __future__ import annotations

from eks_cilium.settings.model.fields import ADDON_VERSION, Part, option


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
