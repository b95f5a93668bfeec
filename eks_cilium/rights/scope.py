"""Which resources, under which conditions, an action is allowed for: as narrow as IAM and the program permit.

Source of what each action can be limited to: the Service Authorization Reference, in
docs.aws.amazon.com/service-authorization/latest/reference. `policies` makes a statement of each scope.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ATTACHED = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
    "AmazonEKS_CNI_Policy",
)
"""Policies of AWS that the stacks attach to roles; those of `cluster.addons.<name>.role` come on top."""

_EVERYTHING = ("*",)
_EKS = "arn:aws:eks:REGION:ACCOUNT"
_LOGS = "arn:aws:logs:REGION:ACCOUNT:log-group"
_READS = ("Describe", "Get", "List")


@dataclass(frozen=True)
class Scope:
    """A statement without its actions."""

    sid: str
    resources: tuple[str, ...] = _EVERYTHING
    condition: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


_READ = Scope("Read")
_IN_REGION = Scope("InRegion", condition={"StringEquals": {"aws:RequestedRegion": "REGION"}})
_ANYWHERE = Scope("Anywhere")
_CLUSTER = Scope(
    "Cluster",
    (
        f"{_EKS}:cluster/CLUSTER",
        *(
            f"{_EKS}:{kind}/CLUSTER/*"
            for kind in ("nodegroup", "addon", "access-entry", "podidentityassociation")
        ),
    ),
)
_GROUPS = Scope(
    "Groups",
    ("arn:aws:autoscaling:REGION:ACCOUNT:autoScalingGroup:*",),
    # EKS gives the tag to the groups of its node groups, and asks for it on others.
    {"Null": {"aws:ResourceTag/kubernetes.io/cluster/CLUSTER": "false"}},
)
_ROLES = Scope("Roles", ("arn:aws:iam::ACCOUNT:role/CLUSTER-*",))
_ATTACHMENTS = Scope(
    "AttachedPolicies",
    _ROLES.resources,
    {"ArnEquals": {"iam:PolicyARN": [f"arn:aws:iam::aws:policy/{name}" for name in ATTACHED]}},
)
# Services: docs.aws.amazon.com/service-authorization/latest/reference/list_eks.html, iam:PassedToService.
_PASSED = Scope(
    "PassedRoles",
    _ROLES.resources,
    {
        "StringEquals": {
            "iam:PassedToService": [
                "ec2.amazonaws.com",
                "eks.amazonaws.com",
                "pods.eks.amazonaws.com",
                "vpc-flow-logs.amazonaws.com",
            ]
        }
    },
)
# docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html and
# docs.aws.amazon.com/vpc/latest/tgw/service-linked-roles.html
_SERVICE_ROLES = Scope(
    "ServiceLinkedRoles",
    ("arn:aws:iam::ACCOUNT:role/aws-service-role/*",),
    {
        "StringEquals": {
            "iam:AWSServiceName": [
                "eks.amazonaws.com",
                "eks-nodegroup.amazonaws.com",
                "transitgateway.amazonaws.com",
            ]
        }
    },
)
_ISSUERS = Scope(
    "IdentityProvider", ("arn:aws:iam::ACCOUNT:oidc-provider/oidc.eks.REGION.amazonaws.com/id/*",)
)
_LOG_GROUPS = Scope("Logs", (f"{_LOGS}:/aws/eks/CLUSTER/*", f"{_LOGS}:/aws/vpc/flow-logs/CLUSTER*"))
_KEYS = Scope("Keys", ("arn:aws:kms:REGION:ACCOUNT:key/*", "arn:aws:kms:REGION:ACCOUNT:alias/*"))
_ZONES = Scope("Zones", ("arn:aws:route53:::hostedzone/*", "arn:aws:route53:::change/*"))
_BUCKET = Scope("Bucket", ("arn:aws:s3:::BUCKET",))

_ON_EVERYTHING = frozenset(
    {
        "eks:CreateCluster",
        "kms:CreateKey",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
    }
)
"""Actions on what does not exist yet, or that cannot be limited to resources."""
_OF_VPCS = frozenset(
    {
        "route53:AssociateVPCWithHostedZone",
        "route53:CreateHostedZone",
        "route53:DisassociateVPCFromHostedZone",
    }
)
"""Actions of a service without regions that are on VPCs as well."""
_OF_IAM = {
    "iam:AttachRolePolicy": _ATTACHMENTS,
    "iam:CreateServiceLinkedRole": _SERVICE_ROLES,
    "iam:DetachRolePolicy": _ATTACHMENTS,
    "iam:PassRole": _PASSED,
}
_OF_SERVICES = {
    "autoscaling": _GROUPS,
    "ec2": _IN_REGION,
    "eks": _CLUSTER,
    "kms": _KEYS,
    "logs": _LOG_GROUPS,
    "route53": _ZONES,
    "s3": _BUCKET,
}


def is_read(action: str) -> bool:
    """Whether an action only reads; the policy of a bucket is read to be changed."""
    service, _, name = action.partition(":")
    return service != "s3" and name.startswith(_READS)


def scope_of(action: str) -> Scope:
    """Where an action is allowed."""
    service = action.partition(":")[0]
    if is_read(action):
        return _READ
    if action in _OF_VPCS:
        return _ANYWHERE
    if action in _ON_EVERYTHING:
        return _IN_REGION
    if service == "iam":
        return _OF_IAM.get(action, _ISSUERS if "OpenIDConnect" in action else _ROLES)
    return _OF_SERVICES[service]
