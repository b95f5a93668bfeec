"""The actions that the program asks AWS for itself, with boto3, by what it does with the answers.

A test compares them with the calls in the code: what is asked for is listed, what is listed is asked for.
"""

from __future__ import annotations

WHO = ("sts:GetCallerIdentity",)
"""Who runs it: the lease of a cluster names the holder, and a stack may be kept to some accounts."""

CLUSTER = ("eks:DescribeCluster",)
"""Where the API server is."""

PLAN = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLifecycleHooks",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "eks:DescribeAddon",
    "eks:DescribeAddonConfiguration",
    "eks:DescribeNodegroup",
    "eks:ListNodegroups",
    "iam:GetOpenIDConnectProvider",
)
"""The groups, nodes and networks of a running cluster, for the plan of a replacement or of restarts."""

LOAD_BALANCERS = (
    "elasticloadbalancing:DescribeInstanceHealth",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
"""Whether load balancers still send to a node; without them each node waits for the whole limit."""

NODES = (
    "autoscaling:ResumeProcesses",
    "autoscaling:SuspendProcesses",
    "autoscaling:TerminateInstanceInAutoScalingGroup",
    "autoscaling:UpdateAutoScalingGroup",
    "eks:UpdateNodegroupConfig",
)
"""Replacing nodes."""

VPC_CNI = ("eks:CreateAddon", "eks:DeleteAddon", "eks:UpdateAddon")
"""The add-on vpc-cni is bound to old nodes, removed, and for a rollback created; chaining configures it."""

NEW_CLUSTER = (
    "ec2:DescribeInstanceTypeOfferings",
    "ec2:DescribeVpcEndpoints",
    "eks:DescribeAccessEntry",
    "eks:DescribeAddonConfiguration",
    "eks:DescribeAddonVersions",
    "iam:GetPolicy",
    "iam:GetRole",
    "iam:ListAttachedRolePolicies",
    "kms:GetKeyPolicy",
    "kms:ListResourceTags",
)
"""Add-ons that EKS offers, roles and VPCs that exist, and the key of the cluster's Secrets."""

INTERFACES = ("ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces")
"""Network interfaces that Cilium's operator left behind, once the nodes are gone."""

MESH = (
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeInstances",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSubnets",
    "ec2:DescribeTransitGatewayVpcAttachments",
    "ec2:DescribeTransitGateways",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcPeeringConnections",
    "ec2:DescribeVpcs",
    "eks:ListTagsForResource",
    "elasticloadbalancing:DescribeLoadBalancers",
    "route53:ListHostedZonesByVPC",
)
"""The networks of the clusters of a mesh, their zones, and the load balancers in front of their stores."""

ALL = (WHO, CLUSTER, PLAN, LOAD_BALANCERS, NODES, VPC_CNI, NEW_CLUSTER, INTERFACES, MESH)
