"""Shows in a preview what a resource will do, and refuses what the plan forbids.

Called by the `check` of every resource that has a part in the plan. A program that is only previewed has made
the plan already, for the order of its resources: it hands each of them its part, so that the cluster is read
once and not again in the process that serves the resources. In an update no resource but the inventory has a
plan: each judges its own node or workload when its turn comes, so the cluster is not read again for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult
from pulumi.output import Unknown

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError
from eks_cilium.dynamic.shell.operation import PLAN, OperationArgs
from eks_cilium.dynamic.shell.process import THIS_PROCESS
from eks_cilium.dynamic.shell.runs import migration_run, refresh_run
from eks_cilium.migration import start
from eks_cilium.migration.refresh import start as refresh_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eks_cilium.dynamic.shell.cluster import Connect
    from eks_cilium.dynamic.shell.plans import Planned, Plans
    from eks_cilium.migration.plan.model import Blocker, Plan
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.runtime.context import World

PREVIEW = "preview"
"""The input with which a program hands over a part of the plan. It is not kept in the state."""
_PLANNED_FROM = (*CONNECTION, "target", "options", "cilium", "vpc_cni_version")

PlanNow: TypeAlias = "Callable[[World, Mapping[str, Any]], Planned]"


class PlanPart(TypedDict):
    """What a plan says of one resource."""

    lines: list[str]
    """What it will do."""
    blockers: list[str]
    """What forbids it; each fails the preview."""


class Previewed(TypedDict, total=False):
    """The input that only a preview's resources have."""

    preview: PlanPart


class PlannedArgs(OperationArgs, Previewed):
    """Inputs of a resource that shows its part of the plan."""


class TriedAgain(TypedDict, total=False):
    """The input of resources whose nodes still exist although the migration has begun."""

    again: bool
    """True: where the resource exists, an earlier run skipped a node. Its part of the plan is shown anew."""


def migration_plan(world: World, inputs: Mapping[str, Any]) -> Plan:
    """The plan of the migration that the inputs of a resource describe."""
    return start.plan_now(migration_run(inputs, _silent)(world))


def refresh_plan(world: World, inputs: Mapping[str, Any]) -> RefreshPlan:
    """The plan of the refresh that the inputs of a resource describe."""
    return refresh_start.plan_now(refresh_run(inputs, _silent)(world))


def _silent(_line: str) -> None:
    """Checks report no progress: a preview shows no row for it."""


def plan_part(lines: Iterable[str], blockers: Iterable[Blocker] = ()) -> PlanPart:
    """A part of a plan, as it is handed over and shown."""
    return {"lines": list(lines), "blockers": [str(blocker) for blocker in blockers]}


def handed_over(plan: Planned | None, part: Callable[[Planned], PlanPart]) -> Previewed:
    """The input with a resource's part of the plan; none where the program has no plan."""
    return {} if plan is None else {"preview": part(plan)}


def previewed(plan: Planned | None, part: Callable[[Planned], PlanPart]) -> Previewed:
    """The same for a resource that judges its node or workload itself when an update reaches it.

    In an update it is handed a part that says nothing, so that no plan is made for it.
    """
    if plan is None and not pulumi.runtime.is_dry_run():
        return {"preview": plan_part(())}
    return handed_over(plan, part)


def has_begun(news: Mapping[str, Any]) -> bool:
    """Whether the migration's inventory is recorded already, so that this run continues an earlier one."""
    return isinstance(news.get("migration"), str)


def is_done(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the resource was created, and for this very migration.

    `olds` are its former inputs: the engine checks by these alone (pulumi/pulumi,
    pkg/resource/deploy/step_generator.go, "Olds: oldInputs").
    """
    return bool(olds) and all(olds.get(key) == news.get(key) for key in ("target", "migration"))


def was_skipped(olds: Mapping[str, Any]) -> bool:
    """Whether the last update left out something that this resource does, so that it has to act again."""
    return bool((olds.get("result") or {}).get("skipped"))


def current_plan(
    plans: Plans, connect: Connect, news: Mapping[str, Any], plan_now: PlanNow[Planned]
) -> Planned:
    """The plan that the inputs of a resource describe. Raises NoClusterError."""

    def make() -> Planned:
        with connect(news) as world:
            return plan_now(world, news)

    inputs = json.dumps([news.get(name) for name in _PLANNED_FROM], sort_keys=True)
    return plans.get((connect, plan_now, inputs), make)


def checked(
    connect: Connect,
    olds: dict[str, Any],
    news: dict[str, Any],
    *,
    done: bool,
    part: Callable[[Planned], PlanPart],
    plan_now: PlanNow[Planned],
    begun: bool = False,
) -> CheckResult:
    """The inputs with the resource's part of the plan in them, and a failure for each of its blockers.

    A resource that is done keeps the part it was done by, and nothing blocks it any more. Where the work has
    `begun`, what blocks a node is shown and fails nothing: the run meets it at its turn, and what comes
    before is not held up.
    """
    found: PlanPart | None = news.get(PREVIEW)
    news = {key: value for key, value in news.items() if key != PREVIEW}
    if done:
        kept = {PLAN: olds[PLAN]} if PLAN in olds else {}
        return CheckResult({**news, **kept}, [])
    if any(isinstance(news.get(name), Unknown) for name in _PLANNED_FROM):
        return CheckResult({**news, PLAN: ["not known before the cluster is made"]}, [])
    if found is None:
        try:
            found = part(current_plan(THIS_PROCESS.plans, connect, news, plan_now))
        except NoClusterError as error:
            return CheckResult({**news, PLAN: [f"not known: {error}"]}, [])
    if begun:
        found = plan_part([*found["lines"], *(f"blocked now: {text}" for text in found["blockers"])])
    failures = [CheckFailure(PLAN, blocker) for blocker in found["blockers"]]
    # A state has the inputs of each resource twice: without lines there is no input.
    return CheckResult({**news, **({PLAN: found["lines"]} if found["lines"] else {})}, failures)
