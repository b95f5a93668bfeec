"""The plan, as the checks of this process's resources show it.

Pulumi checks every node's resource in a preview, and all of them are about one plan: it is made once and kept
for a short while, so that in an update, where the checks are minutes apart, each shows the plan of that time.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi.dynamic import CheckFailure, CheckResult
from pulumi.output import Unknown

from migration.beginning import plan_now
from providers.cluster import CONNECTION, NoClusterError
from providers.operation import PLAN
from providers.plainly import plainly
from providers.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from migration.plan.model import Plan, Refusal
    from providers.cluster import Connect

_KEPT_SECONDS = 60.0
_DECIDING = (*CONNECTION, "target", "rules")


class _Kept(NamedTuple):
    made: float
    plan: Plan


_plans: dict[tuple[Connect, str], _Kept] = {}
_planning = threading.Lock()


def is_done(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the resource is made, and for this very migration."""
    return bool(olds) and all(olds.get(key) == news.get(key) for key in ("target", "migration"))


def current_plan(
    connect: Connect, news: Mapping[str, Any], clock: Callable[[], float] = time.monotonic
) -> Plan:
    """The plan that the inputs of a resource are about. Raises NoClusterError."""
    key = (connect, json.dumps([news.get(name) for name in _DECIDING], sort_keys=True))
    with _planning:
        kept = _plans.get(key)
        if kept is None or clock() - kept.made > _KEPT_SECONDS:
            with connect(news) as world:
                rules = rules_of(news["target"], news["rules"])
                kept = _plans[key] = _Kept(clock(), plan_now(world, rules, lambda _: None))
    return kept.plan


def checked(
    connect: Connect,
    olds: dict[str, Any],
    news: dict[str, Any],
    *,
    done: bool,
    show: Callable[[Plan], Iterable[str]],
    refuse: Callable[[Plan], Iterable[Refusal]] = lambda _: (),
) -> CheckResult:
    """The inputs with the plan in them. What is done keeps the plan it was done by."""
    if done:
        kept = {PLAN: olds[PLAN]} if PLAN in olds else {}
        return CheckResult({**news, **kept}, [])
    if any(isinstance(news.get(name), Unknown) for name in _DECIDING):
        return CheckResult({**news, PLAN: ["not known before the cluster is made"]}, [])
    with plainly():
        try:
            plan = current_plan(connect, news)
        except NoClusterError as error:
            return CheckResult({**news, PLAN: [f"not known: {error}"]}, [])
    failures = [CheckFailure(PLAN, str(refusal)) for refusal in refuse(plan)]
    return CheckResult({**news, PLAN: list(show(plan))}, failures)
