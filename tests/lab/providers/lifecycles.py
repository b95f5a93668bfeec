"""The lifecycle of each family of AWS resources: creation, a change in place, and a change that replaces."""

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
class Existing:
    """The ids of existing resources that the others refer to."""

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
class Lifecycle:
    """One resource: its inputs, a change in place, and a change that replaces it."""

    token: str
    inputs: dict
    changed: dict | None = None
    replacing: dict | None = None


def lifecycles(existing):
    """Every family of the table that needs no control plane."""
    return {
        **_network(existing),
        **_security_groups(existing),
        **_iam(existing),
        **_other_services(existing),
        **_between_vpcs(existing),
        **_route53(existing),
    }


def _network(existing):
    vpc, table = {"vpcId": existing.vpc}, {"routeTableId": existing.table}
    return {
        "vpc": Lifecycle(
            VPC, {"cidrBlock": "10.9.0.0/16"}, {"enableDnsHostnames": True}, {"cidrBlock": "10.8.0.0/16"}
        ),
        "range": Lifecycle(
            "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation",
            {**vpc, "cidrBlock": "100.64.0.0/16"},
            None,
            {"cidrBlock": "100.65.0.0/16"},
        ),
        "subnet": Lifecycle(
            SUBNET,
            {**vpc, "cidrBlock": "10.0.9.0/24"},
            {"mapPublicIpOnLaunch": True},
            {"cidrBlock": "10.0.8.0/24"},
        ),
        "flow log": Lifecycle(
            "aws:ec2/flowLog:FlowLog",
            {
                **vpc,
                "trafficType": "ALL",
                "logDestination": "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vpc/flow-logs/x",
                "iamRoleArn": f"arn:aws:iam::123456789012:role/{existing.role}",
            },
            {"tags": {"a": "b"}},
            {"trafficType": "REJECT"},
        ),
        "internet gateway": Lifecycle("aws:ec2/internetGateway:InternetGateway", {}, {"tags": {"a": "b"}}),
        "address": Lifecycle("aws:ec2/eip:Eip", {}, {"tags": {"a": "b"}}, {"domain": "standard"}),
        "route table": Lifecycle(
            "aws:ec2/routeTable:RouteTable",
            {**vpc, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": existing.gateway}]},
            {"routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": existing.gateway}]},
            {"vpcId": "vpc-1"},
        ),
        "route": Lifecycle(
            "aws:ec2/route:Route",
            {**table, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": existing.gateway},
            None,
            {"destinationCidrBlock": "1.0.0.0/8"},
        ),
        "route table association": Lifecycle(
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            {**table, "subnetId": existing.subnets[0]},
            None,
            {"subnetId": existing.subnets[1]},
        ),
        "endpoint": Lifecycle(
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            {**vpc, "serviceName": "com.amazonaws.eu-central-1.s3", "routeTableIds": [existing.table]},
            {"tags": {"a": "b"}},
            {"serviceName": "com.amazonaws.eu-central-1.dynamodb"},
        ),
    }


def _security_groups(existing):
    vpc, group = {"vpcId": existing.vpc}, {"securityGroupId": existing.group}
    return {
        "security group": Lifecycle(
            GROUP,
            {
                **vpc,
                "description": "web",
                "ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "cidrBlocks": ["10.0.0.0/8"]}],
            },
            {"ingress": [{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}]},
            {"description": "not web"},
        ),
        "rule of the older kind": Lifecycle(
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
        "rule to itself": Lifecycle(
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
        "ingress rule": Lifecycle(
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            {**group, "ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"},
            {"toPort": 23},
            {"securityGroupId": "sg-1"},
        ),
        "egress rule": Lifecycle(
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            {**group, "ipProtocol": "-1", "cidrIpv4": "10.0.0.0/8"},
            {"description": "inside"},
            {"securityGroupId": "sg-1"},
        ),
    }


def _iam(existing):
    return {
        "role": Lifecycle(
            ROLE,
            {"assumeRolePolicy": trust(), "description": "a"},
            {"assumeRolePolicy": trust("eks.amazonaws.com"), "description": "b"},
            {"path": "/other/"},
        ),
        "policy of a role": Lifecycle(
            "aws:iam/rolePolicy:RolePolicy",
            {"role": existing.role, "policy": policy("ec2:DescribeVpcs")},
            {"policy": policy("ec2:DescribeSubnets")},
            {"role": "other"},
        ),
        "attachment": Lifecycle(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"role": existing.role, "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
            None,
            {"policyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"},
        ),
        "policy": Lifecycle(
            "aws:iam/policy:Policy",
            {"policy": policy("ec2:DescribeVpcs")},
            {"policy": policy("ec2:DescribeSubnets")},
            {"description": "new"},
        ),
        "instance profile": Lifecycle(
            "aws:iam/instanceProfile:InstanceProfile",
            {"role": existing.role},
            {"tags": {"a": "b"}},
            {"path": "/a/"},
        ),
        "issuer": Lifecycle(
            "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
            {"url": "https://issuer.example/id", "clientIdLists": ["sts.amazonaws.com"]},
            {"thumbprintLists": ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]},
            {"url": "https://issuer.example/other"},
        ),
    }


def _other_services(existing):
    return {
        "launch template": Lifecycle(
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
                "networkInterfaces": [
                    {"associatePublicIpAddress": "false", "securityGroups": [existing.group]}
                ],
            },
            {"instanceType": "m5.xlarge"},
            {"name": "other"},
        ),
        "key": Lifecycle(
            "aws:kms/key:Key",
            {"description": "secrets", "deletionWindowInDays": 7},
            {"enableKeyRotation": True, "description": "other"},
            {"keyUsage": "SIGN_VERIFY"},
        ),
        "alias": Lifecycle(
            "aws:kms/alias:Alias",
            {"name": "alias/lab", "targetKeyId": existing.key},
            None,
            {"name": "alias/other"},
        ),
        "log group": Lifecycle(
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": "/aws/eks/x/cluster", "retentionInDays": 7},
            {"retentionInDays": 30},
            {"name": "/other"},
        ),
        "parameter": Lifecycle(
            "aws:ssm/parameter:Parameter", {"type": "String", "value": "a"}, {"value": "b"}, {"name": "other"}
        ),
    }


def _between_vpcs(existing):
    far = {"vpcId": existing.vpc, "transitGatewayId": existing.hub}
    table = {"transitGatewayId": existing.hub}
    module = "aws:ec2transitgateway"
    return {
        "peering": Lifecycle(
            "aws:ec2/vpcPeeringConnection:VpcPeeringConnection",
            {"vpcId": existing.vpc, "peerVpcId": existing.peer, "autoAccept": True},
            {"requester": {"allowRemoteVpcDnsResolution": True}},
            {"peerVpcId": "vpc-1"},
        ),
        "transit gateway": Lifecycle(
            f"{module}/transitGateway:TransitGateway",
            {"defaultRouteTableAssociation": "disable", "tags": {"Name": "x"}},
            {"description": "the hub"},
            {"amazonSideAsn": 65001},
        ),
        "attachment to a transit gateway": Lifecycle(
            f"{module}/vpcAttachment:VpcAttachment",
            {**far, "subnetIds": existing.subnets[:1], "tags": {"Name": "x"}},
            {"subnetIds": existing.subnets, "transitGatewayDefaultRouteTablePropagation": False},
            {"vpcId": "vpc-1"},
        ),
        "table of a transit gateway": Lifecycle(
            f"{module}/routeTable:RouteTable", table, {"tags": {"a": "b"}}, {"transitGatewayId": "tgw-1"}
        ),
        "route of a transit gateway": Lifecycle(
            f"{module}/route:Route",
            {
                "transitGatewayRouteTableId": existing.hub_table,
                "destinationCidrBlock": "10.77.0.0/16",
                "transitGatewayAttachmentId": existing.attachment,
            },
            None,
            {"destinationCidrBlock": "10.78.0.0/16"},
        ),
    }


def _route53(existing):
    inside = {"zoneId": existing.zone}
    return {
        "zone": Lifecycle(
            "aws:route53/zone:Zone",
            {"name": "x.example", "vpcs": [{"vpcId": existing.vpc}], "tags": {"a": "b"}},
            {"vpcs": [{"vpcId": existing.peer, "vpcRegion": "eu-central-1"}], "comment": "mesh"},
            {"name": "y.example"},
        ),
        "zone association": Lifecycle(
            "aws:route53/zoneAssociation:ZoneAssociation",
            {**inside, "vpcId": existing.peer},
            None,
            {"vpcId": "vpc-1"},
        ),
        "authorization of a zone association": Lifecycle(
            "aws:route53/vpcAssociationAuthorization:VpcAssociationAuthorization",
            {**inside, "vpcId": existing.peer},
            None,
            {"vpcId": "vpc-1"},
        ),
        "record": Lifecycle(
            "aws:route53/record:Record",
            {**inside, "name": "a.mesh.cilium.io", "type": "A", "ttl": 60, "records": ["10.0.0.9"]},
            {"records": ["10.0.0.10"], "ttl": 30},
            {"name": "b.mesh.cilium.io"},
        ),
        "alias record": Lifecycle(
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
