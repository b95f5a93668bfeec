"""The plan, as the checks of this process's resources show it.

Pulumi checks every node's resource in a preview, and all of them are about one plan: it is made once and kept
for a short while, so that in an update, where the checks are minutes apart, each shows the plan of that time.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from pulumi.dynamic import CheckFailure, CheckResult
from pulumi.output import Unknown

from migration.beginning import plan_now
from providers.cluster import CONNECTION, NoClusterError
from providers.operation import PLAN
from providers.plainly import plainly
from providers.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from migration.operations import Rules
    from migration.plan.model import Refusal
    from migration.world import Report, World
    from providers.cluster import Connect

_KEPT_SECONDS = 60.0
_DECIDING = (*CONNECTION, "target", "rules")


Planned = TypeVar("Planned")
"""A plan of either kind: for nodes, or for workloads."""
Make: TypeAlias = "Callable[[World, Rules, Report], Planned]"


class _Kept(NamedTuple):
    made: float
    plan: Any


_plans: dict[tuple[Connect, Make[Any], str], _Kept] = {}
_planning = threading.Lock()


def is_done(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the resource is made, and for this very migration."""
    return bool(olds) and all(olds.get(key) == news.get(key) for key in ("target", "migration"))


def current_plan(
    connect: Connect,
    news: Mapping[str, Any],
    clock: Callable[[], float] = time.monotonic,
    *,
    make: Make[Planned] = plan_now,  # type: ignore[assignment] # mypy has no defaults of type variables
) -> Planned:
    """The plan that the inputs of a resource are about. Raises NoClusterError."""
    key = (connect, make, json.dumps([news.get(name) for name in _DECIDING], sort_keys=True))
    with _planning:
        kept = _plans.get(key)
        if kept is None or clock() - kept.made > _KEPT_SECONDS:
            with connect(news) as world:
                rules = rules_of(news["target"], news["rules"])
                kept = _plans[key] = _Kept(clock(), make(world, rules, lambda _: None))
    plan: Planned = kept.plan
    return plan


def checked(
    connect: Connect,
    olds: dict[str, Any],
    news: dict[str, Any],
    *,
    done: bool,
    show: Callable[[Planned], Iterable[str]],
    refuse: Callable[[Planned], Iterable[Refusal]] = lambda _: (),
    make: Make[Planned] = plan_now,  # type: ignore[assignment] # mypy has no defaults of type variables
) -> CheckResult:
    """The inputs with the plan in them. What is done keeps the plan it was done by."""
    if done:
        kept = {PLAN: olds[PLAN]} if PLAN in olds else {}
        return CheckResult({**news, **kept}, [])
    if any(isinstance(news.get(name), Unknown) for name in _DECIDING):
        return CheckResult({**news, PLAN: ["not known before the cluster is made"]}, [])
    with plainly():
        try:
            plan = current_plan(connect, news, make=make)
        except NoClusterError as error:
            return CheckResult({**news, PLAN: [f"not known: {error}"]}, [])
    failures = [CheckFailure(PLAN, str(refusal)) for refusal in refuse(plan)]
    return CheckResult({**news, PLAN: list(show(plan))}, failures)
