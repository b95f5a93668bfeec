"""How a verdict on a pod is reached: by the first answer of an ordered list of rules.

The rules are in `pod_rules` (drains) and `migration.refresh.verdicts` (restarts). The planner applies them to
all pods of a cluster, a drain and a restart apply them to the pods they find.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.plan.model import PodPlan

if TYPE_CHECKING:
    from datetime import datetime

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.backing import Backing
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.budgets import Budgets, BudgetStatus, Disruption, Ledger
    from eks_cilium.migration.plan.findings import Findings
    from eks_cilium.migration.plan.model import Code, Verdict
    from eks_cilium.migration.plan.places import Places
    from eks_cilium.settings.model.migration import AllowRestarts, MigrationOptions


class Ruling(NamedTuple):
    """The answer of a rule: a verdict and its reason."""

    verdict: Verdict
    reason: str
    budget: Reference | None = None
    disruption: Disruption | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What rules know besides the pod itself."""

    allow: AllowRestarts
    backing: Backing
    budgets: Budgets
    ledger: Ledger
    findings: Findings
    places: Places | None = None
    """Where pods can run again; only known when a whole cluster is planned."""
    now: datetime | None = None
    drain: MigrationOptions | None = None
    """The options of a drain; None for a restart, which moves no pod to another node."""
    terminating_limit: float | None = None
    """Seconds after which a pod that should have ended is no longer waited for; None waits for all."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pod that is judged."""

    pod: Pod
    workload: Reference
    budgets: tuple[BudgetStatus, ...]
    """The PodDisruptionBudgets that the API server asks before it evicts the pod."""
    context: Context
    group: str
    step: str

    def find(self, code: Code, about: Reference, *details: str) -> None:
        """Add findings about an object, because of this pod."""
        for detail in details or ("",):
            self.context.findings.add(code, about, detail=detail, node=self.pod.node, pod=self.pod.reference)


Rule = Callable[[Case], Ruling | None]
"""Returns None where it has nothing to say about the pod."""


@dataclass(frozen=True, slots=True)
class PodRules:
    """The rules for one kind of drain or restart, in order."""

    unmoved: tuple[Rule, ...]
    """The first answer is the verdict, and nothing else is asked."""
    objections: tuple[Rule, ...]
    """All are asked, so that every blocker is found in one run; the first answer is the verdict."""
    move: Callable[[Case], Ruling]
    """The verdict where no rule objects."""
    warnings: tuple[Callable[[Case, Ruling], None], ...]
    """Asked about a pod that moves: each adds what to know about it."""


def verdict_on(pod: Pod, rules: PodRules, context: Context, *, group: str = "", step: str = "") -> PodPlan:
    """What happens to a pod.

    `group` is the Auto Scaling group of its node. `step` names what is done at once (the drain of a node, the
    restart of a workload): when it is over, `Ledger.settle` gives the step's disruptions back.
    """
    # The API server asks no budget for a pod that has not started.
    budgets = () if pod.phase == "Pending" else context.budgets.of(pod)
    case = Case(pod, context.backing.workload_of(pod), budgets, context, group, step)
    ruling = _first(rules.unmoved, case) or _objection(rules.objections, case) or rules.move(case)
    if ruling.verdict.moves and not pod.terminal:
        for warning in rules.warnings:
            warning(case, ruling)
    return PodPlan(
        pod=pod.reference,
        uid=pod.uid,
        verdict=ruling.verdict,
        reason=ruling.reason,
        workload=case.workload,
        budget=ruling.budget,
        allowed_before=ruling.disruption.allowed_before if ruling.disruption else None,
        waits=bool(ruling.disruption and ruling.disruption.waits),
    )


def _first(rules: tuple[Rule, ...], case: Case) -> Ruling | None:
    return next((ruling for rule in rules if (ruling := rule(case))), None)


def _objection(rules: tuple[Rule, ...], case: Case) -> Ruling | None:
    answers = [rule(case) for rule in rules]
    return next((answer for answer in answers if answer), None)
