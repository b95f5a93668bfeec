"""Where the commands read clusters. Tests hand a command other sources through typer's context object."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from eks_cilium.cli.output import progress
from eks_cilium.clients import aws
from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.cilium_objects import CiliumObjects, cilium_objects
from eks_cilium.errors import UserError
from eks_cilium.migration.facts.model import Facts
from eks_cilium.migration.facts.own_pod import own_pod
from eks_cilium.migration.facts.reading import read


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
    credentials = aws.Credentials(region=_region(access), profile=access.profile)
    clients = partial(aws.client, credentials)
    with _api(access, credentials) as api:
        return read(access.cluster, api, clients, own_pod=own_pod(os.environ), report=progress)


def read_objects(path: Path | None, context: str) -> CiliumObjects:
    """Read policies, endpoints and pods of the cluster that a context of a kubeconfig names.

    Without a path the context is looked up where kubectl does: KUBECONFIG, else ~/.kube/config.

    Raises ProgramError where the cluster cannot be reached, and UserError where Cilium is not installed.
    """
    with api_of(path, context) as api:
        return cilium_objects(api, f"context {context}")


def _region(access: ClusterAccess) -> str:
    region = access.region or os.environ.get("AWS_REGION") or aws.default_region(access.profile)
    if not region:
        raise UserError("no region: give --region, or set AWS_REGION, or one in the AWS profile")
    return str(region)


def _api(access: ClusterAccess, credentials: aws.Credentials) -> KubernetesApi:
    if access.kubeconfig or access.context:
        return api_of(access.kubeconfig, access.context)
    described = aws.client(credentials, "eks").describe_cluster(name=access.cluster)["cluster"]
    return KubernetesApi.for_eks(
        cluster_name=access.cluster,
        endpoint=described["endpoint"],
        certificate_authority=base64.b64decode(described["certificateAuthority"]["data"]),
        credentials=credentials,
    )


@dataclass(frozen=True)
class Sources:
    """What reads clusters for the commands."""

    facts: Callable[[ClusterAccess], Facts] = field(default=read_facts)
    objects: Callable[[Path | None, str], CiliumObjects] = field(default=read_objects)
