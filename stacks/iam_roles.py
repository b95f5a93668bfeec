"""IAM roles: those that exist and are used, and limits of those that a stack makes.

The programs of new clusters and of mode `replacement` call it before they register anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.cluster.node_role import POLICIES as NODE_POLICIES
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import AwsNotFoundError, ProgramError, UnexpectedAnswerError
from eks_cilium.settings.problems import Problem, set_fix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings, ReplacementSettings, RoleLimits

ROLE_PATH = "rolePath"
"""The output that keeps the path of the stack's roles."""
_ROLE_TYPE = "aws:iam/role:Role"


@dataclass(frozen=True)
class Use:
    """What a role that exists is used for."""

    key: str
    service: str
    """Who has to be able to assume it."""
    policies: tuple[str, ...]
    """Policies of AWS that allow what it needs; one of customers may allow the same."""


@dataclass(frozen=True)
class _Role:
    arn: str
    trusted: set[str]
    """The services that may assume it."""
    policies: set[str]
    """The names of the policies attached to it."""


_CLUSTER = Use("clusterRoleArn", "eks.amazonaws.com", ("AmazonEKSClusterPolicy",))
_NODES = Use("nodeRoleArn", "ec2.amazonaws.com", NODE_POLICIES[:1])


def limit_roles(limits: RoleLimits) -> None:
    """Give every role that is registered from now on the boundary and the path of the configuration.

    A transform of the stack, because it reaches the role that EKS's component makes as well.
    """
    wanted = {"permissionsBoundary": limits.permissions_boundary, "path": limits.path}
    given = {key: value for key, value in wanted.items() if value not in (None, "/")}
    if not given:
        return

    def limited(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != _ROLE_TYPE:
            return None
        return pulumi.ResourceTransformResult({**args.props, **given}, args.opts)

    pulumi.runtime.register_resource_transform(limited)


def check_limits(
    settings: NewClusterBaseSettings | ReplacementSettings,
    exported: Mapping[str, Any],
    aws_client: ClientOf = client,
) -> None:
    """Refuse a boundary that does not exist, and a path that would replace roles. Raises RunError.

    Args:
        settings: The configuration of the stack.
        exported: What the stack exported before, by the keys of its output `cluster`; empty before its first
            update.
        aws_client: Makes a client of a service of AWS.
    """
    limits = settings.iam
    was = exported.get(ROLE_PATH, "/") if exported else limits.path
    if was != limits.path:
        # Pods keep the credentials they started with, and EKS the role of its control plane.
        path = ("iam", "path")
        allowed = f"{was}, as when the roles were made: another path would replace them while they are in use"
        raise pulumi.RunError(str(Problem(path, limits.path, allowed, set_fix(path, was))))
    if limits.permissions_boundary is not None:
        _read(settings, aws_client, "permissionsBoundary", limits.permissions_boundary, _policy)


def check_roles(settings: NewClusterBaseSettings, aws_client: ClientOf = client) -> None:
    """Refuse roles that EKS could not use; warn where AWS's own policies are missing. Raises RunError."""
    for arn, use in ((settings.iam.cluster_role_arn, _CLUSTER), (settings.iam.node_role_arn, _NODES)):
        if arn is None:
            continue
        role = _read(settings, aws_client, use.key, arn, _role)
        if role.arn != arn:
            raise _problem(use.key, arn, f"{role.arn}, the role of this name in this account")
        if use.service not in role.trusted:
            others = ", ".join(sorted(role.trusted)) or "no service"
            raise _problem(use.key, arn, f"a role that {use.service} may assume; this one trusts {others}")
        missing = [policy for policy in use.policies if policy not in role.policies]
        if missing:
            pulumi.log.warn(
                f"iam.{use.key}: {', '.join(missing)} is not attached to {arn}; without a policy that allows "
                "the same, the cluster does not work"
            )


def _read(
    settings: NewClusterBaseSettings | ReplacementSettings,
    aws_client: ClientOf,
    key: str,
    arn: str,
    read: Callable[[Any, str], Any],
) -> Any:
    credentials = Credentials(region=settings.region, profile=settings.profile)
    try:
        return read(aws_client(credentials, "iam"), arn)
    except AwsNotFoundError:
        raise _problem(key, arn, "what exists in this account") from None
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"iam.{key}: {arn} could not be read: {error}") from None


def _policy(iam: Any, arn: str) -> None:
    iam.get_policy(PolicyArn=arn)


def _role(iam: Any, arn: str) -> _Role:
    name = arn.rpartition("/")[2]
    role = iam.get_role(RoleName=name)["Role"]
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    attached = {policy["PolicyName"] for page in pages for policy in page["AttachedPolicies"]}
    return _Role(role["Arn"], _services(role["AssumeRolePolicyDocument"]), attached)


def _services(trust: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    statements = trust.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        if statement.get("Effect") == "Allow":
            found |= {services} if isinstance(services, str) else set(services)
    # In China both names of a service are in use: ec2.amazonaws.com and ec2.amazonaws.com.cn.
    return {service.removesuffix(".cn") for service in found}


def _problem(key: str, arn: str, allowed: str) -> pulumi.RunError:
    path = ("iam", key)
    return pulumi.RunError(str(Problem(path, arn, allowed, set_fix(path, "..."))))
