"""The policy of each mode and role: what its resources and its own calls need, limited by `scope`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.rights import calls
from eks_cilium.rights.resources import FUNCTIONS, RESOURCES
from eks_cilium.rights.scope import Scope, is_read, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 6144
"""Characters of a managed policy, white space not counted: docs.aws.amazon.com/IAM/latest/UserGuide/
reference_iam-quotas.html."""

ALWAYS = "always"


@dataclass(frozen=True)
class Part:
    """What a stack does, and with which resources, functions of the provider and calls of its own."""

    name: str
    """The beginning of its statements' ids."""
    when: str
    resources: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    in_previews: bool = True

    def actions(self, *, changing: bool) -> frozenset[str]:
        """Every action; those that only read where nothing is to be changed."""
        needed = [RESOURCES[kind] for kind in self.resources]
        found = {action for kind in needed for action in (*kind.read, *kind.change)} | set(self.calls)
        found |= {action for name in self.functions for action in FUNCTIONS[name]}
        return frozenset(action for action in found if changing or is_read(action))


@dataclass(frozen=True)
class Job:
    """A kind of stack, or a command."""

    title: str
    parts: tuple[Part, ...]
    changes: bool = True
    """Whether it changes anything in AWS."""

    def actions(self, *, changing: bool) -> frozenset[str]:
        """Every action of all its parts."""
        return frozenset().union(*(part.actions(changing=changing) for part in self.parts))


_OPERATOR_ROLE = ("iam.OpenIdConnectProvider", "iam.Role", "iam.RolePolicy")
_VIEW = Part("Plan", ALWAYS, calls=(*calls.WHO, *calls.CLUSTER, *calls.PLAN))
_NEW_CLUSTER = Part(
    "Cluster",
    ALWAYS,
    resources=(
        "cloudwatch.LogGroup",
        "ec2.LaunchTemplate",
        "eks.AccessEntry",
        "eks.AccessPolicyAssociation",
        "eks.Addon",
        "eks.Cluster",
        "eks.NodeGroup",
        *_OPERATOR_ROLE,
        "iam.RolePolicyAttachment",
    ),
    functions=(
        "get_availability_zones",
        "cloudwatch.get_log_group",
        "cloudwatch.get_log_groups",
        "ec2.get_ami",
        "ec2.get_instance_type",
        "ec2.get_route_table",
        "ec2.get_route_tables",
        "ec2.get_security_groups",
        "ec2.get_subnet",
        "ec2.get_vpc",
        "eks.get_cluster",
        "eks.get_clusters",
    ),
    calls=(
        *calls.WHO,
        *calls.CLUSTER,
        *(action for action in calls.NEW_CLUSTER if not action.startswith("kms:")),
        *calls.INTERFACES,
    ),
)
_NEW_VPC = Part(
    "Network",
    "`network.cidr`: a new VPC",
    resources=(
        "ec2.DefaultSecurityGroup",
        "ec2.Eip",
        "ec2.InternetGateway",
        "ec2.NatGateway",
        "ec2.Route",
        "ec2.RouteTable",
        "ec2.RouteTableAssociation",
        "ec2.Subnet",
        "ec2.Vpc",
        "ec2.VpcIpv4CidrBlockAssociation",
    ),
)
_SECRETS_KEY = Part(
    "SecretsKey",
    "`cluster.secretsKey` or `cluster.secretsKeyArn`",
    resources=("kms.Alias", "kms.Key"),
    functions=("kms.get_key",),
    calls=("kms:ListResourceTags",),
)
_LOGS_KEY = Part("LogsKey", "`cluster.logsKeyArn`", functions=("kms.get_key",), calls=("kms:GetKeyPolicy",))
_FLOW_LOGS = Part("FlowLogs", "`network.flowLogs`", resources=("ec2.FlowLog",))
_POD_IDENTITY = Part(
    "PodIdentity",
    "the operator's role by EKS Pod Identity",
    resources=("eks.PodIdentityAssociation",),
)
_OVERLAY = Part("Overlay", "`cilium.ipam: cluster-pool`", resources=("vpc.SecurityGroupIngressRule",))
_MESH = Part(
    "Mesh",
    ALWAYS,
    resources=(
        "ec2.Route",
        "route53.Record",
        "route53.VpcAssociationAuthorization",
        "route53.Zone",
        "route53.ZoneAssociation",
        "vpc.SecurityGroupIngressRule",
    ),
    calls=(*calls.WHO, *calls.CLUSTER, *calls.MESH),
)
_PEERING = Part(
    "Peering",
    "`connection.type: peering`",
    resources=("ec2.VpcPeeringConnection", "ec2.VpcPeeringConnectionAccepter"),
)
_TRANSIT = Part(
    "TransitGateway",
    "`connection.type: transit-gateway`",
    resources=("ec2transitgateway.TransitGateway", "ec2transitgateway.VpcAttachment"),
)
_PASS_ROLE = ("iam:PassRole",)

PLAN = Job("Commands `eks-cilium plan`, `status` and `verdict`", (_VIEW,), changes=False)
NEW_CLUSTER = Job(
    "Mode `new-cluster`",
    (_NEW_CLUSTER, _NEW_VPC, _SECRETS_KEY, _LOGS_KEY, _FLOW_LOGS, _POD_IDENTITY, _OVERLAY),
)
CHAINED = Job(
    "Mode `chaining`, of a new cluster", (_NEW_CLUSTER, _NEW_VPC, _SECRETS_KEY, _LOGS_KEY, _FLOW_LOGS)
)
CHAINING = Job(
    "Mode `chaining`",
    (
        _VIEW,
        Part(
            "VpcCni",
            "the VPC CNI is an add-on of EKS",
            calls=("eks:UpdateAddon", *_PASS_ROLE),
        ),
    ),
)
REPLACEMENT = Job(
    "Mode `replacement`",
    (
        _VIEW,
        Part("Nodes", ALWAYS, calls=calls.NODES),
        Part(
            "LoadBalancers",
            "load balancers send to the nodes",
            calls=calls.LOAD_BALANCERS,
            in_previews=False,
        ),
        Part("Operator", ALWAYS, resources=_OPERATOR_ROLE),
        Part("VpcCni", "the VPC CNI is an add-on of EKS", calls=(*calls.VPC_CNI, *_PASS_ROLE)),
    ),
)
MESH = Job("Mode `mesh`, for each cluster's account and region", (_MESH, _PEERING, _TRANSIT))
JOBS = (PLAN, NEW_CLUSTER, CHAINED, CHAINING, REPLACEMENT, MESH)


def preview_policy(job: Job) -> dict[str, Any]:
    """The policy for `pulumi preview`, with `--refresh` too: it changes nothing."""
    first, *others = [part for part in job.parts if part.in_previews]
    together = first.actions(changing=False).union(*(part.actions(changing=False) for part in others))
    return _document(_statements("Preview", together))


def deploy_policies(job: Job) -> dict[Part, dict[str, Any]]:
    """A policy for each part, for `pulumi up`, `refresh` and `destroy`.

    What the parts need that are always there is not repeated in the others.
    """
    always = [part for part in job.parts if part.when == ALWAYS]
    given = frozenset[str]().union(*(part.actions(changing=True) for part in always))
    first, *_ = always
    needed = {first: given}
    needed |= {part: part.actions(changing=True) - given for part in job.parts if part not in always}
    return {part: _document(_statements(part.name, actions)) for part, actions in needed.items()}


def _document(statements: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _statements(name: str, actions: Iterable[str]) -> Iterator[dict[str, Any]]:
    by_scope: dict[str, tuple[Scope, list[str]]] = {}
    for action in sorted(actions):
        scope = scope_of(action)
        by_scope.setdefault(scope.sid, (scope, []))[1].append(action)
    for sid, (scope, found) in by_scope.items():
        statement: dict[str, Any] = {
            "Sid": name + sid,
            "Effect": "Allow",
            "Action": found,
            "Resource": scope.resources[0] if len(scope.resources) == 1 else list(scope.resources),
        }
        yield statement | ({"Condition": dict(scope.condition)} if scope.condition else {})
