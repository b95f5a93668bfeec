"""The resource that is made when Cilium runs on every node, and not before.

Nothing exists behind it: making it means waiting, deleting it means nothing. `cluster.readiness` decides.
"""

from __future__ import annotations

import base64
from typing import Any, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.clients.aws import Credentials
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.readiness import Readiness, wait_until_ready
from eks_cilium.dynamic.shell.naming import urn_of
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter

ENGINE_VERSION = "1"
TIMEOUT_SECONDS = 900.0


class ReadinessGateArgs(TypedDict):
    """What a `ReadinessGate` waits for."""

    cluster_name: pulumi.Input[str]
    region: str
    profile: str | None
    endpoint: pulumi.Input[str]
    certificate_authority: pulumi.Input[str]
    minimum_nodes: int


class ReadinessGateProvider(PlainErrorsProvider):
    """Waits in create and update; a changed input is a reason to look again, never to replace."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Look again when an input changed; unknown inputs count as changed."""
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in _INPUTS))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait, and keep what was seen."""
        return CreateResult(id_=f"{props['cluster_name']}/readiness", outs={**props, **_wait(props)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Wait again."""
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
            report=reporter(props.get("urn", "")),
        )
    return {"nodes": len(seen.nodes)}


class ReadinessGate(Resource, module="eks-cilium", name="ReadinessGate"):
    """Exists once Cilium runs on every node."""

    nodes: pulumi.Output[int]
    """Nodes seen when the gate opened."""

    def __init__(
        self, name: str, args: ReadinessGateArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(
            ReadinessGateProvider(),
            name,
            {**args, "engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts), "nodes": None},
            opts,
        )
