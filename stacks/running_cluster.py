"""What the programs of running clusters share: reading the cluster once, access to it, and its absence.

Called by the modes `replacement` and `chaining` of a running cluster; `mesh` uses `readable`.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.kubeconfig import kubeconfig
from eks_cilium.clients.aws import client
from eks_cilium.cluster.cilium_release import running_release
from eks_cilium.cluster.existing import ExistingCluster, find
from eks_cilium.dynamic.shell.cluster import credentials_of, world_of
from eks_cilium.errors import ProgramError, UnexpectedAnswerError
from eks_cilium.settings.problems import Problem, set_fix
from eks_cilium.troubleshooting import linked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.control.stop import StopRequest
    from eks_cilium.runtime.context import World
    from eks_cilium.settings.model import ChainingSettings, ReplacementSettings

RunningClusterSettings: TypeAlias = "ReplacementSettings | ChainingSettings"
Chosen = TypeVar("Chosen", bound="ReplacementSettings | ChainingSettings")
Start = TypeVar("Start")
Plan = TypeVar("Plan")


@dataclass(frozen=True)
class ClusterReading(Generic[Start]):
    """A running cluster, and where the work in it stood when the program started."""

    cluster: ExistingCluster
    start: Start
    cilium: str | None = None
    """The release of Cilium that runs in it."""


def read_cluster(
    operation: OperationArgs,
    begin: Callable[[World], Start],
    *,
    subnets: Sequence[str] = (),
) -> ClusterReading[Start] | None:
    """Read the cluster and where the work in it stands; None while EKS has no such cluster.

    Args:
        operation: The inputs that every resource of the stack shares: they name the cluster and the options.
        begin: Reads where the work stands.
        subnets: Subnets of the nodes; those of the Auto Scaling groups where empty.
    """
    credentials = credentials_of(operation)
    cluster = find(operation["cluster_name"], lambda service: client(credentials, service), subnets=subnets)
    if cluster is None:
        return None
    with world_of(operation) as world:
        return ClusterReading(cluster, begin(world), running_release(world.api))


def read_once(
    settings: Chosen, read: Callable[[Chosen], ClusterReading[Start] | None]
) -> ClusterReading[Start] | None:
    """Call `read`; a cluster that cannot be read ends the program in one sentence."""
    with readable(settings.cluster.name), kept_until_exit():
        return read(settings)


@contextmanager
def readable(what: str) -> Iterator[None]:
    """End the program in one sentence when `what` cannot be read; a bug keeps its stack trace."""
    try:
        yield
    except UnexpectedAnswerError:
        raise
    except ProgramError as error:
        raise pulumi.RunError(linked(f"{what} could not be read: {error}", error.topic)) from None


@contextmanager
def kept_until_exit() -> Iterator[None]:
    """Exclude objects created in this block from garbage collection: the program needs them until its end.

    A large cluster has pods by the ten thousand. Python's collector would go through all of them again and
    again, while they are read and at every few resources that are registered later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def exports_without_cluster(
    settings: RunningClusterSettings, *, unknown: str, next_commands: list[str]
) -> dict[str, Any]:
    """What a stack exports while its cluster does not exist: a preview may come first, an update may not.

    Args:
        settings: The configuration, which names the cluster.
        unknown: What is not known without the cluster, as in "its pods are".
        next_commands: What to type once the cluster exists.
    """
    name, region = settings.cluster.name, settings.region
    missing = f"EKS has no cluster {name} in {region} yet, so {unknown} not known"
    if not pulumi.runtime.is_dry_run():
        path = ("cluster", "name")
        problem = Problem(path, name, f"the name of a cluster in {region}", set_fix(path, "..."))
        raise pulumi.RunError(f"{missing}\n  {problem}")
    pulumi.log.warn(f"{missing}: this preview has no plan in it")
    return {
        "cluster": {"name": name, "exists": False},
        "plan": {"headline": missing},
        "nextCommands": next_commands,
    }


def in_preview(plan: Plan | None) -> Plan | None:
    """The plan for the resources of a preview; in an update each resource plans when its turn comes."""
    return plan if pulumi.runtime.is_dry_run() else None


def warn_of_stop(settings: RunningClusterSettings, asked: StopRequest | None) -> None:
    """Say, in previews too, that a user asked runs on this cluster to stop: they begin nothing."""
    if asked is not None:
        undo = f"eks-cilium stop --undo {aws_options(settings)} --cluster {settings.cluster.name}"
        pulumi.log.warn(f"{asked}; an update begins nothing until that is withdrawn: {undo}")


def cilium_name(settings: RunningClusterSettings) -> str:
    """The cluster's name in Cilium, which is the name of the stack's resources as well."""
    return settings.cilium.cluster_name or settings.cluster.name


def kubeconfig_of(settings: RunningClusterSettings, cluster: ExistingCluster) -> str:
    """A kubeconfig for the cluster, without secrets."""
    return kubeconfig(
        name=cluster.name,
        region=settings.region,
        endpoint=cluster.endpoint,
        certificate_authority=cluster.certificate_authority,
        profile=settings.profile,
    )


def kubernetes_provider(settings: RunningClusterSettings, cluster: ExistingCluster) -> kubernetes.Provider:
    """Register the provider through which Cilium is installed."""
    return kubernetes.Provider(
        cilium_name(settings), kubeconfig=kubeconfig_of(settings, cluster), cluster_identifier=cluster.arn
    )


def aws_options(settings: RunningClusterSettings) -> str:
    """Region and profile as options of the AWS CLI and of `eks-cilium plan`."""
    return f"--region {settings.region}" + (f" --profile {settings.profile}" if settings.profile else "")
