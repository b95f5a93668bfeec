"""Waits until the access entry by which this program works is effective; what it installs depends on it.

No object in AWS or Kubernetes belongs to it: creating it waits, deleting it does nothing. What is waited for
is in `eks_cilium.cluster.gates.access`.
"""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.clients.aws import Credentials
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.gates.access import wait_for_access
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter

if TYPE_CHECKING:
    from collections.abc import Sequence

ENGINE_VERSION = "1"
TIMEOUT_SECONDS = 300.0
"""AWS says "several seconds"; users have seen minutes."""


class AccessGateArgs(TypedDict):
    """The inputs of an `AccessGate` resource."""

    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    region: str
    """AWS region of the cluster."""
    profile: str | None
    """AWS profile; the credentials of the environment where it is None."""
    endpoint: pulumi.Input[str]
    """URL of the Kubernetes API."""
    certificate_authority: pulumi.Input[str]
    """Certificate authority of the Kubernetes API, as EKS gives it: PEM in base64."""
    made: Sequence[pulumi.Input[str]]
    """When each entry and each association was made: it waits again when one is made anew."""


class AccessGateProvider(PlainErrorsProvider):
    """Waits when the resource is created and when an input has changed."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change when an input changed, never a replacement; unknown inputs count as changed."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait up to 5 minutes. Raises TimedOutError with what the API server answered last."""
        _wait(props)
        return CreateResult(id_=f"{props['cluster_name']}/access", outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Wait again, with the new inputs."""
        _wait(_news)
        return UpdateResult(outs=_news)


_INPUTS = (
    "cluster_name",
    "region",
    "profile",
    "endpoint",
    "certificate_authority",
    "made",
    "engine_version",
)


def _wait(props: dict[str, Any]) -> None:
    connect = partial(
        KubernetesApi.for_eks,
        cluster_name=props["cluster_name"],
        endpoint=props["endpoint"],
        certificate_authority=base64.b64decode(props["certificate_authority"]),
        credentials=Credentials(region=props["region"], profile=props.get("profile")),
    )
    wait_for_access(connect, seconds=TIMEOUT_SECONDS, report=reporter())


class AccessGate(Resource, module="eks-cilium", name="AccessGate"):
    """Exists once the cluster lets the identity that runs the program install Cilium.

    Inputs: `AccessGateArgs`. Deleting it changes nothing.
    """

    def __init__(self, name: str, args: AccessGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION}
        super().__init__(AccessGateProvider(), name, {**args, **known}, opts)
