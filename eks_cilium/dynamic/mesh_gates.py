"""Waits until a mesh works, or is gone: its load balancers, and its agents that see all clusters.

No object in AWS or Kubernetes belongs to these resources. Creating `MeshEndpoint` and `MeshReadiness` waits,
deleting `MeshRemoval` does. What is waited for is in `eks_cilium.mesh`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError, read_only_world_of
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter
from eks_cilium.mesh.endpoint import await_endpoint, await_removal
from eks_cilium.mesh.status import await_remotes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.clients.pods import PodExec
    from eks_cilium.dynamic.shell.cluster import ConnectReadOnly
    from eks_cilium.runtime.context import Report, World

ENGINE_VERSION = "1"
PLAN = "plan"


class MeshGateProvider(PlainErrorsProvider):
    """Waits when the resource is created, and again when an input has changed."""

    connect: ClassVar[ConnectReadOnly] = staticmethod(read_only_world_of)
    waits_for: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change makes it wait again, besides those that name the cluster."""

    def plan(self, _props: Mapping[str, Any]) -> str:
        """What it waits for, in one sentence for the preview."""
        raise NotImplementedError

    def wait(
        self, _world: World, _pods: PodExec, _props: Mapping[str, Any], _report: Report
    ) -> Mapping[str, Any]:
        """Wait; returns the outputs. Raises TimedOutError with what is missing."""
        raise NotImplementedError

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show in the preview what it will wait for."""
        return CheckResult({**news, PLAN: self.plan(news)}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change when it has to wait again; unknown inputs count as changed."""
        watched = (*CONNECTION, *self.waits_for, "engine_version")
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in watched))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait, and keep the outputs in the state."""
        name = type(self).__name__.removesuffix("Provider")
        return CreateResult(id_=f"{props['cluster_name']}/{name}", outs=self._waited(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Wait again, with the new inputs."""
        return UpdateResult(outs=self._waited(_news))

    def _waited(self, props: dict[str, Any]) -> dict[str, Any]:
        with type(self).connect(props) as (world, pods):
            return {**props, **self.wait(world, pods, props, reporter())}


class MeshEndpointProvider(MeshGateProvider):
    """Waits for a cluster's ClusterMesh load balancer, and refuses one that is not internal."""

    waits_for = ("subnets", "annotations", "release")

    def plan(self, _props: Mapping[str, Any]) -> str:
        """Say that only an internal load balancer is accepted."""
        return "waits for an internal Network Load Balancer, and looks at its scheme before its name is used"

    def wait(
        self, world: World, _pods: PodExec, props: Mapping[str, Any], report: Report
    ) -> Mapping[str, Any]:
        """Returns {"host", "zone_id"}: its DNS name and the Route 53 zone of that name.

        Raises StoppedError when it is not an internal Network Load Balancer in the given subnets.
        """
        found = await_endpoint(
            world, subnets=props["subnets"], seconds=float(props["seconds"]), report=report
        )
        return {"host": found["host"], "zone_id": found["zoneId"]}


class MeshReadinessProvider(MeshGateProvider):
    """Waits until every agent of one cluster sees all others."""

    waits_for = ("remotes", "certificates", "hosts", "command")

    def plan(self, props: Mapping[str, Any]) -> str:
        """Say which clusters the agents have to see."""
        return f"waits until every agent of {props['member']} sees {', '.join(props['remotes'])}"

    def wait(
        self, world: World, pods: PodExec, props: Mapping[str, Any], report: Report
    ) -> Mapping[str, Any]:
        """Returns {"agents": number of agents that see all other clusters}."""
        return await_remotes(
            world,
            pods,
            command=props["command"],
            remotes=props["remotes"],
            seconds=float(props["seconds"]),
            report=report,
        )


class MeshRemovalProvider(MeshGateProvider):
    """Waits when the resource is deleted: until the load balancer of the release, deleted before, is gone."""

    waits_for = ("seconds",)

    def plan(self, _props: Mapping[str, Any]) -> str:
        """Say what a destroy will wait for."""
        return "waits for nothing now; when the mesh is destroyed, until its load balancer is deleted"

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait for nothing: what it waits for is created after it."""
        return CreateResult(id_=f"{props['cluster_name']}/MeshRemoval", outs=dict(props))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Keep the new inputs; the next destroy waits by them."""
        return UpdateResult(outs=dict(news))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Wait until the load balancer is gone. Nothing is left to wait for where the cluster is gone."""
        try:
            with type(self).connect(props) as (world, _pods):
                await_removal(world, seconds=float(props["seconds"]), report=reporter())
        except NoClusterError:
            return


class MeshRemovalArgs(TypedDict):
    """The inputs of a `MeshRemoval` resource."""

    cluster_name: str
    region: str
    profile: str | None
    seconds: int
    """How long a destroy may wait."""


class MeshRemoval(Resource, module="eks-cilium", name="MeshRemoval"):
    """Created before the release of a cluster's ClusterMesh, so that it is deleted after it.

    Inputs: `MeshRemovalArgs`. Deleting it waits until the load balancer is gone.
    """

    def __init__(self, name: str, args: MeshRemovalArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION}
        super().__init__(MeshRemovalProvider(), name, {**args, **known}, opts)


class MeshEndpointArgs(TypedDict):
    """The inputs of a `MeshEndpoint` resource."""

    cluster_name: str
    region: str
    profile: str | None
    subnets: Sequence[str]
    """Subnets with routes to the other clusters: the only ones the load balancer may be in."""
    annotations: Mapping[str, str]
    """Annotations of the Service: with others its controller creates another load balancer."""
    release: pulumi.Input[str]
    """The Helm release that creates the Service; it has to exist first."""
    seconds: int
    """How long to wait."""


class MeshEndpoint(Resource, module="eks-cilium", name="MeshEndpoint"):
    """Exists once the ClusterMesh load balancer of a cluster is active and internal.

    Inputs: `MeshEndpointArgs`. Deleting it changes nothing.
    """

    host: pulumi.Output[str]
    """DNS name of the load balancer."""
    zone_id: pulumi.Output[str]
    """Route 53 hosted zone of that name, for an alias record."""

    def __init__(self, name: str, args: MeshEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION}
        outputs = {"host": None, "zone_id": None}
        super().__init__(MeshEndpointProvider(), name, {**args, **known, **outputs}, opts)


class MeshReadinessArgs(TypedDict):
    """The inputs of a `MeshReadiness` resource."""

    member: str
    """Name of the cluster in Cilium."""
    cluster_name: str
    region: str
    profile: str | None
    remotes: Sequence[str]
    """Names in Cilium of the clusters that its agents have to see."""
    hosts: Sequence[pulumi.Input[str]]
    """DNS names of the load balancers of all clusters: it waits again when one changes."""
    certificates: Sequence[pulumi.Input[str]]
    """Fingerprints of the clusters' certificates: it waits again when one changes."""
    command: str
    """The agent's command line tool in its image: `cilium`, or `cilium-dbg` in later versions."""
    seconds: int
    """How long to wait."""


class MeshReadiness(Resource, module="eks-cilium", name="MeshReadiness"):
    """Exists once every agent of a cluster sees every other cluster of the mesh.

    Inputs: `MeshReadinessArgs`. Deleting it changes nothing.
    """

    agents: pulumi.Output[int]
    """Number of agents that see all other clusters."""

    def __init__(
        self, name: str, args: MeshReadinessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        known = {"engine_version": ENGINE_VERSION, "agents": None}
        super().__init__(MeshReadinessProvider(), name, {**args, **known}, opts)
