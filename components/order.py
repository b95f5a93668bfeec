"""In which order resources are created: one after another, each dependency named once.

Used by the components whose resources are steps: a migration and a refresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pulumi

from eks_cilium.dynamic.shell.operation import FOR_THE_PLAN

if TYPE_CHECKING:
    from eks_cilium.dynamic.shell.operation import OperationArgs


def after(parent: pulumi.Resource, *others: pulumi.Resource) -> pulumi.ResourceOptions:
    """The options of a child that waits for these resources."""
    return pulumi.ResourceOptions(parent=parent, depends_on=list(others))


def of_one_of_many(operation: OperationArgs) -> OperationArgs:
    """The inputs of a step for one node or workload, which follows the inventory through the step before it.

    A state names every dependency of a resource twice, with a whole URN. What only a plan is made by is left
    out in an update, which makes none for such a step.
    """
    left_out = frozenset() if pulumi.runtime.is_dry_run() else FOR_THE_PLAN
    inputs = {key: value for key, value in operation.items() if key not in left_out}
    migration = operation.get("migration")
    if isinstance(migration, pulumi.Output):
        inputs["migration"] = _without_dependency(migration)
    return cast("OperationArgs", inputs)


def _without_dependency(output: pulumi.Output[Any]) -> pulumi.Output[Any]:
    return pulumi.Output(set(), output.future(with_unknowns=True), output.is_known(), output.is_secret())
