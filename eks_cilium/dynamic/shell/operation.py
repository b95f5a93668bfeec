"""What all resources of a migration have in common: each is one operation of `migration.operations`.

Making the resource performs the operation, which finishes whatever an earlier run left. Afterwards the
resource stands for what was done, so it changes only when another migration begins (`migration`, the time its
inventory was taken), never because the cluster looks different from its plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, NotRequired, TypedDict, TypeVar

import pulumi  # noqa: TC002 - the SDK reads the annotations of a resource class while running
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError, world_of
from eks_cilium.dynamic.shell.naming import urn_of
from eks_cilium.dynamic.shell.plain_errors import plainly
from eks_cilium.dynamic.shell.progress import reporter
from eks_cilium.dynamic.shell.rules import rules_of
from eks_cilium.migration.agents.placement import refuse_while_needed
from eks_cilium.migration.operations import Target
from eks_cilium.migration.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.dynamic.shell.cluster import Connect
    from eks_cilium.migration.operations import Facts

ENGINE_VERSION = "1"
PLAN = "plan"
"""The input that shows in a preview what is going to be done. Nothing is decided by it."""


class OperationArgs(TypedDict):
    """What every resource of a migration is made from."""

    cluster_name: str
    region: str
    profile: str | None
    target: str
    rules: Mapping[str, Any]
    migration: NotRequired[pulumi.Input[str]]
    """When the inventory was taken: another migration, another time. Not for the inventory itself."""


Args = TypeVar("Args", bound=OperationArgs)


class OperationProvider(ResourceProvider):
    """Performs one operation in create and update."""

    serialize_as_secret_always = False
    operation: ClassVar[staticmethod[[Run], Facts]]
    """The operation, where it needs nothing but the rules."""
    connect: ClassVar[Connect] = staticmethod(world_of)
    acts_on: ClassVar[tuple[str, ...]] = ()
    """Inputs whose change is a reason to perform the operation again, besides another migration."""

    def perform(self, run: Run, _props: Mapping[str, Any]) -> Facts:
        """Do it; returns what is to be kept of it."""
        return type(self).operation(run)

    def undo(self, run: Run) -> None:
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

    def _undo_safely(self, run: Run) -> None:
        refuse_while_needed(run.world)
        self.undo(run)

    def undone(self, props: dict[str, Any], undo: Callable[[Run], None]) -> None:
        """Undo something, if there still is a cluster to undo it in."""
        rules, report = rules_of(props["target"], props["rules"]), reporter(props.get("urn", ""))
        with plainly():
            try:
                with type(self).connect(props) as world:
                    undo(Run(world, rules, report))
            except NoClusterError:
                report(f"the cluster {props['cluster_name']} is gone, and with it what was to be undone")

    def _performed(self, props: dict[str, Any]) -> dict[str, Any]:
        rules, report = rules_of(props["target"], props["rules"]), reporter(props.get("urn", ""))
        with plainly(), type(self).connect(props) as world:
            return {**props, "result": self.perform(Run(world, rules, report), props)}


class Operation(Resource, Generic[Args]):
    """A resource whose making is one operation. The kinds below it name it."""

    made_by: ClassVar[type[OperationProvider]]
    result: pulumi.Output[dict[str, Any]]
    """What the operation found and did."""

    def __init__(self, name: str, args: Args, opts: pulumi.ResourceOptions | None = None) -> None:
        known = {"engine_version": ENGINE_VERSION, "urn": urn_of(self, name, opts), "result": None}
        super().__init__(self.made_by(), name, {**args, **known}, opts)
