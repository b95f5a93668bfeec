"""What all resources of a migration have in common: each performs one operation of `migration`.

Creating the resource performs the operation, which continues from wherever an earlier run stopped. Afterwards
the resource stands for what was done. So it changes only when another migration starts (`migration`, the time
when its inventory was recorded), never because the cluster differs from its plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NotRequired, TypedDict, TypeVar

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, UpdateResult

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError, world_of
from eks_cilium.dynamic.shell.in_short import in_short
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
"""The input that shows in a preview what the resource will do. Nothing is decided by it."""
FOR_THE_PLAN = frozenset({PLAN, "cilium", "vpc_cni_version", "again"})
"""Inputs that only a plan is made or shown by. They are no outputs: a state has the others twice."""


class OperationArgs(TypedDict):
    """Inputs of every resource of a migration or a refresh."""

    cluster_name: str
    """Name of the EKS cluster, which is found by it whenever an operation needs it."""
    region: str
    """AWS region of the cluster, such as `eu-central-1`."""
    profile: str | None
    """AWS profile; the credentials of the environment where it is None."""
    accounts: NotRequired[Mapping[str, list[str]]]
    """AWS accounts that the credentials may belong to (`allowed`), or may not (`forbidden`). Default: any."""
    target: str
    """`cilium` or `aws-vpc-cni`; `chained` where pods are only restarted."""
    options: Mapping[str, Any]
    """What the configuration changes of the defaults of `migration` or `refresh`, in its own spelling."""
    cilium: NotRequired[Mapping[str, Any]]
    """What the configuration of Cilium changes for the plan: see `CiliumChoices`."""
    vpc_cni_version: NotRequired[str]
    """Version of the VPC CNI's add-on that a refresh requires; any where it is left out."""
    migration: NotRequired[pulumi.Input[str]]
    """When the inventory was recorded, as an ISO time: another migration has another one.

    The inventory itself does not have this input.
    """


Args = TypeVar("Args", bound=OperationArgs)


AnyRun = TypeVar("AnyRun", bound=Run)


class OperationProvider(PlainErrorsProvider, Generic[AnyRun]):
    """Performs one operation when the resource is created, and again when it has to be.

    Errors: those of `runtime.errors` when the operation stops, NoClusterError when EKS has no such cluster,
    and those of `errors` when AWS or the Kubernetes API refuses a request or cannot be reached.
    """

    connect: ClassVar[Connect] = staticmethod(world_of)
    acts_on: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change is a reason to perform the operation again, besides another migration."""
    has_undo: ClassVar[bool] = True
    """Whether a deletion undoes something, and needs the options of the run for it."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> Callable[[World], AnyRun]:
        """Make the run that the inputs describe, for a cluster that is connected to later.

        Raises ValidationError when the inputs are not what this version of the program writes.
        """
        raise NotImplementedError

    def perform(self, _run: AnyRun, _props: Mapping[str, Any]) -> Result:
        """Perform the operation.

        Returns what the state keeps of it, as the output `result`.
        """
        raise NotImplementedError

    def undo(self, run: AnyRun) -> None:
        """Undo the operation when the resource is deleted. Most resources have nothing to undo.

        In a migration to Cilium it is called only when no node needs Cilium any more.
        """

    def must_act(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Whether the inputs changed in a way that the operation has to be performed again.

        An input that is not known yet counts as changed.
        """
        acting = ("target", "migration", "engine_version", *self.acts_on)
        return any(olds.get(key) != news.get(key) for key in acting)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Report a change when the operation has to be performed, or when the state needs other credentials.

        A change is never a replacement: nothing is undone for it.
        """
        moved = any(_olds.get(key) != _news.get(key) for key in CONNECTION)
        return DiffResult(changes=moved or self.must_act(_olds, _news))

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Perform the operation for the first time."""
        name = type(self).__name__.removesuffix("Provider")
        return CreateResult(id_=f"{props['cluster_name']}/{name}", outs=self._performed(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Perform the operation again, or only keep other credentials."""
        if self.must_act(_olds, _news):
            return UpdateResult(outs=self._performed(_news))
        return UpdateResult(outs=self._outputs(_news, _olds.get("result")))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Undo the operation of a migration to Cilium; deleting a resource of a rollback does nothing.

        Raises StoppedError while a node still needs Cilium: its pods would lose their network.
        """
        if _props["target"] == Target.CILIUM:
            self.undone(_props, self._undo_safely)

    def _undo_safely(self, run: AnyRun) -> None:
        refuse_while_needed(run.world)
        self.undo(run)

    def undone(self, props: dict[str, Any], undo: Callable[[AnyRun], None]) -> None:
        """Call `undo` with the run, unless the cluster does not exist any more."""
        report = reporter()
        start = self.run_of(props, report)
        try:
            with type(self).connect(props) as world:
                run = start(world)
                run.persist(lambda: undo(run))
        except NoClusterError:
            report(f"the cluster {props['cluster_name']} does not exist any more: nothing is left to undo")

    def _performed(self, props: dict[str, Any]) -> dict[str, Any]:
        start = self.run_of(props, reporter())
        with type(self).connect(props) as world:
            run = start(world)
            return self._outputs(props, in_short(run.persist(lambda: self.perform(run, props))))

    def _outputs(self, props: Mapping[str, Any], result: Result | None) -> dict[str, Any]:
        """What a state keeps besides the inputs: what the next `diff` compares, and what a deletion needs."""
        left_out = FOR_THE_PLAN if self.has_undo else FOR_THE_PLAN | {"options"}
        return {**{key: value for key, value in props.items() if key not in left_out}, "result": result}


class MigrationProvider(OperationProvider[MigrationRun]):
    """Performs an operation of a migration, in either direction."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> StartMigration:
        """Make a run that has a target."""
        return migration_run(props, report)


class RefreshProvider(OperationProvider[RefreshRun]):
    """Performs an operation of a refresh."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> StartRefresh:
        """Make a run that has no target."""
        return refresh_run(props, report)


class SharedProvider(OperationProvider[Run]):
    """Performs an operation that migrations and refreshes have in common."""

    def run_of(self, props: Mapping[str, Any], report: Report) -> Callable[[World], Run]:
        """Make the run of a migration or of a refresh, by the input `target`."""
        return either_run(props, report)


class Operation(Resource, Generic[Args]):
    """A resource that exists once its operation was performed. Each subclass has a provider of its own."""

    provider: ClassVar[type[OperationProvider[Any]]]
    result: pulumi.Output[dict[str, Any]]
    """What the operation found and did; `perform` of its provider says which keys it has."""

    def __init__(self, name: str, args: Args, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION, "result": None}
        super().__init__(self.provider(), name, {**args, **known}, opts)
