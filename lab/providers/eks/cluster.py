"""`eks.Cluster`: registers the same resources as the real component for the same arguments.

Names, parents, inputs, dependencies and ignored changes are the real ones, so that a program sees the same
URNs and operations. Components have no inputs in the state: the Node SDK of pulumi-eks (3.173.0 in its
yarn.lock) sends none. One difference: with public access the real component polls the API server's
`/healthz` for up to five minutes; the lab's cluster answers before EKS reports it as active.
"""

import os
import shutil
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from lab.providers.eks import addons, arguments, security_groups
from lab.providers.eks.access import access_entries
from lab.providers.eks.kubeconfig import as_json, kubeconfig_output, region_of
from lab.providers.eks.service_role import ServiceRole
from lab.providers.errors import RefusedError

# EKS sets the first only at creation, and the second has two defaults; a change of either would replace the
# cluster.
IGNORED = ["accessConfig.bootstrapClusterCreatorAdminPermissions", "bootstrapSelfManagedAddons"]


class Cluster(pulumi.ComponentResource):
    """A control plane with its role, security groups, access entries, add-ons and Kubernetes provider."""

    def __init__(self, name: str, given: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        arguments.check(given)
        require_aws_cli()
        super().__init__("eks:index:Cluster", name, {}, opts)
        self._name = name
        self._given = given
        self._mine = pulumi.ResourceOptions(parent=self)
        self._register()
        self.register_outputs(self.outputs)

    def _register(self) -> None:
        partition = aws.get_partition_output(opts=pulumi.InvokeOutputOptions(parent=self)).partition
        self.service_role = self._service_role(partition)
        alone = bool(self._given.get("skipDefaultSecurityGroups"))
        self.own_group = None if alone else security_groups.cluster_group(self._name, self._given, self._mine)
        self.cluster = self._control_plane()
        self.kubernetes = kubernetes.Provider(
            f"{self._name}-eks-k8s",
            kubeconfig=self._kubeconfig(with_profile=True).apply(as_json),
            opts=self._mine,
        )
        entries = self._given.get("accessEntries") or {}
        self._entries = access_entries(self._name, entries, self.cluster, self)
        self._addons()
        self.node_group, self.node_ingress = self._node_group()

    def _service_role(self, partition: pulumi.Output[str]) -> ServiceRole | None:
        """The role that the component makes; none where one is given."""
        if self._given.get("serviceRole") is not None:
            return None
        return ServiceRole(
            f"{self._name}-eksRole", partition=partition, tags=self._given.get("tags"), opts=self._mine
        )

    @property
    def role(self) -> pulumi.Input[Any]:
        """The role of the control plane, given or made."""
        return self.service_role.role if self.service_role else self._given["serviceRole"]

    def _control_plane(self) -> aws.eks.Cluster:
        given, made = self._given, self.service_role
        return aws.eks.Cluster(
            f"{self._name}-eksCluster",
            name=given.get("name"),
            role_arn=pulumi.Output.from_input(self.role).apply(lambda role: role.arn),
            version=given.get("version"),
            enabled_cluster_log_types=given.get("enabledClusterLogTypes"),
            kubernetes_network_config=network_config(given),
            bootstrap_self_managed_addons=given.get("bootstrapSelfManagedAddons", True),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode=given["authenticationMode"],
                bootstrap_cluster_creator_admin_permissions=True,
            ),
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                security_group_ids=[self.own_group.id] if self.own_group else None,
                subnet_ids=self.subnet_ids,
                endpoint_private_access=given.get("endpointPrivateAccess"),
                endpoint_public_access=given.get("endpointPublicAccess"),
                public_access_cidrs=given.get("publicAccessCidrs"),
            ),
            encryption_config=self.encryption,
            upgrade_policy=upgrade_policy(given),
            deletion_protection=given.get("deletionProtection"),
            tags=security_groups.merged_tags(
                {"Name": f"{self._name}-eksCluster"}, given.get("clusterTags"), given.get("tags")
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=IGNORED,
                depends_on=[made.role, made.attachment] if made else [],
            ),
        )

    def _addons(self) -> None:
        given, tags = self._given, self._given.get("tags")
        self.vpc_cni: addons.VpcCniAddon | None = None
        if addons.wants_kube_proxy(given):
            options = given.get("kubeProxyAddonOptions") or {}
            addons.addon(
                f"{self._name}-kube-proxy",
                "kube-proxy",
                options,
                cluster=self.cluster,
                tags=tags,
                opts=self._mine,
            )
        if addons.wants_vpc_cni(given):
            after_access = pulumi.ResourceOptions(parent=self, depends_on=self._entries)
            options = given.get("vpcCniOptions") or {}
            self.vpc_cni = addons.VpcCniAddon(
                f"{self._name}-vpc-cni", options, self.cluster, tags, after_access
            )
        if addons.wants_coredns(given):
            options = given.get("corednsAddonOptions") or {}
            addons.addon(
                f"{self._name}-coredns", "coredns", options, cluster=self.cluster, tags=tags, opts=self._mine
            )

    def _node_group(self) -> tuple[aws.ec2.SecurityGroup | None, aws.ec2.SecurityGroupRule | None]:
        if self.own_group is None:
            return None, None
        return security_groups.node_group(self._name, self._given, self.cluster, self.own_group, self._mine)

    @cached_property
    def subnet_ids(self) -> pulumi.Input[list[str]]:
        """The subnets of the control plane's interfaces, public ones first."""
        if self._given.get("subnetIds") is not None:
            return self._given["subnetIds"]  # type: ignore[no-any-return]  # an input, whatever it holds
        split = [self._given.get("publicSubnetIds") or [], self._given.get("privateSubnetIds") or []]
        return pulumi.Output.all(*split).apply(lambda both: [*both[0], *both[1]])

    @cached_property
    def encryption(self) -> pulumi.Output[Any] | None:
        """The encryption of Secrets, if a key is given."""
        if self._given.get("encryptionConfigKeyArn") is None:
            return None
        return pulumi.Output.from_input(self._given["encryptionConfigKeyArn"]).apply(
            lambda arn: aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=arn), resources=["secrets"]
            )
        )

    def _given_encryption(self) -> dict[str, Any] | None:
        """The encryption as the component's output has it: as the program gave it."""
        key = self._given.get("encryptionConfigKeyArn")
        return None if key is None else {"provider": {"keyArn": key}, "resources": ["secrets"]}

    def _kubeconfig(self, *, with_profile: bool) -> pulumi.Output[dict[str, Any]]:
        # With a profile for the component's own provider, without one for users.
        credentials = pulumi.Output.from_input(self._given.get("providerCredentialOpts") or ambient_profile())
        return kubeconfig_output(
            name=self.cluster.name,
            endpoint=self.cluster.endpoint,
            certificate_authority=self.cluster.certificate_authority.data,
            region=self.cluster.arn.apply(region_of),
            profile=credentials.apply(lambda options: options.get("profileName") if with_profile else None),
            role=credentials.apply(lambda options: options.get("roleArn")),
        )

    @cached_property
    def outputs(self) -> dict[str, Any]:
        # An output that does not exist is an empty string or absent, as in the real component.
        kubeconfig = self._kubeconfig(with_profile=False)
        issuer = self.cluster.identities.apply(issuer_of)
        eks_group = self.cluster.vpc_config.cluster_security_group_id
        optional = {
            "clusterSecurityGroup": self.own_group,
            "nodeSecurityGroup": self.node_group,
            "eksClusterIngressRule": self.node_ingress,
        }
        return {
            "kubeconfig": kubeconfig,
            "kubeconfigJson": kubeconfig.apply(as_json),
            "eksCluster": self.cluster,
            # As a whole: unknown while any part of it is.
            "core": pulumi.Output.from_input(self._core(kubeconfig)),
            "instanceRoles": [],
            "clusterSecurityGroupId": self.own_group.id if self.own_group else eks_group,
            "nodeSecurityGroupId": self.node_group.id if self.node_group else eks_group,
            "clusterIngressRuleId": self.node_ingress.security_group_rule_id if self.node_ingress else "",
            "oidcProviderArn": "",
            "oidcProviderUrl": issuer,
            "oidcIssuer": issuer.apply(lambda url: url.removeprefix("https://")),
            **dict.fromkeys(
                (
                    "autoModeNodeRoleName",
                    "defaultNodeGroupAsgName",
                    "fargateProfileId",
                    "fargateProfileStatus",
                ),
                "",
            ),
            **{key: value for key, value in optional.items() if value is not None},
        }

    def _core(self, kubeconfig: pulumi.Output[dict[str, Any]]) -> dict[str, Any]:
        given = self._given
        nodes = {
            "version": given.get("version"),
            "nodeSecurityGroup": self.node_group,
            "clusterIngressRule": self.node_ingress,
        }
        entries = given.get("accessEntries") or {}
        optional = {
            "publicSubnetIds": given.get("publicSubnetIds"),
            "privateSubnetIds": given.get("privateSubnetIds"),
            "clusterSecurityGroup": self.own_group,
            "tags": given.get("tags"),
            "nodeSecurityGroupTags": given.get("nodeSecurityGroupTags"),
            "vpcCni": self.vpc_cni,
            "encryptionConfig": self._given_encryption(),
        }
        return {
            "cluster": self.cluster,
            "clusterIamRole": self.role,
            "vpcId": given["vpcId"],
            "subnetIds": self.subnet_ids,
            "endpoint": self.cluster.endpoint,
            "provider": self.kubernetes,
            "instanceRoles": [],
            "nodeGroupOptions": {key: value for key, value in nodes.items() if value is not None},
            "kubeconfig": kubeconfig,
            "storageClasses": {},
            "accessEntries": list(entries.values()),
            "autoModeNodeRoleName": "",
            **{key: value for key, value in optional.items() if value is not None},
        }


def require_aws_cli() -> None:
    # The real component requires it, because the kubeconfig calls it.
    if shutil.which("aws") is None:
        raise RefusedError("Could not find aws CLI for EKS: `aws` is not on the PATH")


def ambient_profile() -> dict[str, str]:
    """The profile of the environment or of the stack's configuration."""
    profile = os.environ.get("AWS_PROFILE") or pulumi.Config("aws").get("profile")
    return {"profileName": profile} if profile else {}


def network_config(given: Mapping[str, Any]) -> pulumi.Output[Any] | None:
    """The service range or IP family, if given."""
    services, family = given.get("kubernetesServiceIpAddressRange"), given.get("ipFamily")
    if services is None and family is None:
        return None
    return pulumi.Output.all(services, family or "ipv4").apply(
        lambda known: aws.eks.ClusterKubernetesNetworkConfigArgs(
            service_ipv4_cidr=known[0] if known[1] == "ipv4" else None, ip_family=known[1]
        )
    )


def upgrade_policy(given: Mapping[str, Any]) -> pulumi.Output[Any] | None:
    """The support type of the Kubernetes version, if given."""
    if given.get("upgradePolicy") is None:
        return None
    return pulumi.Output.from_input(given["upgradePolicy"]).apply(
        lambda policy: aws.eks.ClusterUpgradePolicyArgs(support_type=policy.get("supportType"))
    )


def issuer_of(identities: Any) -> str:
    for identity in identities or ():
        for oidc in identity.oidcs or ():
            return str(oidc.issuer)
    return ""
