"""Rules about IAM: the principals in the access entries of a new cluster, and the roles that stacks use.

Sources: pages "Create access entries" and "Associate access policies with access entries" of EKS's user guide
(docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html and access-policies.html).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eks_cilium.settings.arns import PRINCIPAL, in_partition, is_service_linked, partition_of
from eks_cilium.settings.model.fields import key_of
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import AccessEntry, NewClusterBaseSettings, ReplacementSettings

    KeyPath = tuple[str | int, ...]

_PRINCIPAL = re.compile(PRINCIPAL)
_EXAMPLE = "arn:aws:iam::111122223333:role/platform"
# EKS: "The kubernetes group name system:masters is invalid, it cannot start with system:"
# (terraform-aws-modules/terraform-aws-eks#2915); the others are those of user names.
_RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")


def principals_can_have_an_entry(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for path, arn in _principals(settings):
        # The name of the entry's resource, in which a path is joined: see `components.cluster.access`.
        name = arn.replace("/", "-")
        wanted, other = _wanted(arn, settings.region), seen.get(name)
        if wanted:
            yield Problem(path, arn, wanted, set_fix(path, _EXAMPLE))
        elif other == arn:
            yield Problem(path, arn, "every principal once: EKS has one entry for each", remove_command(path))
        elif other:
            allowed = (
                f"a name that differs from {other} in more than / and -, which one resource would stand for"
            )
            yield Problem(path, arn, allowed, remove_command(path))
        seen.setdefault(name, arn)


def entries_of_nodes_are_bare(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for path, entry in _entries(settings):
        if entry.type == "STANDARD":
            continue
        if ":role/" not in entry.principal_arn:
            where = (*path, "principalArn")
            allowed = "the ARN of an IAM role: nodes have no other identity"
            yield Problem(where, entry.principal_arn, allowed, set_fix(where, _EXAMPLE))
        for key, value in (("policies", entry.policies), ("kubernetesGroups", entry.kubernetes_groups)):
            if value:
                where = (*path, key)
                allowed = f"nothing for type {entry.type}: EKS gives nodes what they need, and nothing else"
                yield Problem(where, entry.changed()[key], allowed, remove_command(where))


def entries_allow_something(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for path, entry in _entries(settings):
        if entry.type == "STANDARD" and not entry.policies and not entry.kubernetes_groups:
            where = (*path, "policies")
            allowed = "at least one policy, or kubernetesGroups: without both the principal may do nothing"
            yield Problem(where, UNSET, allowed, set_fix(where, [{"policy": "view"}]))


def policies_are_given_once(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    """EKS associates a policy with an entry once, and associates only those of its own partition."""
    for path, entry in _entries(settings):
        seen: set[str] = set()
        for index, policy in enumerate(entry.policies):
            where = (*path, "policies", index, "policy")
            if policy.name in seen:
                allowed = f"every policy once for a principal; add to the namespaces of {policy.name}"
                yield Problem(where, policy.policy, allowed, remove_command((*path, "policies", index)))
            elif policy.policy.startswith("arn:") and not in_partition(policy.policy, settings.region):
                allowed = f"an ARN of partition {partition_of(settings.region)}, that of {settings.region}"
                yield Problem(where, policy.policy, allowed, set_fix(where, "view"))
            seen.add(policy.name)


def groups_are_the_users(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    for path, entry in _entries(settings):
        for index, group in enumerate(entry.kubernetes_groups):
            where = (*path, "kubernetesGroups", index)
            if not group or group.startswith(_RESERVED):
                allowed = f"a name that does not begin with {', '.join(_RESERVED)}"
                if group == "system:masters":
                    allowed += "; policies: [{policy: cluster-admin}] allows everything"
                yield Problem(where, group, allowed, set_fix(where, "shop-developers"))
            elif group in entry.kubernetes_groups[:index]:
                yield Problem(where, group, "every group once", remove_command(where))


def somebody_rules_the_cluster(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Whether it is the identity that runs `pulumi up` is known to AWS only: see `stacks.cluster_access`.
    wanted = settings.cluster
    if not wanted.creator_admin and not any(entry.rules_the_cluster for entry in wanted.entries):
        path = ("cluster", "creatorAdmin")
        allowed = (
            "true while neither cluster.admins nor cluster.accessEntries gives the policy cluster-admin for "
            "the whole cluster to anyone: Cilium could not be installed"
        )
        yield Problem(path, False, allowed, set_fix(("cluster", "admins"), [_EXAMPLE]))


def own_nodes_have_no_entry(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # EKS makes the entry of a managed group's role, and deletes it with the last group.
    for path, arn in _principals(settings):
        if arn == settings.iam.node_role_arn:
            allowed = "others than iam.nodeRoleArn: EKS makes the entry of that role itself"
            yield Problem(
                path, arn, allowed, remove_command(path[:-1] if path[-1] == "principalArn" else path)
            )


def roles_are_of_the_partition(settings: NewClusterBaseSettings | ReplacementSettings) -> Iterator[Problem]:
    for field in ("permissions_boundary", "cluster_role_arn", "node_role_arn"):
        arn = getattr(settings.iam, field, None)
        path = ("iam", key_of(type(settings.iam), field)) if arn else ()
        if arn and not in_partition(arn, settings.region):
            allowed = f"an ARN of partition {partition_of(settings.region)}, that of {settings.region}"
            yield Problem(path, arn, allowed, remove_command(path))
        elif arn and is_service_linked(arn):
            allowed = (
                "a role that is not service-linked (aws-service-role): only its own service may use that"
            )
            yield Problem(path, arn, allowed, remove_command(path))


def _principals(settings: NewClusterBaseSettings) -> Iterator[tuple[KeyPath, str]]:
    for index, arn in enumerate(settings.cluster.admins):
        yield ("cluster", "admins", index), arn
    for path, entry in _entries(settings):
        yield (*path, "principalArn"), entry.principal_arn


def _entries(settings: NewClusterBaseSettings) -> Iterator[tuple[KeyPath, AccessEntry]]:
    for index, entry in enumerate(settings.cluster.access_entries):
        yield ("cluster", "accessEntries", index), entry


def _wanted(arn: str, region: str) -> str | None:
    """What an ARN has to be instead; None where EKS accepts it."""
    if not _PRINCIPAL.match(arn):
        return "the ARN of an IAM role or user, not of a session (sts:assumed-role) or an account"
    if is_service_linked(arn):
        return "a role that is not service-linked (aws-service-role): EKS makes no entries for those"
    if not in_partition(arn, region):
        return f"an ARN of partition {partition_of(region)}, that of {region}"
    return None


FOR_ROLES = (roles_are_of_the_partition,)

RULES = (
    principals_can_have_an_entry,
    entries_of_nodes_are_bare,
    entries_allow_something,
    policies_are_given_once,
    groups_are_the_users,
    somebody_rules_the_cluster,
    own_nodes_have_no_entry,
    *FOR_ROLES,
)
