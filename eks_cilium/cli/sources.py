"""Which cluster a command is about, and where it reads it.

Tests hand a command other sources through typer's context object.
"""

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from eks_cilium.cli.output import progress
from eks_cilium.clients import aws
from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.cilium_objects import CiliumObjects, cilium_objects
from eks_cilium.errors import UserError
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.own_pod import own_pod
from eks_cilium.migration.facts.reading import read
from eks_cilium.runtime.clock import Time

_CLUSTER = "Which cluster"
ClusterNameOption = Annotated[
    str,
    typer.Option("--cluster", metavar="NAME", help="Name of the EKS cluster.", rich_help_panel=_CLUSTER),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="REGION",
        help="Its AWS region.",
        show_default="AWS_REGION, else that of the profile",
        rich_help_panel=_CLUSTER,
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="AWS profile.",
        show_default="AWS_PROFILE, else the default credentials",
        rich_help_panel=_CLUSTER,
    ),
]
KubeconfigOption = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="Reach the Kubernetes API by this file instead of by a token of EKS.",
        rich_help_panel=_CLUSTER,
    ),
]
ContextOption = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Context of the kubeconfig; without --kubeconfig that of KUBECONFIG or ~/.kube/config.",
        show_default="the current context",
        rich_help_panel=_CLUSTER,
    ),
]


@dataclass(frozen=True)
class ClusterAccess:
    """Which EKS cluster to read, and how to reach its API."""

    cluster: str
    region: str | None = None
    """The region of the profile or the environment when None."""
    profile: str | None = None
    kubeconfig: Path | None = None
    """When None, the API is reached with a token of EKS."""
    context: str | None = None
    """The kubeconfig's current context when None."""


def read_facts(access: ClusterAccess) -> Facts:
    """Read what a plan needs from the Kubernetes API, EKS and Auto Scaling. It changes nothing.

    Raises ProgramError where AWS or the cluster cannot be reached or understood.
    """
    credentials = _credentials(access)
    clients = partial(aws.client, credentials)
    with _api(access, credentials) as api:
        return read(access.cluster, api, clients, own_pod=own_pod(os.environ), report=progress)


@contextmanager
def open_api(access: ClusterAccess) -> Iterator[KubernetesApi]:
    """Reach the Kubernetes API of a cluster, with no more than the rights of this identity.

    Raises ProgramError where AWS or the cluster cannot be reached.
    """
    if _has_kubeconfig(access):
        api = api_of(access.kubeconfig, access.context)
    else:
        api = _api(access, _credentials(access))
    with api:
        yield api


def read_objects(path: Path | None, context: str) -> CiliumObjects:
    """Read policies, endpoints and pods of the cluster that a context of a kubeconfig names.

    Without a path the context is looked up where kubectl does: KUBECONFIG, else ~/.kube/config. An empty
    context is the current one.

    Raises ProgramError where the cluster cannot be reached, and UserError where Cilium is not installed.
    """
    with api_of(path, context or None) as api:
        return cilium_objects(api, f"context {context}" if context else "the current context")


def _credentials(access: ClusterAccess) -> aws.Credentials:
    return aws.Credentials(region=_region(access), profile=access.profile)


def _region(access: ClusterAccess) -> str:
    region = access.region or os.environ.get("AWS_REGION") or aws.default_region(access.profile)
    if not region:
        raise UserError("no region: give --region, or set AWS_REGION, or one in the AWS profile")
    return str(region)


def _api(access: ClusterAccess, credentials: aws.Credentials) -> KubernetesApi:
    if _has_kubeconfig(access):
        return api_of(access.kubeconfig, access.context)
    described = aws.client(credentials, "eks").describe_cluster(name=access.cluster)["cluster"]
    return KubernetesApi.for_eks(
        cluster_name=access.cluster,
        endpoint=described["endpoint"],
        certificate_authority=base64.b64decode(described["certificateAuthority"]["data"]),
        credentials=credentials,
    )


def _has_kubeconfig(access: ClusterAccess) -> bool:
    return bool(access.kubeconfig or access.context)


@dataclass(frozen=True)
class Sources:
    """What reads clusters for the commands."""

    facts: Callable[[ClusterAccess], Facts] = field(default=read_facts)
    objects: Callable[[Path | None, str], CiliumObjects] = field(default=read_objects)
    api: Callable[[ClusterAccess], AbstractContextManager[KubernetesApi]] = field(default=open_api)
    time: Time = field(default_factory=Time)
