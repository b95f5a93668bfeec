"""Waits until Cilium runs on every node; what needs a network depends on it.

No object in AWS or Kubernetes belongs to it: creating it waits, deleting it does nothing. What is waited for
is in `eks_cilium.cluster.gates.readiness`.
"""

from __future__ import annotations

import base64
from typing import Any, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.clients.aws import Credentials
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.gates.readiness import Readiness, wait_until_ready
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter

ENGINE_VERSION = "1"
TIMEOUT_SECONDS = 900.0


class ReadinessGateArgs(TypedDict):
    """The inputs of a `ReadinessGate` resource."""

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
    minimum_nodes: int
    """How many nodes have to join before it counts as ready."""


class ReadinessGateProvider(PlainErrorsProvider):
    """Waits when the resource is created and when an input has changed."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change when an input changed, never a replacement; unknown inputs count as changed."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait up to 15 minutes. Raises NotReadyError with everything that is missing."""
        return CreateResult(id_=f"{props['cluster_name']}/readiness", outs={**props, **_wait(props)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Wait again, with the new inputs."""
        return UpdateResult(outs={**_news, **_wait(_news)})


_INPUTS = (
    "cluster_name",
    "region",
    "profile",
    "endpoint",
    "certificate_authority",
    "minimum_nodes",
    "engine_version",
)


def _wait(props: dict[str, Any]) -> dict[str, Any]:
    credentials = Credentials(region=props["region"], profile=props.get("profile"))
    with (
        KubernetesApi.for_eks(
            cluster_name=props["cluster_name"],
            endpoint=props["endpoint"],
            certificate_authority=base64.b64decode(props["certificate_authority"]),
            credentials=credentials,
        ) as api,
    ):
        seen: Readiness = wait_until_ready(
            api,
            minimum_nodes=int(props["minimum_nodes"]),
            timeout=TIMEOUT_SECONDS,
            report=reporter(),
        )
    return {"nodes": len(seen.nodes)}


class ReadinessGate(Resource, module="eks-cilium", name="ReadinessGate"):
    """Exists once Cilium runs on every node.

    Inputs: `ReadinessGateArgs`. Deleting it changes nothing.
    """

    nodes: pulumi.Output[int]
    """Number of nodes that were ready."""

    def __init__(
        self, name: str, args: ReadinessGateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            ReadinessGateProvider(),
            name,
            {**args, "engine_version": ENGINE_VERSION, "nodes": None},
            opts,
        )
