"""What all resources of a migration have in common: each performs one operation of `migration`.

Making the resource performs the operation, which finishes whatever an earlier run left. Afterwards the
resource stands for what was done, so it changes only when another migration begins (`migration`, the time its
inventory was taken), never because the cluster looks different from its plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NotRequired, TypedDict, TypeVar

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError, world_of
from eks_cilium.dynamic.shell.naming import urn_of
from eks_cilium.dynamic.shell.plain_errors import PlainErrorsProvider
from eks_cilium.dynamic.shell.progress import reporter
from eks_cilium.dynamic.shell.runs import either_run, migration_run, refresh_run
from eks_cilium.migration.agents.placement import refuse_while_needed
from eks_cilium.migration.run import MigrationRun, RefreshRun, Run
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.dynamic.shell.cluster import Connect
    from eks_cilium.dynamic.shell.runs import StartMigration, StartRefresh
    from eks_cilium.runtime.context import Report, World

Result = dict[str, Any]
"""What an operation found and did: plain values that Pulumi keeps in its state."""

ENGINE_VERSION = "1"
PLAN = "plan"
"""The input that shows in a preview what is going to be done. Nothing is decided by it."""


class OperationArgs(TypedDict):
    """What every resource of a migration is made from."""

    cluster_name: str
    region: str
    profile: str | None
    target: str
    """`cilium` or `aws-vpc-cni`; `chained` where pods are only restarted."""
    options: Mapping[str, Any]
    """What the configuration changes of the defaults of `migration` or `refresh`, in its own spelling."""
    vpc_cni_version: NotRequired[str]
    """Version of the VPC CNI's add-on that a refresh requires; any where it is left out."""
    migration: NotRequired[pulumi.Input[str]]
    """When the inventory was taken: another migration, another time. Not for the inventory itself."""


Args = TypeVar("Args", bound=OperationArgs)


AnyRun = TypeVar("AnyRun", bound=Run)


class OperationProvider(PlainErrorsProvider, Generic[AnyRun]):
    """Performs one operation in create and update."""

    connect: ClassVar[Connect] = staticmethod(world_of)
    acts_on: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change is a reason to perform the operation again, besides another migration."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> Callable[[World], AnyRun]:
        """From the cluster to the run that the inputs describe."""
        raise NotImplementedError

    def perform(self, _run: AnyRun, _props: Mapping[str, Any]) -> Result:
        """Do it; returns what is to be kept of it."""
        raise NotImplementedError

    def undo(self, run: AnyRun) -> None:
        """What deleting the resource does, once no node needs Cilium. Mostly nothing."""

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Whether a change of inputs is a reason to perform the operation again; unknown ones are."""
        acting = ("target", "migration", "engine_version", *self.acts_on)
        return any(olds.get(key) != news.get(key) for key in acting)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Changed when it has to act, and when a later deletion would need other credentials."""
        moved = any(_olds.get(key) != _news.get(key) for key in CONNECTION)
        return DiffResult(changes=moved or self.must_act(_olds, _news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Perform it."""
        name = type(self).__name__.removesuffix("Provider")
        return CreateResult(id_=f"{props['cluster_name']}/{name}", outs=self._performed(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Perform it again, or only remember other credentials."""
        if self.must_act(_olds, _news):
            return UpdateResult(outs=self._performed(_news))
        return UpdateResult(outs={**_news, "result": _olds.get("result")})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """On the way to Cilium: refused while a node needs it. A way back leaves nothing to undo."""
        if _props["target"] == Target.CILIUM:
            self.undone(_props, self._undo_safely)

    def _undo_safely(self, run: AnyRun) -> None:
        refuse_while_needed(run.world)
        self.undo(run)

    def undone(self, props: dict[str, Any], undo: Callable[[AnyRun], None]) -> None:
        """Undo something, if there still is a cluster to undo it in."""
        report = reporter(props.get("urn", ""))
        start = self.run_of(props, report)
        try:
            with type(self).connect(props) as world:
                undo(start(world))
        except NoClusterError:
            report(f"the cluster {props['cluster_name']} is gone, and with it what was to be undone")

    def _performed(self, props: dict[str, Any]) -> dict[str, Any]:
        start = self.run_of(props, reporter(props.get("urn", "")))
        with type(self).connect(props) as world:
            return {**props, "result": self.perform(start(world), props)}


class MigrationProvider(OperationProvider[MigrationRun]):
    """Performs an operation of a migration, in either direction."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> StartMigration:
        """The run of a migration."""
        return migration_run(props, report)


class RefreshProvider(OperationProvider[RefreshRun]):
    """Performs an operation of a refresh."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> StartRefresh:
        """The run of a refresh."""
        return refresh_run(props, report)


class SharedProvider(OperationProvider[Run]):
    """Performs an operation that migrations and refreshes have in common."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> Callable[[World], Run]:
        """The run of either."""
        return either_run(props, report)


class Operation(Resource, Generic[Args]):
    """A resource whose making is one operation. The kinds below it name it."""

    made_by: ClassVar[type[OperationProvider[Any]]]
    result: pulumi.Output[dict[str, Any]]
    """What the operation found and did."""

    def __init__(self, name: str, args: Args, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts), "result": None}
        super().__init__(self.made_by(), name, {**args, **known}, opts)
