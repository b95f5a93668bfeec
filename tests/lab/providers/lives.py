"""How each family of AWS resources is made, changed in place, and changed beyond what AWS can change."""

import json
from dataclasses import dataclass

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
ROLE = "aws:iam/role:Role"


def trust(service="ec2.amazonaws.com"):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(action):
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@dataclass
class Site:
    """What other resources lean on."""

    vpc: str
    subnets: list
    table: str
    gateway: str
    group: str
    role: str
    key: str
    peer: str
    hub: str
    hub_table: str
    attachment: str
    zone: str


@dataclass
class Life:
    """One resource: how it is made, a change in place, and inputs that take a new one."""

    token: str
    inputs: dict
    changed: dict | None = None
    replacing: dict | None = None


def lives(site):
    """Every family the lab offers that needs no control plane."""
    vpc, table, group = {"vpcId": site.vpc}, {"routeTableId": site.table}, {"securityGroupId": site.group}
    return {
        "vpc": Life(
            VPC, {"cidrBlock": "10.9.0.0/16"}, {"enableDnsHostnames": True}, {"cidrBlock": "10.8.0.0/16"}
        ),
        "range": Life(
            "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
            {**vpc, "cidrBlock": "100.64.0.0/16"},
            None,
            {"cidrBlock": "100.65.0.0/16"},
        ),
        "subnet": Life(
            SUBNET,
            {**vpc, "cidrBlock": "10.0.9.0/24"},
            {"mapPublicIpOnLaunch": True},
            {"cidrBlock": "10.0.8.0/24"},
        ),
        "internet gateway": Life("aws:ec2/internetGateway:InternetGateway", {}, {"tags": {"a": "b"}}),
        "address": Life("aws:ec2/eip:Eip", {}, {"tags": {"a": "b"}}, {"domain": "standard"}),
        "route table": Life(
            "aws:ec2/routeTable:RouteTable",
            {**vpc, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": site.gateway}]},
            {"routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": site.gateway}]},
            {"vpcId": "vpc-1"},
        ),
        "route": Life(
            "aws:ec2/route:Route",
            {**table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": site.gateway},
            None,
            {"destinationCidrBlock": "1.0.0.0/8"},
        ),
        "route table association": Life(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            {**table, "subnetId": site.subnets[0]},
            None,
            {"subnetId": site.subnets[1]},
        ),
        "endpoint": Life(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {**vpc, "serviceName": "com.amazonaws.eu-central-1.s3", "routeTableIds": [site.table]},
            {"tags": {"a": "b"}},
            {"serviceName": "com.amazonaws.eu-central-1.dynamodb"},
        ),
        "security group": Life(
            GROUP,
            {
                **vpc,
                "description": "web",
                "ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}],
            },
            {"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}]},
            {"description": "not web"},
        ),
        "rule of the older kind": Life(
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            {
                **group,
                "type": "ingress",
                "protocol": "tcp",
                "fromPort": 53,
                "toPort": 53,
                "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"],
            },
            {"description": "names"},
            {"toPort": 54},
        ),
        "rule to itself": Life(
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            {
                **group,
                "type": "egress",
                "protocol": "-1",
                "fromPort": 0,
                "toPort": 0,
                "self": True,
                "description": "each other",
            },
            None,
            {"type": "ingress"},
        ),
        "ingress rule": Life(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {**group, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"},
            {"toPort": 23},
            {"securityGroupId": "sg-1"},
        ),
        "egress rule": Life(
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            {**group, "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"},
            {"description": "inside"},
            {"securityGroupId": "sg-1"},
        ),
        "launch template": Life(
            "aws:ec2/launchTemplate:LaunchTemplate",
            {
                "instanceType": "m5.large",
                "updateDefaultVersion": True,
                "tags": {"Name": "x"},
                "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
                "blockDeviceMappings": [
                    {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20, "encrypted": "true"}}
                ],
                "tagSpecifications": [
                    {"resourceType": kind, "tags": {"Name": "x", "eks-cilium/cluster": "x"}}
                    for kind in ("instance", "volume", "network-interface")
                ],
                "networkInterfaces": [{"associatePublicIpAddress": "false", "securityGroups": [site.group]}],
            },
            {"instanceType": "m5.xlarge"},
            {"name": "other"},
        ),
        "role": Life(
            ROLE,
            {"assumeRolePolicy": trust(), "description": "a"},
            {"assumeRolePolicy": trust("eks.amazonaws.com"), "description": "b"},
            {"path": "/other/"},
        ),
        "policy of a role": Life(
            "aws:iam/rolePolicy:RolePolicy",
            {"role": site.role, "policy": policy("ec2:DescribeVpcs")},
            {"policy": policy("ec2:DescribeSubnets")},
            {"role": "other"},
        ),
        "attachment": Life(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": site.role, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
            None,
            {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
        ),
        "policy": Life(
            "aws:iam/policy:Policy",
            {"policy": policy("ec2:DescribeVpcs")},
            {"policy": policy("ec2:DescribeSubnets")},
            {"description": "new"},
        ),
        "instance profile": Life(
            "aws:iam/instanceProfile:InstanceProfile",
            {"role": site.role},
            {"tags": {"a": "b"}},
            {"path": "/a/"},
        ),
        "issuer": Life(
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            {"url": "https://issuer.example/id", "clientIdLists": ["sts.amazonaws.com"]},
            {"thumbprintLists": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]},
            {"url": "https://issuer.example/other"},
        ),
        "key": Life(
            "aws:kms/key:Key",
            {"description": "secrets", "deletionWindowInDays": 7},
            {"enableKeyRotation": True, "description": "other"},
            {"keyUsage": "SIGN_VERIFY"},
        ),
        "alias": Life(
            "aws:kms/alias:Alias",
            {"name": "alias/lab", "targetKeyId": site.key},
            None,
            {"name": "alias/other"},
        ),
        "log group": Life(
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": "/aws/eks/x/cluster", "retentionInDays": 7},
            {"retentionInDays": 30},
            {"name": "/other"},
        ),
        **between_vpcs(site),
        **names(site),
        "parameter": Life(
            "aws:ssm/parameter:Parameter", {"type": "String", "value": "a"}, {"value": "b"}, {"name": "other"}
        ),
    }


def between_vpcs(site):
    """What joins two VPCs."""
    far = {"vpcId": site.vpc, "transitGatewayId": site.hub}
    table = {"transitGatewayId": site.hub}
    module = "aws:ec2transitgateway"
    return {
        "peering": Life(
            "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
            {"vpcId": site.vpc, "peerVpcId": site.peer, "autoAccept": True},
            {"requester": {"allowRemoteVpcDnsResolution": True}},
            {"peerVpcId": "vpc-1"},
        ),
        "transit gateway": Life(
            f"{module}/transitGateway:TransitGateway",
            {"defaultRouteTableAssociation": "disable", "tags": {"Name": "x"}},
            {"description": "the hub"},
            {"amazonSideAsn": 65001},
        ),
        "attachment to a transit gateway": Life(
            f"{module}/vpcAttachment:VpcAttachment",
            {**far, "subnetIds": site.subnets[:1], "tags": {"Name": "x"}},
            {"subnetIds": site.subnets, "transitGatewayDefaultRouteTablePropagation": False},
            {"vpcId": "vpc-1"},
        ),
        "table of a transit gateway": Life(
            f"{module}/routeTable:RouteTable", table, {"tags": {"a": "b"}}, {"transitGatewayId": "tgw-1"}
        ),
        "route of a transit gateway": Life(
            f"{module}/route:Route",
            {
                "transitGatewayRouteTableId": site.hub_table,
                "destinationCidrBlock": "10.77.0.0/16",
                "transitGatewayAttachmentId": site.attachment,
            },
            None,
            {"destinationCidrBlock": "10.78.0.0/16"},
        ),
    }


def names(site):
    """What Route 53 keeps."""
    inside = {"zoneId": site.zone}
    return {
        "zone": Life(
            "aws:route53/zone:Zone",
            {"name": "x.example", "vpcs": [{"vpcId": site.vpc}], "tags": {"a": "b"}},
            {"vpcs": [{"vpcId": site.peer, "vpcRegion": "eu-central-1"}], "comment": "mesh"},
            {"name": "y.example"},
        ),
        "zone association": Life(
            "aws:route53/zoneAssociation:ZoneAssociation",
            {**inside, "vpcId": site.peer},
            None,
            {"vpcId": "vpc-1"},
        ),
        "authorization of a zone association": Life(
            "aws:route53/vpcAssociationAuthorization:VpcAssociationAuthorization",
            {**inside, "vpcId": site.peer},
            None,
            {"vpcId": "vpc-1"},
        ),
        "record": Life(
            "aws:route53/record:Record",
            {**inside, "name": "a.mesh.cilium.io", "type": "A", "ttl": 60, "records": ["10.0.0.9"]},
            {"records": ["10.0.0.10"], "ttl": 30},
            {"name": "b.mesh.cilium.io"},
        ),
        "alias record": Life(
            "aws:route53/record:Record",
            {
                **inside,
                "name": "c.mesh.cilium.io",
                "type": "A",
                "aliases": [{"name": "lb.example", "zoneId": "Z1", "evaluateTargetHealth": False}],
            },
            {"aliases": [{"name": "other.example", "zoneId": "Z1", "evaluateTargetHealth": True}]},
            {"zoneId": "Z2"},
        ),
    }
