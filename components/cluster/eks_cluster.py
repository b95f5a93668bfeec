"""The control plane of a new cluster, without any add-on or node of EKS's own.

`stacks/new_cluster_base.py` registers it. Several switches of `pulumi_eks.Cluster` have to agree, and one of
them reads backwards, see `_no_default_data_plane`. They are plain booleans on purpose: the remote component
tests some of them by truthiness, and an Output is truthy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as kubernetes

from components.cluster.access import access_entries, own_access
from components.cluster.adjustments import Adjustments
from components.cluster.kube_proxy import kube_proxy
from components.cluster.kubeconfig import kubeconfig
from components.naming import tagged, token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.cluster.access import AccessEntryArgs, ClusterAccessArgs


class EksClusterArgs(TypedDict):
    """The arguments of an `EksCluster`."""

    cluster_name: str
    """Name in EKS."""
    kubernetes_version: str
    """Kubernetes minor of the control plane, such as 1.34."""
    region: str
    """AWS region; the provider's has to be the same."""
    profile: str | None
    """AWS profile with which the kubeconfig gets its tokens; that of the environment where None."""
    vpc_id: pulumi.Input[str]
    """VPC of the control plane's network interfaces."""
    private_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets behind a NAT gateway."""
    public_subnet_ids: Sequence[pulumi.Input[str]]
    """Subnets behind an internet gateway."""
    service_cidr: str
    """Network of Service addresses; EKS never changes it later."""
    private_access: bool
    """Whether the API server has an endpoint inside the VPC."""
    public_access: bool
    """Whether the API server has an endpoint on the internet."""
    public_access_cidrs: Sequence[str]
    """Networks that reach the public endpoint; empty leaves it to EKS."""
    upgrade_policy: NotRequired[str | None]
    """`STANDARD` or `EXTENDED` support. Default None: left to EKS, which takes `EXTENDED`."""
    kube_proxy_version: NotRequired[str | None]
    """Version of the kube-proxy add-on. Default None: it is not installed."""
    log_types: Sequence[str]
    """Logs of the control plane that are kept, such as `audit`."""
    log_retention_days: int
    """For how many days CloudWatch keeps them."""
    logs_key_arn: NotRequired[str | None]
    """KMS key that encrypts them. Default None: CloudWatch's own encryption."""
    access_entries: Sequence[AccessEntryArgs]
    """IAM principals that may use the cluster, besides the identity that creates it."""
    role_arn: NotRequired[str | None]
    """ARN of the role of the control plane. Default None: EKS's component makes one."""
    adjustments: NotRequired[Adjustments]
    """What else differs from `eks.Cluster`. Default: nothing."""
    secrets_key_arn: NotRequired[pulumi.Input[str] | None]
    """KMS key that encrypts Secrets. Default None: left to EKS."""
    deletion_protection: bool
    """Whether EKS refuses to delete the cluster."""
    protect: bool
    """Whether Pulumi refuses to delete the cluster."""
    tags: Mapping[str, str]
    """Tags for everything that takes tags."""


class EksCluster(pulumi.ComponentResource):
    """An EKS control plane without CNI, with its IAM identity provider and a Kubernetes provider.

    Creates the log group `<name>-logs`, the cluster `<name>`, the identity provider `<name>-oidc`, the
    provider `<name>`, and the add-on `<name>-kube-proxy` where it gets a version. No node can become Ready
    before a CNI is installed.
    """

    cluster_name: pulumi.Output[str]
    """Name in EKS, known once the cluster exists."""
    arn: pulumi.Output[str]
    """ARN of the cluster."""
    endpoint: pulumi.Output[str]
    """URL of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64, as EKS returns it."""
    kubeconfig: pulumi.Output[str]
    """A kubeconfig as JSON, without secrets."""
    security_group_id: pulumi.Output[str]
    """The group that EKS creates; nodes and their interfaces carry it."""
    oidc_provider_arn: pulumi.Output[str]
    """ARN of the IAM identity provider, which roles of service accounts trust."""
    oidc_issuer: pulumi.Output[str]
    """The cluster's token issuer without https://, as IAM conditions spell it."""
    kubernetes_provider: kubernetes.Provider
    """Provider for objects in the cluster, a child of the component."""

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("EksCluster"), name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # EKS would create the group by itself, without retention, and not delete it with the cluster.
        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/eks/{args['cluster_name']}/cluster",
            retention_in_days=args["log_retention_days"],
            kms_key_id=args.get("logs_key_arn"),
            tags=tagged(args["tags"], f"{name}-logs"),
            opts=child,
        )
        cluster = eks.Cluster(
            name,
            **_control_plane(args),
            **_role(name, args, child),
            **_no_default_data_plane(),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[logs], protect=args["protect"], transforms=_transforms(args)
            ),
        )
        kube_proxy_version = args.get("kube_proxy_version")
        if kube_proxy_version is not None:
            kube_proxy(name, kube_proxy_version, cluster, args["tags"], self)
        identity = aws.iam.OpenIdConnectProvider(
            f"{name}-oidc",
            url=cluster.oidc_provider_url,
            client_id_lists=["sts.amazonaws.com"],
            tags=tagged(args["tags"], f"{name}-oidc"),
            opts=child,
        )
        control_plane = cluster.eks_cluster
        self.cluster_name = control_plane.name
        self.arn = control_plane.arn
        self.endpoint = control_plane.endpoint
        self.certificate_authority = control_plane.certificate_authority.data
        self.security_group_id = control_plane.vpc_config.cluster_security_group_id
        self.oidc_provider_arn = identity.arn
        self.oidc_issuer = cluster.oidc_issuer
        self.kubeconfig = pulumi.Output.all(self.endpoint, self.certificate_authority).apply(
            lambda facts: kubeconfig(
                name=args["cluster_name"],
                region=args["region"],
                endpoint=facts[0],
                certificate_authority=facts[1],
                profile=args["profile"],
            )
        )
        access = own_access(name, _own(args), self._place(args), self)
        # Without the identifier, any change of the kubeconfig would replace the provider, and with it every
        # object in the cluster.
        self.kubernetes_provider = kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig,
            cluster_identifier=self.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=access),
        )
        self.register_outputs({"clusterName": self.cluster_name, "arn": self.arn, "endpoint": self.endpoint})

    def _place(self, args: EksClusterArgs) -> ClusterAccessArgs:
        return {
            "cluster_name": self.cluster_name,
            "region": args["region"],
            "profile": args["profile"],
            "endpoint": self.endpoint,
            "certificate_authority": self.certificate_authority,
        }


def _control_plane(args: EksClusterArgs) -> dict[str, Any]:
    support = args.get("upgrade_policy")
    optional = {
        "upgrade_policy": aws.eks.ClusterUpgradePolicyArgs(support_type=support) if support else None,
        "encryption_config_key_arn": args.get("secrets_key_arn"),
        "provider_credential_opts": _credentials(args["profile"]),
        "public_access_cidrs": list(args["public_access_cidrs"]) or None,
        "deletion_protection": args["deletion_protection"] or None,
    }
    return {
        "name": args["cluster_name"],
        "version": args["kubernetes_version"],
        "vpc_id": args["vpc_id"],
        "private_subnet_ids": list(args["private_subnet_ids"]),
        "public_subnet_ids": list(args["public_subnet_ids"]),
        "endpoint_private_access": args["private_access"],
        "endpoint_public_access": args["public_access"],
        "kubernetes_service_ip_address_range": args["service_cidr"],
        "enabled_cluster_log_types": list(args["log_types"]),
        "authentication_mode": eks.AuthenticationMode.API,
        "access_entries": access_entries([] if _own(args) else args["access_entries"]),
        "tags": dict(args["tags"]),
        **{key: value for key, value in optional.items() if value is not None},
    }


def _own(args: EksClusterArgs) -> Sequence[AccessEntryArgs]:
    """The entries that are resources of this program: all, where the creator has no other way in."""
    return () if args.get("adjustments", Adjustments()).creator_admin else args["access_entries"]


def _role(name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions) -> dict[str, Any]:
    arn = args.get("role_arn")
    if arn is None:
        return {}
    return {"service_role": aws.iam.Role.get(f"{name}-role", arn.rpartition("/")[2], opts=opts)}


def _no_default_data_plane() -> dict[str, Any]:
    """The switches that keep every add-on and node off a fresh control plane."""
    return {
        "bootstrap_self_managed_addons": False,  # no aws-node, kube-proxy and CoreDNS from EKS itself
        "use_default_vpc_cni": True,  # reads backwards: True means "add no managed vpc-cni add-on"
        # Where it is needed, it is an add-on of our own: see `components.cluster.kube_proxy`.
        "kube_proxy_addon_options": eks.KubeProxyAddonOptionsArgs(enabled=False),
        "coredns_addon_options": eks.CoreDnsAddonOptionsArgs(enabled=False),  # registered after the nodes
        "skip_default_node_group": True,
        "skip_default_security_groups": True,  # nodes carry the group EKS makes, and nothing else
        "create_oidc_provider": False,  # the component would open a connection to the issuer in every preview
    }


def _credentials(profile: str | None) -> eks.KubeconfigOptionsArgs | None:
    return None if profile is None else eks.KubeconfigOptionsArgs(profile_name=profile)


def _transforms(args: EksClusterArgs) -> list[Any] | None:
    """No transform where it would change nothing."""
    adjustments = args.get("adjustments", Adjustments())
    if not args["access_entries"] and adjustments == Adjustments():
        return None
    return [adjustments.transform()]
