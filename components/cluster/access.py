"""Access entries of a new cluster: IAM principals and what they may do.

`components.cluster.eks_cluster` hands them to `eks.Cluster`. Where the creator is no administrator, the
program itself works by one of them: they are resources of its own then (`own_access`), so that what is
installed in the cluster can depend on them, and on a gate that waits until they work. What the component
creates ends beside the releases, not after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import pulumi
import pulumi_aws as aws
import pulumi_eks as eks

from eks_cilium.dynamic.access_gate import AccessGate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.dynamic.access_gate import AccessGateArgs

_ADMIN = "AmazonEKSClusterAdminPolicy"
_Made = aws.eks.AccessEntry | aws.eks.AccessPolicyAssociation


class AccessPolicyArgs(TypedDict):
    """An access policy of an entry."""

    arn: str
    """ARN of one of EKS's access policies."""
    namespaces: Sequence[str]
    """Namespaces in which it applies; the whole cluster where empty."""


class AccessEntryArgs(TypedDict):
    """An IAM principal that may use the cluster."""

    principal_arn: str
    """ARN of an IAM role or user."""
    type: str
    """`STANDARD`, or `EC2_LINUX` for the role of nodes."""
    policies: Sequence[AccessPolicyArgs]
    """What it may do; EKS takes each policy once."""
    kubernetes_groups: Sequence[str]
    """Its groups in Kubernetes."""


def access_entries(entries: Sequence[AccessEntryArgs]) -> dict[str, eks.AccessEntryArgs]:
    """The entries by names that stay the same when the list is reordered."""
    return {_entry_name(entry["principal_arn"]): _entry(entry) for entry in entries}


class ClusterAccessArgs(TypedDict):
    """A cluster whose API server is asked whether an entry works."""

    cluster_name: pulumi.Input[str]
    region: str
    profile: str | None
    endpoint: pulumi.Input[str]
    certificate_authority: pulumi.Input[str]


def own_access(
    name: str, entries: Sequence[AccessEntryArgs], cluster: ClusterAccessArgs, parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Register the entries and wait for them; returns what has to be there before the cluster is used.

    Creates the entries `<name>-<principal>`, their policies `<name>-<principal>-<policy>` and the gate
    `<name>`; nothing where there are no entries.
    """
    made = [each for entry in entries for each in _own_entry(name, entry, cluster["cluster_name"], parent)]
    return [*made, _gate(name, made, cluster, parent)] if made else []


def _gate(
    name: str, made: Sequence[_Made], cluster: ClusterAccessArgs, parent: pulumi.Resource
) -> AccessGate:
    args: AccessGateArgs = {**cluster, "made": [_made_at(each) for each in made]}
    return AccessGate(name, args, pulumi.ResourceOptions(parent=parent, depends_on=list(made)))


def _made_at(made: _Made) -> pulumi.Output[str]:
    return made.created_at if isinstance(made, aws.eks.AccessEntry) else made.associated_at


def _own_entry(
    name: str, entry: AccessEntryArgs, cluster_name: pulumi.Input[str], parent: pulumi.Resource
) -> Iterator[_Made]:
    of_entry = f"{name}-{_entry_name(entry['principal_arn'])}"
    made = aws.eks.AccessEntry(
        of_entry,
        cluster_name=cluster_name,
        principal_arn=entry["principal_arn"],
        type=entry["type"],
        kubernetes_groups=list(entry["kubernetes_groups"]) or None,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
    yield made
    for policy in entry["policies"]:
        yield aws.eks.AccessPolicyAssociation(
            f"{of_entry}-{_policy_name(policy['arn'])}",
            cluster_name=cluster_name,
            principal_arn=entry["principal_arn"],
            policy_arn=policy["arn"],
            access_scope=_scope(policy),
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True, depends_on=[made]),
        )


def _entry(entry: AccessEntryArgs) -> eks.AccessEntryArgs:
    return eks.AccessEntryArgs(
        principal_arn=entry["principal_arn"],
        # EKS's own default is left out, as it always was: a new input would show up in every stack.
        type=None if entry["type"] == "STANDARD" else eks.AccessEntryType(entry["type"]),
        kubernetes_groups=list(entry["kubernetes_groups"]) or None,
        access_policies={_policy_name(policy["arn"]): _policy(policy) for policy in entry["policies"]},
    )


def _policy(policy: AccessPolicyArgs) -> eks.AccessPolicyAssociationArgs:
    return eks.AccessPolicyAssociationArgs(policy_arn=policy["arn"], access_scope=_scope(policy))


def _scope(policy: AccessPolicyArgs) -> aws.eks.AccessPolicyAssociationAccessScopeArgs:
    namespaces = list(policy["namespaces"])
    return aws.eks.AccessPolicyAssociationAccessScopeArgs(
        type="namespace" if namespaces else "cluster", namespaces=namespaces or None
    )


def _entry_name(arn: str) -> str:
    account, resource = arn.split(":")[4:6]
    return f"{account}-{resource.replace('/', '-')}"


def _policy_name(arn: str) -> str:
    """The same for a policy however it is configured; `admin` is what it always was in stacks with admins."""
    name = arn.rpartition("/")[2]
    return "admin" if name == _ADMIN else name
