"""Configurations that have to be refused: accounts, IAM roles, access entries, security groups."""

from typing import Any

from tests.program.settings.bad_configurations import (
    EXISTING,
    GOOD,
    GOOD_CHAINING,
    GOOD_MESH,
    GOOD_NEW_CHAINING,
    GOOD_REPLACEMENT,
    Bad,
)

ACCOUNT = "111122223333"

BAD_ACCESS: list[Bad] = [
    Bad(f"accounts in mode {base['mode']}: {name}", change, problems, base)
    for base in (GOOD, GOOD_NEW_CHAINING, GOOD_CHAINING, GOOD_REPLACEMENT, GOOD_MESH)
    for name, change, problems in (
        (
            "an alias",
            {"aws:allowedAccountIds": ["production"]},
            {"aws:allowedAccountIds[0]": "account ids of 12 digits"},
        ),
        (
            "a number that lost its leading zero",
            {"aws:forbiddenAccountIds": [11122223333]},
            {"aws:forbiddenAccountIds[0]": "in quotes"},
        ),
        (
            "no list",
            {"aws:allowedAccountIds": ACCOUNT},
            {"aws:allowedAccountIds": "a list of account ids"},
        ),
        (
            "allowed and forbidden",
            {"aws:allowedAccountIds": [ACCOUNT], "aws:forbiddenAccountIds": ["444455556666"]},
            {"aws:forbiddenAccountIds": "forbids every other account already"},
        ),
    )
]


def _entry(**keys: Any) -> dict[str, Any]:
    return {"cluster": {"accessEntries": [{"principalArn": f"arn:aws:iam::{ACCOUNT}:role/shop", **keys}]}}


_AT = "eks-cilium:cluster.accessEntries[0]"
_VIEW = {"policy": "view"}
_VIEW_ARN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

BAD_ACCESS += [
    Bad(f"access in mode {base['mode']}: {name}", change, problems, base)
    for base in (GOOD, GOOD_NEW_CHAINING)
    for name, change, problems in (
        (
            "an entry without principal",
            {"cluster": {"accessEntries": [{"policies": [_VIEW]}]}},
            {f"{_AT}.principalArn": "not set"},
        ),
        (
            "an entry for a session",
            _entry(principalArn=f"arn:aws:sts::{ACCOUNT}:assumed-role/shop/me", policies=[_VIEW]),
            {f"{_AT}.principalArn": "not of a session"},
        ),
        (
            "an entry for an account",
            _entry(principalArn=f"arn:aws:iam::{ACCOUNT}:root", policies=[_VIEW]),
            {f"{_AT}.principalArn": "or an account"},
        ),
        (
            "an entry for a service-linked role",
            _entry(
                principalArn=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/X",
                policies=[_VIEW],
            ),
            {f"{_AT}.principalArn": "service-linked"},
        ),
        (
            "an entry of another partition",
            _entry(principalArn=f"arn:aws-cn:iam::{ACCOUNT}:role/shop", policies=[_VIEW]),
            {f"{_AT}.principalArn": "an ARN of partition aws, that of eu-central-1"},
        ),
        (
            "a principal that is an admin too",
            {
                "cluster": {
                    "admins": [f"arn:aws:iam::{ACCOUNT}:role/shop"],
                    **_entry(policies=[_VIEW])["cluster"],
                }
            },
            {f"{_AT}.principalArn": "every principal once"},
        ),
        (
            "principals that would be one resource",
            {
                "cluster": {
                    "admins": [f"arn:aws:iam::{ACCOUNT}:role/a/b", f"arn:aws:iam::{ACCOUNT}:role/a-b"],
                }
            },
            {"eks-cilium:cluster.admins[1]": "in more than / and -"},
        ),
        ("a type for Windows", _entry(type="EC2_WINDOWS"), {f"{_AT}.type": "STANDARD or EC2_LINUX"}),
        (
            "nodes with a policy and groups",
            _entry(type="EC2_LINUX", policies=[_VIEW], kubernetesGroups=["ops"]),
            {f"{_AT}.policies": "nothing for type EC2_LINUX", f"{_AT}.kubernetesGroups": "nothing for type"},
        ),
        (
            "nodes that are a user",
            _entry(type="EC2_LINUX", principalArn=f"arn:aws:iam::{ACCOUNT}:user/ann"),
            {f"{_AT}.principalArn": "nodes have no other identity"},
        ),
        ("an entry that allows nothing", _entry(), {f"{_AT}.policies": "may do nothing"}),
        (
            "a policy of IAM",
            _entry(policies=[{"policy": "arn:aws:iam::aws:policy/AdministratorAccess"}]),
            {f"{_AT}.policies[0].policy": "cluster-admin, admin, admin-view, edit, view, or the ARN"},
        ),
        ("a policy unknown", _entry(policies=[{"policy": "viewer"}]), {f"{_AT}.policies[0].policy": "view"}),
        (
            "a policy of another partition",
            _entry(policies=[{"policy": _VIEW_ARN.replace("aws:", "aws-cn:", 1)}]),
            {f"{_AT}.policies[0].policy": "an ARN of partition aws"},
        ),
        (
            "a policy by its name and by its ARN",
            _entry(policies=[{"policy": "view", "namespaces": ["shop"]}, {"policy": _VIEW_ARN}]),
            {f"{_AT}.policies[1].policy": "every policy once for a principal"},
        ),
        (
            "a namespace that cannot exist",
            _entry(policies=[{"policy": "view", "namespaces": ["Shop"]}]),
            {f"{_AT}.policies[0].namespaces[0]": "a list of namespaces"},
        ),
        (
            "the group of everything",
            _entry(kubernetesGroups=["system:masters"]),
            {f"{_AT}.kubernetesGroups[0]": "policies: [{policy: cluster-admin}] allows everything"},
        ),
        (
            "groups that EKS keeps, and one twice",
            _entry(kubernetesGroups=["eks:ops", "ops", "ops"]),
            {f"{_AT}.kubernetesGroups[0]": "does not begin with", f"{_AT}.kubernetesGroups[2]": "once"},
        ),
        (
            "no administrator at all",
            {"cluster": {"creatorAdmin": False}},
            {"eks-cilium:cluster.creatorAdmin": "Cilium could not be installed"},
        ),
        (
            "an administrator of some namespaces only",
            {
                "cluster": {
                    "creatorAdmin": False,
                    **_entry(policies=[{"policy": "cluster-admin", "namespaces": ["kube-system"]}])[
                        "cluster"
                    ],
                }
            },
            {"eks-cilium:cluster.creatorAdmin": "Cilium could not be installed"},
        ),
        (
            "a mode without access entries",
            {"cluster": {"authenticationMode": "CONFIG_MAP"}},
            {"eks-cilium:cluster.authenticationMode": "API or API_AND_CONFIG_MAP"},
        ),
    )
]


def _iam(**keys: Any) -> dict[str, Any]:
    return {"iam": keys}


_LINKED = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"

BAD_ACCESS += [
    Bad(f"roles in mode {base['mode']}: {name}", change, problems, base)
    for base in (GOOD, GOOD_NEW_CHAINING, GOOD_REPLACEMENT)
    for name, change, problems in (
        (
            "a boundary that is a role",
            _iam(permissionsBoundary=f"arn:aws:iam::{ACCOUNT}:role/boundary"),
            {"eks-cilium:iam.permissionsBoundary": "the ARN of an IAM policy"},
        ),
        (
            "a boundary of another partition",
            _iam(permissionsBoundary=f"arn:aws-cn:iam::{ACCOUNT}:policy/boundary"),
            {"eks-cilium:iam.permissionsBoundary": "an ARN of partition aws, that of eu-central-1"},
        ),
        ("a path without its end", _iam(path="/eks"), {"eks-cilium:iam.path": "begins and ends with /"}),
        (
            "a path with an empty part",
            _iam(path="/eks//x/"),
            {"eks-cilium:iam.path": "begins and ends with /"},
        ),
    )
]

BAD_ACCESS += [
    Bad(f"roles in mode {base['mode']}: {name}", change, problems, base)
    for base in (GOOD, GOOD_NEW_CHAINING)
    for name, change, problems in (
        (
            "the name of a role",
            _iam(clusterRoleArn="eks-cluster"),
            {"eks-cilium:iam.clusterRoleArn": "the ARN of an IAM role that eks.amazonaws.com may assume"},
        ),
        (
            "an instance profile",
            _iam(nodeRoleArn=f"arn:aws:iam::{ACCOUNT}:instance-profile/nodes"),
            {"eks-cilium:iam.nodeRoleArn": "the ARN of an IAM role that ec2.amazonaws.com may assume"},
        ),
        (
            "a service-linked role",
            _iam(clusterRoleArn=_LINKED),
            {"eks-cilium:iam.clusterRoleArn": "only its own service may use that"},
        ),
        (
            "an entry for the nodes of the stack",
            {**_iam(nodeRoleArn=f"arn:aws:iam::{ACCOUNT}:role/shop"), **_entry(type="EC2_LINUX")},
            {f"{_AT}.principalArn": "EKS makes the entry of that role itself"},
        ),
    )
]
BAD_ACCESS += [
    Bad(
        "roles in mode replacement: those of a new cluster",
        _iam(nodeRoleArn=f"arn:aws:iam::{ACCOUNT}:role/nodes"),
        {"eks-cilium:iam.nodeRoleArn": "known here: path, permissionsBoundary"},
        GOOD_REPLACEMENT,
    )
]

_AGENT = {"podIdentityAgent": {"version": "v1.3.10-eksbuild.1"}}
_BY_PODS = {"operatorIdentity": "pod-identity"}

BAD_ACCESS += [
    Bad(
        "pod identity with an operator that is too old",
        {"cilium": {**_BY_PODS, "version": "1.12.4"}, **_AGENT},
        {"eks-cilium:cilium.operatorIdentity": "an AWS SDK that is too old"},
    ),
    Bad(
        "pod identity without its agent",
        {"cilium": _BY_PODS},
        {"eks-cilium:podIdentityAgent.version": "the operator gets no credentials"},
    ),
    Bad(
        "an agent that Cilium does not need",
        _AGENT,
        {"eks-cilium:podIdentityAgent": "cluster.addons.eks-pod-identity-agent installs the agent"},
    ),
    Bad(
        "the agent twice",
        {"cilium": _BY_PODS, **_AGENT, "cluster": {"addons": {"eks-pod-identity-agent": {}}}},
        {"eks-cilium:cluster.addons.eks-pod-identity-agent": "podIdentityAgent configures this one"},
    ),
    Bad(
        "an agent without a build",
        {"cilium": _BY_PODS, "podIdentityAgent": {"version": "v1.3.10"}},
        {"eks-cilium:podIdentityAgent.version": "a build such as"},
    ),
    Bad(
        "pod identity in an overlay",
        {
            "cilium": {**_BY_PODS, "ipam": "cluster-pool", "overlay": {"podCidrs": ["10.64.0.0/14"]}},
            **_AGENT,
        },
        {"eks-cilium:cilium.operatorIdentity": "the operator calls AWS in ENI mode only"},
    ),
    Bad(
        "an identity unknown",
        {"cilium": {"operatorIdentity": "node"}},
        {"eks-cilium:cilium.operatorIdentity": "irsa or pod-identity"},
    ),
]

_GROUP = "sg-0123456789abcdef0"

BAD_ACCESS += [
    Bad(
        f"security groups: {name}",
        change,
        problems,
        EXISTING if in_a_vpc else GOOD,
    )
    for name, in_a_vpc, change, problems in (
        (
            "of a VPC that does not exist yet",
            False,
            {
                "cluster": {"securityGroupIds": [_GROUP]},
                "nodeGroups": {"system": {"securityGroupIds": [_GROUP]}},
            },
            {
                "eks-cilium:cluster.securityGroupIds": "nothing with network.cidr",
                "eks-cilium:nodeGroups.system.securityGroupIds": "nothing with network.cidr",
            },
        ),
        (
            "a name",
            True,
            {"nodeGroups": {"system": {"securityGroupIds": ["nodes"]}}},
            {"eks-cilium:nodeGroups.system.securityGroupIds[0]": "ids of security groups in network.vpcId"},
        ),
        (
            "one twice",
            True,
            {"cluster": {"securityGroupIds": [_GROUP, _GROUP]}},
            {"eks-cilium:cluster.securityGroupIds[1]": "every group once"},
        ),
        (
            "more than an interface has",
            True,
            {"nodeGroups": {"system": {"securityGroupIds": [f"{_GROUP[:-1]}{last}" for last in "12345"]}}},
            {"eks-cilium:nodeGroups.system.securityGroupIds": "up to 4 ids"},
        ),
    )
]
