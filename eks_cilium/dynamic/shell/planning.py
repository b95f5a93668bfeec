"""The plan, as the checks of this process's resources show it.

Pulumi checks every node's resource in a preview, and all of them are about one plan: it is made once and kept
for a short while, so that in an update, where the checks are minutes apart, each shows the plan of that time.
A program that is only previewed has just made this plan, for the order of work: it hands every resource its
part, so that a preview reads the cluster once and not in this process again.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict, TypeVar

from pulumi.dynamic import CheckFailure, CheckResult
from pulumi.output import Unknown

from eks_cilium.dynamic.shell.cluster import CONNECTION, NoClusterError
from eks_cilium.dynamic.shell.operation import PLAN, OperationArgs
from eks_cilium.dynamic.shell.plain_errors import plainly
from eks_cilium.dynamic.shell.runs import migration_run, refresh_run
from eks_cilium.migration import start
from eks_cilium.migration.refresh import start as refresh_start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eks_cilium.dynamic.shell.cluster import Connect
    from eks_cilium.migration.plan.model import Blocker, Plan
    from eks_cilium.migration.refresh.model import RefreshPlan
    from eks_cilium.runtime.context import World

FORESEEN = "foreseen"
"""The input in which a previewed program hands over a plan's part. It is never kept."""
_KEPT_SECONDS = 60.0
_DECIDING = (*CONNECTION, "target", "options", "vpc_cni_version")


Planned = TypeVar("Planned")
"""A plan of either kind: for nodes, or for workloads."""
Make: TypeAlias = "Callable[[World, Mapping[str, Any]], Planned]"


class Foreseen(TypedDict):
    """What a plan says of one resource."""

    lines: list[str]
    """What is going to be done."""
    blockers: list[str]
    """What forbids it."""


class Part(TypedDict, total=False):
    """A resource's part of the plan, in a preview whose program made the plan."""

    foreseen: Foreseen


class PlannedArgs(OperationArgs, Part):
    """What a resource is made from that shows its part of the plan."""


class _Kept(NamedTuple):
    made: float
    plan: Any


_plans: dict[tuple[Connect, Make[Any], str], _Kept] = {}
_planning = threading.Lock()


def migration_plan(world: World, inputs: Mapping[str, Any]) -> Plan:
    """The plan of the migration that the inputs of a resource describe."""
    return start.plan_now(migration_run(world, inputs, _silent))


def refresh_plan(world: World, inputs: Mapping[str, Any]) -> RefreshPlan:
    """The plan of the refresh that the inputs of a resource describe."""
    return refresh_start.plan_now(refresh_run(world, inputs, _silent))


def _silent(_line: str) -> None:
    """The checks of a preview run on no row of its display."""


def foreseen(lines: Iterable[str], blockers: Iterable[Blocker] = ()) -> Foreseen:
    """A plan's part, as it is handed over and shown."""
    return {"lines": list(lines), "blockers": [str(blocker) for blocker in blockers]}


def part_of(plan: Planned | None, foresee: Callable[[Planned], Foreseen]) -> Part:
    """The input with a resource's part, where there is a plan to hand over."""
    return {} if plan is None else {"foreseen": foresee(plan)}


def is_done(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the resource is made, and for this very migration."""
    return bool(olds) and all(olds.get(key) == news.get(key) for key in ("target", "migration"))


def current_plan(
    connect: Connect,
    news: Mapping[str, Any],
    clock: Callable[[], float] = time.monotonic,
    *,
    make: Make[Planned] = migration_plan,  # type: ignore[assignment] # mypy has no defaults of type variables
) -> Planned:
    """The plan that the inputs of a resource are about. Raises NoClusterError."""
    key = (connect, make, json.dumps([news.get(name) for name in _DECIDING], sort_keys=True))
    with _planning:
        kept = _plans.get(key)
        if kept is None or clock() - kept.made > _KEPT_SECONDS:
            with connect(news) as world:
                kept = _plans[key] = _Kept(clock(), make(world, news))
    plan: Planned = kept.plan
    return plan


def checked(
    connect: Connect,
    olds: dict[str, Any],
    news: dict[str, Any],
    *,
    done: bool,
    foresee: Callable[[Planned], Foreseen],
    make: Make[Planned] = migration_plan,  # type: ignore[assignment] # mypy has no defaults of type variables
) -> CheckResult:
    """The inputs with the plan in them. What is done keeps the plan it was done by."""
    found: Foreseen | None = news.get(FORESEEN)
    news = {key: value for key, value in news.items() if key != FORESEEN}
    if done:
        kept = {PLAN: olds[PLAN]} if PLAN in olds else {}
        return CheckResult({**news, **kept}, [])
    if any(isinstance(news.get(name), Unknown) for name in _DECIDING):
        return CheckResult({**news, PLAN: ["not known before the cluster is made"]}, [])
    if found is None:
        with plainly():
            try:
                found = foresee(current_plan(connect, news, make=make))
            except NoClusterError as error:
                return CheckResult({**news, PLAN: [f"not known: {error}"]}, [])
    failures = [CheckFailure(PLAN, blocker) for blocker in found["blockers"]]
    return CheckResult({**news, PLAN: found["lines"]}, failures)
