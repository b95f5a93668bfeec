"""Resources that are made when a mesh works: an internal load balancer, and agents that see each other.

Nothing exists behind them: making one means waiting, deleting it means nothing. `mesh` decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.dynamic.shell.cluster import CONNECTION, read_only_world_of
from eks_cilium.dynamic.shell.naming import urn_of
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter
from eks_cilium.mesh.endpoint import await_endpoint
from eks_cilium.mesh.status import await_remotes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.clients.pods import PodExec
    from eks_cilium.dynamic.shell.cluster import ConnectReadOnly
    from eks_cilium.runtime.context import Report, World

ENGINE_VERSION = "1"
PLAN = "plan"


class MeshGateProvider(PlainErrorsProvider):
    """Waits in create, and again in update when what it waited for has changed."""

    connect: ClassVar[ConnectReadOnly] = staticmethod(read_only_world_of)
    waits_for: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change is a reason to look again, besides the cluster."""

    def plan(self, _props: Mapping[str, Any]) -> str:
        """What making it waits for, in one sentence."""
        raise NotImplementedError

    def wait(
        self, _world: World, _pods: PodExec, _props: Mapping[str, Any], _report: Report
    ) -> Mapping[str, Any]:
        """Wait; returns what was seen."""
        raise NotImplementedError

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Show what it will wait for."""
        return CheckResult({**news, PLAN: self.plan(news)}, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Look again when an input changed; unknown inputs count as changed."""
        watched = (*CONNECTION, *self.waits_for, "engine_version")
        return DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in watched))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Wait, and keep what was seen."""
        name = type(self).__name__.removesuffix("Provider")
        return CreateResult(id_=f"{props['cluster_name']}/{name}", outs=self._waited(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Wait again."""
        return UpdateResult(outs=self._waited(_news))

    def _waited(self, props: dict[str, Any]) -> dict[str, Any]:
        with type(self).connect(props) as (world, pods):
            return {**props, **self.wait(world, pods, props, reporter(props.get("urn", "")))}


class MeshEndpointProvider(MeshGateProvider):
    """Waits for a cluster's ClusterMesh load balancer, and refuses one that is not internal."""

    waits_for = ("subnets", "annotations", "release")

    def plan(self, _props: Mapping[str, Any]) -> str:
        """Never anything but internal."""
        return "waits for an internal Network Load Balancer, and looks at its scheme before its name is used"

    def wait(
        self, world: World, _pods: PodExec, props: Mapping[str, Any], report: Report
    ) -> Mapping[str, Any]:
        """Its host name, and the zone Route 53 has for it."""
        found = await_endpoint(
            world, subnets=props["subnets"], seconds=float(props["seconds"]), report=report
        )
        return {"host": found["host"], "zone_id": found["zoneId"]}


class MeshReadinessProvider(MeshGateProvider):
    """Waits until every agent of one cluster sees all others."""

    waits_for = ("remotes", "certificates", "hosts", "command")

    def plan(self, props: Mapping[str, Any]) -> str:
        """Who has to see whom."""
        return f"waits until every agent of {props['member']} sees {', '.join(props['remotes'])}"

    def wait(
        self, world: World, pods: PodExec, props: Mapping[str, Any], report: Report
    ) -> Mapping[str, Any]:
        """How many agents see them."""
        return await_remotes(
            world,
            pods,
            command=props["command"],
            remotes=props["remotes"],
            seconds=float(props["seconds"]),
            report=report,
        )


class MeshEndpointArgs(TypedDict):
    """What a `MeshEndpoint` waits for."""

    cluster_name: str
    region: str
    profile: str | None
    subnets: Sequence[str]
    """Subnets with routes to the other clusters: the only ones the load balancer may be in."""
    annotations: Mapping[str, str]
    """Of the Service: other ones make another load balancer."""
    release: pulumi.Input[str]
    """The Helm release, as something that is made first."""
    seconds: int


class MeshEndpoint(Resource, module="eks-cilium", name="MeshEndpoint"):
    """Exists once the load balancer answers, internally."""

    host: pulumi.Output[str]
    zone_id: pulumi.Output[str]

    def __init__(self, name: str, args: MeshEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts)}
        outputs = {"host": None, "zone_id": None}
        super().__init__(MeshEndpointProvider(), name, {**args, **known, **outputs}, opts)


class MeshReadinessArgs(TypedDict):
    """What a `MeshReadiness` waits for."""

    member: str
    """Name of the cluster in Cilium."""
    cluster_name: str
    region: str
    profile: str | None
    remotes: Sequence[str]
    hosts: Sequence[pulumi.Input[str]]
    """Of the load balancers of all clusters: with others there is something to look at again."""
    certificates: Sequence[pulumi.Input[str]]
    """Fingerprints, for the same reason."""
    command: str
    seconds: int


class MeshReadiness(Resource, module="eks-cilium", name="MeshReadiness"):
    """Exists once every agent of the cluster sees every other cluster."""

    agents: pulumi.Output[int]
    """Agents that did."""

    def __init__(
        self, name: str, args: MeshReadinessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        known = {"engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts), "agents": None}
        super().__init__(MeshReadinessProvider(), name, {**args, **known}, opts)
