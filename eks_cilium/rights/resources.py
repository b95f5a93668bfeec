"""The actions of AWS behind each type of resource and each function of Pulumi's AWS provider.

The provider is built on Terraform's, whose sources (github.com/hashicorp/terraform-provider-aws,
internal/service) say which calls a resource makes; github.com/JamesWoolfenden/pike lists them by resource, in
src/mapping/aws. Left out is what the arguments that this program never sets would need. Reading is for
`pulumi refresh` and for what a resource waits for; changing is for everything from creation to deletion.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Actions(NamedTuple):
    """The actions of a resource, such as `ec2:CreateVpc`."""

    read: tuple[str, ...]
    change: tuple[str, ...]


def _of(service: str, read: str, change: str, *more: str) -> Actions:
    """The actions of a service, which are separated by blanks, and `more` of others that change something."""
    return Actions(_named(service, read), (*_named(service, change), *more))


def _named(service: str, names: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in names.split())


_TAGS = "CreateTags DeleteTags"
_RETAG = "TagResource UntagResource"
_ROLE = ("iam:GetRole", "iam:PassRole")

RESOURCES: Mapping[str, Actions] = MappingProxyType(
    {
        "cloudwatch.LogGroup": _of(
            "logs",
            "DescribeLogGroups ListTagsForResource",
            f"AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteRetentionPolicy "
            f"DisassociateKmsKey PutRetentionPolicy {_RETAG}",
        ),
        "ec2.DefaultSecurityGroup": _of(
            "ec2",
            "DescribeSecurityGroups DescribeSecurityGroupRules",
            f"AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress "
            f"RevokeSecurityGroupIngress {_TAGS}",
        ),
        "ec2.Eip": _of(
            "ec2",
            "DescribeAddresses DescribeAddressesAttribute",
            f"AllocateAddress DisassociateAddress ReleaseAddress {_TAGS}",
        ),
        "ec2.FlowLog": _of(
            "ec2",
            "DescribeFlowLogs",
            f"CreateFlowLogs DeleteFlowLogs {_TAGS}",
            # docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html, for a bucket.
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "s3:GetBucketPolicy",
            "s3:PutBucketPolicy",
            *_ROLE,
        ),
        "ec2.InternetGateway": _of(
            "ec2",
            "DescribeInternetGateways",
            "AttachInternetGateway CreateInternetGateway DeleteInternetGateway DetachInternetGateway "
            f"{_TAGS}",
        ),
        "ec2.LaunchTemplate": _of(
            "ec2",
            "DescribeLaunchTemplates DescribeLaunchTemplateVersions",
            "CreateLaunchTemplate CreateLaunchTemplateVersion DeleteLaunchTemplate ModifyLaunchTemplate "
            f"{_TAGS}",
        ),
        "ec2.NatGateway": _of("ec2", "DescribeNatGateways", f"CreateNatGateway DeleteNatGateway {_TAGS}"),
        "ec2.Route": _of("ec2", "DescribeRouteTables", "CreateRoute DeleteRoute ReplaceRoute"),
        "ec2.RouteTable": _of("ec2", "DescribeRouteTables", f"CreateRouteTable DeleteRouteTable {_TAGS}"),
        "ec2.RouteTableAssociation": _of(
            "ec2",
            "DescribeRouteTables",
            "AssociateRouteTable DisassociateRouteTable ReplaceRouteTableAssociation",
        ),
        "ec2.Subnet": _of(
            "ec2",
            "DescribeSubnets DescribeNetworkInterfaces",
            f"CreateSubnet DeleteSubnet ModifySubnetAttribute {_TAGS}",
        ),
        "ec2.Vpc": _of(
            "ec2",
            "DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroups DescribeVpcAttribute "
            "DescribeVpcs",
            f"CreateVpc DeleteVpc ModifyVpcAttribute {_TAGS}",
        ),
        "ec2.VpcIpv4CidrBlockAssociation": _of(
            "ec2", "DescribeVpcs", "AssociateVpcCidrBlock DisassociateVpcCidrBlock"
        ),
        "ec2.VpcPeeringConnection": _of(
            "ec2",
            "DescribeVpcPeeringConnections",
            f"CreateVpcPeeringConnection DeleteVpcPeeringConnection {_TAGS}",
        ),
        "ec2.VpcPeeringConnectionAccepter": _of(
            "ec2", "DescribeVpcPeeringConnections", f"AcceptVpcPeeringConnection {_TAGS}"
        ),
        "ec2transitgateway.TransitGateway": _of(
            "ec2",
            "DescribeTransitGateways",
            f"CreateTransitGateway DeleteTransitGateway ModifyTransitGateway {_TAGS}",
        ),
        "ec2transitgateway.VpcAttachment": _of(
            "ec2",
            "DescribeTransitGateways DescribeTransitGatewayVpcAttachments",
            f"CreateTransitGatewayVpcAttachment DeleteTransitGatewayVpcAttachment "
            f"ModifyTransitGatewayVpcAttachment {_TAGS}",
            "iam:CreateServiceLinkedRole",
        ),
        "eks.AccessEntry": _of(
            "eks",
            "DescribeAccessEntry",
            f"CreateAccessEntry DeleteAccessEntry UpdateAccessEntry {_RETAG}",
            # For entries of nodes: docs.aws.amazon.com/service-authorization/latest/reference/list_eks.html.
            "iam:PassRole",
        ),
        "eks.AccessPolicyAssociation": _of(
            "eks", "ListAssociatedAccessPolicies", "AssociateAccessPolicy DisassociateAccessPolicy"
        ),
        "eks.Addon": _of(
            "eks",
            "DescribeAddon DescribeUpdate",
            f"CreateAddon DeleteAddon UpdateAddon {_RETAG}",
            *_ROLE,
        ),
        # By the component `eks.Cluster`. Grants: docs.aws.amazon.com/eks/latest/userguide/enable-kms.html.
        "eks.Cluster": _of(
            "eks",
            "DescribeCluster DescribeUpdate",
            f"AssociateEncryptionConfig CreateCluster DeleteCluster UpdateClusterConfig UpdateClusterVersion "
            f"{_RETAG}",
            *_ROLE,
            "iam:CreateServiceLinkedRole",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ),
        # With a launch template EKS asks whether the caller may start instances with it.
        "eks.NodeGroup": _of(
            "eks",
            "DescribeNodegroup DescribeUpdate",
            f"CreateNodegroup DeleteNodegroup UpdateNodegroupConfig UpdateNodegroupVersion {_RETAG}",
            *_ROLE,
            "ec2:CreateTags",
            "ec2:RunInstances",
            "iam:CreateServiceLinkedRole",
            "iam:ListAttachedRolePolicies",
        ),
        "eks.PodIdentityAssociation": _of(
            "eks",
            "DescribePodIdentityAssociation",
            "CreatePodIdentityAssociation DeletePodIdentityAssociation UpdatePodIdentityAssociation "
            f"{_RETAG}",
            *_ROLE,
        ),
        "iam.OpenIdConnectProvider": _of(
            "iam",
            "GetOpenIDConnectProvider",
            "AddClientIDToOpenIDConnectProvider CreateOpenIDConnectProvider DeleteOpenIDConnectProvider "
            "RemoveClientIDFromOpenIDConnectProvider TagOpenIDConnectProvider UntagOpenIDConnectProvider "
            "UpdateOpenIDConnectProviderThumbprint",
        ),
        "iam.Role": _of(
            "iam",
            "GetRole ListAttachedRolePolicies ListRolePolicies",
            "CreateRole DeleteRole DeleteRolePermissionsBoundary ListInstanceProfilesForRole "
            "PutRolePermissionsBoundary TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
            "UpdateRoleDescription",
        ),
        "iam.RolePolicy": _of("iam", "GetRolePolicy", "DeleteRolePolicy PutRolePolicy"),
        "iam.RolePolicyAttachment": _of(
            "iam", "ListAttachedRolePolicies", "AttachRolePolicy DetachRolePolicy"
        ),
        "kms.Alias": _of("kms", "ListAliases", "CreateAlias DeleteAlias UpdateAlias"),
        "kms.Key": _of(
            "kms",
            "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags",
            "CreateKey EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion TagResource UntagResource "
            "UpdateKeyDescription",
        ),
        "route53.Record": _of(
            "route53",
            "GetChange GetHostedZone ListResourceRecordSets",
            "ChangeResourceRecordSets",
        ),
        "route53.VpcAssociationAuthorization": _of(
            "route53",
            "ListVPCAssociationAuthorizations",
            "CreateVPCAssociationAuthorization DeleteVPCAssociationAuthorization",
        ),
        "route53.Zone": _of(
            "route53",
            "GetChange GetHostedZone ListResourceRecordSets ListTagsForResource",
            "AssociateVPCWithHostedZone ChangeTagsForResource CreateHostedZone DeleteHostedZone "
            "DisassociateVPCFromHostedZone UpdateHostedZoneComment",
            "ec2:DescribeVpcs",
        ),
        "route53.ZoneAssociation": _of(
            "route53",
            "GetChange GetHostedZone ListHostedZonesByVPC",
            "AssociateVPCWithHostedZone DisassociateVPCFromHostedZone",
            "ec2:DescribeVpcs",
        ),
        "vpc.SecurityGroupIngressRule": _of(
            "ec2",
            "DescribeSecurityGroupRules",
            f"AuthorizeSecurityGroupIngress ModifySecurityGroupRules RevokeSecurityGroupIngress {_TAGS}",
        ),
    }
)
"""By the name of the class in `pulumi_aws`."""

FUNCTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "get_availability_zones": ("ec2:DescribeAvailabilityZones",),
        "cloudwatch.get_log_group": ("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        "cloudwatch.get_log_groups": ("logs:DescribeLogGroups",),
        "ec2.get_ami": ("ec2:DescribeImages",),
        "ec2.get_instance_type": ("ec2:DescribeInstanceTypes",),
        "ec2.get_route_table": ("ec2:DescribeRouteTables",),
        "ec2.get_route_tables": ("ec2:DescribeRouteTables",),
        "ec2.get_security_groups": ("ec2:DescribeSecurityGroups",),
        "ec2.get_subnet": ("ec2:DescribeSubnets",),
        "ec2.get_vpc": ("ec2:DescribeRouteTables", "ec2:DescribeVpcAttribute", "ec2:DescribeVpcs"),
        "eks.get_cluster": ("eks:DescribeCluster",),
        "eks.get_clusters": ("eks:ListClusters",),
        "kms.get_key": ("kms:DescribeKey",),
    }
)
"""By the name of the function in `pulumi_aws`; what each of them reads."""
