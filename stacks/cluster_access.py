"""Who may use a new cluster: its access entries, and whether `pulumi up` itself will be among them.

`stacks.new_cluster_base` asks before it registers anything: Cilium is installed through the API server, by
the identity that runs the program.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pulumi

from components.naming import partition_of
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import AwsNotFoundError, ProgramError, UnexpectedAnswerError
from eks_cilium.runtime.identity import Caller
from eks_cilium.settings.problems import Problem, remove_command, set_fix
from stacks.accounts import caller_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from components.cluster.access import AccessEntryArgs
    from components.cluster.what_exists import Existing
    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings

CREATOR_ADMIN = "creatorAdmin"
"""The output that keeps what EKS got for the creator when it created the cluster."""
CREATOR = "creator"
"""The output that keeps who created the cluster, as STS says it; stacks of earlier versions have none."""
_MADE_WITH_THE_CLUSTER = timedelta(minutes=2)
"""An entry so young was made by EKS itself: those of stacks follow once the control plane is active, which
takes "several minutes" (docs.aws.amazon.com/eks/latest/userguide/create-cluster.html)."""


def entries(settings: NewClusterBaseSettings) -> list[AccessEntryArgs]:
    """The access entries of the configuration, `admins` first."""
    prefix = f"arn:{partition_of(settings.region)}:eks::aws:cluster-access-policy"
    return [
        {
            "principal_arn": entry.principal_arn,
            "type": entry.type,
            "policies": [
                {"arn": f"{prefix}/{policy.name}", "namespaces": policy.namespaces}
                for policy in entry.policies
            ],
            "kubernetes_groups": entry.kubernetes_groups,
        }
        for entry in settings.cluster.entries
    ]


def check_access(
    settings: NewClusterBaseSettings,
    existing: Existing,
    exported: Mapping[str, Any],
    aws_client: ClientOf = client,
) -> dict[str, Any]:
    """Refuse entries with which the program could not go on, or EKS would not. Raises RunError.

    Returns what the stack exports about the cluster's access, by the keys of its output `cluster`.

    Args:
        settings: The configuration of the stack.
        existing: What AWS has already under the name of the cluster.
        exported: What the stack exported before, by the keys of its output `cluster`.
        aws_client: Makes a client of a service of AWS.
    """
    if existing.own is not None:
        _refuse_a_later_change(settings, exported)
    wanted, creator = settings.cluster, _exported_creator(exported)
    if not wanted.creator_admin:
        _check_that_the_caller_rules(settings, _caller(settings, aws_client))
        return {CREATOR_ADMIN: False}
    if not existing.cluster:
        creator = _caller(settings, aws_client)
    if creator is not None:
        _check_that_the_creator_has_no_entry(settings, creator)
    elif existing.own is not None and wanted.entries:
        _check_that_no_entry_came_with_the_cluster(settings, aws_client)
    return {CREATOR_ADMIN: True, **({CREATOR: creator.arn} if creator else {})}


def _exported_creator(exported: Mapping[str, Any]) -> Caller | None:
    arn = exported.get(CREATOR)
    return Caller(account=arn.split(":")[4], arn=arn) if arn else None


def _caller(settings: NewClusterBaseSettings, aws_client: ClientOf) -> Caller:
    return caller_of(Credentials(region=settings.region, profile=settings.profile), aws_client)


def _refuse_a_later_change(settings: NewClusterBaseSettings, exported: Mapping[str, Any]) -> None:
    # EKS reads bootstrapClusterCreatorAdminPermissions at creation only, and the component ignores a change
    # of it (pulumi/pulumi-eks, cluster.ts, ignoreChanges): nothing would be shown, and nothing would happen.
    was, wanted, path = bool(exported.get(CREATOR_ADMIN, True)), settings.cluster.creator_admin, _PATH
    if was == wanted:
        return
    allowed = f"{str(was).lower()}, as when the cluster was created: EKS reads it only then"
    fix = set_fix(path, was)
    if was:
        fix += (
            "; to take the access away, give it to others in cluster.admins and run aws eks "
            f"delete-access-entry --region {settings.region} --cluster-name {settings.cluster.name} "
            "--principal-arn <creator>"
        )
    raise pulumi.RunError(str(Problem(path, wanted, allowed, fix)))


_PATH = ("cluster", CREATOR_ADMIN)


def _check_that_the_caller_rules(settings: NewClusterBaseSettings, found: Caller) -> None:
    wanted = settings.cluster.entries
    if any(entry.rules_the_cluster and found.is_principal(entry.principal_arn) for entry in wanted):
        return
    allowed = (
        f"true, or an entry with policy cluster-admin for the whole cluster for {found.arn}, which runs "
        "this program and installs Cilium"
    )
    raise pulumi.RunError(str(Problem(_PATH, False, allowed, _fix_for(settings, found))))


def _fix_for(settings: NewClusterBaseSettings, found: Caller) -> str:
    admins = [*settings.cluster.admins, _principal_of(found)]
    return set_fix(("cluster", "admins"), admins)


def _principal_of(found: Caller) -> str:
    """The caller as an entry names it; a role's path is not in the ARN of its session."""
    partition, kind, name = found.arn.split(":")[1], *found.arn.rpartition(":")[2].split("/")[:2]
    return f"arn:{partition}:iam::{found.account}:role/{name}" if kind == "assumed-role" else found.arn


def _check_that_the_creator_has_no_entry(settings: NewClusterBaseSettings, found: Caller) -> None:
    # EKS makes the creator's entry itself, and answers the second with ResourceInUseException: "The specified
    # access entry resource is already in use on this cluster".
    for path, arn in _principals(settings):
        if found.is_principal(arn):
            allowed = (
                f"others than {found.arn}, which creates the cluster: EKS makes its entry itself and refuses "
                "a second. Or, for a new cluster, cluster.creatorAdmin false: then this one counts"
            )
            raise pulumi.RunError(str(Problem(path, arn, allowed, remove_command(path))))


def _check_that_no_entry_came_with_the_cluster(
    settings: NewClusterBaseSettings, aws_client: ClientOf
) -> None:
    """The same in a cluster of an earlier version of this program, which did not keep who had created it."""
    name = settings.cluster.name
    eks = aws_client(Credentials(region=settings.region, profile=settings.profile), "eks")
    try:
        born = eks.describe_cluster(name=name)["cluster"].get("createdAt")
        made = [(path, arn, _made_at(eks, name, arn)) for path, arn in _principals(settings)]
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(f"the access entries of {name} could not be read: {error}") from None
    for path, arn, at in made:
        if born is not None and at is not None and at - born < _MADE_WITH_THE_CLUSTER:
            allowed = (
                f"others than {arn}, which created the cluster: EKS made its entry then, and refuses a second"
            )
            raise pulumi.RunError(str(Problem(path, arn, allowed, remove_command(path))))


def _made_at(eks: Any, cluster: str, principal: str) -> datetime | None:
    try:
        entry = eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]
    except AwsNotFoundError:
        return None
    made: datetime | None = entry.get("createdAt")
    return made


def _principals(settings: NewClusterBaseSettings) -> list[tuple[tuple[str | int, ...], str]]:
    wanted = settings.cluster
    return [
        *((("cluster", "admins", index), arn) for index, arn in enumerate(wanted.admins)),
        *(
            (("cluster", "accessEntries", index), entry.principal_arn)
            for index, entry in enumerate(wanted.access_entries)
        ),
    ]
