"""Verdicts on pods at the time of their drain or restart, by the same rules as in the preview.

They are made from the pods, the workloads and volumes behind them and their PodDisruptionBudgets alone, read
now. Whether a pod can run again elsewhere was decided in the preview, from facts about the whole cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.facts import pods
from eks_cilium.migration.facts.on_demand import BackingReader
from eks_cilium.migration.plan.budgets import Budgets, Ledger
from eks_cilium.migration.plan.findings import Findings
from eks_cilium.migration.plan.pod_rules import DRAIN_NOW
from eks_cilium.migration.plan.verdicts import Context, verdict_on
from eks_cilium.settings.model.migration import MigrationOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.backing import Backing
    from eks_cilium.migration.facts.model import Budget
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.plan.verdicts import PodRules
    from eks_cilium.migration.run import Run


class LiveVerdicts:
    """Verdicts from what the API server says now; workloads and volumes behind pods are read once."""

    def __init__(self, run: Run, *, fresh: bool = False) -> None:
        """With `fresh` everything is asked of the API server, instead of read in the view of the process."""
        self._run = run
        self._api = run.world.api if fresh else run.world.seen
        self._reader = BackingReader(self._api)

    def on(
        self,
        objects: Sequence[Object],
        rules: PodRules = DRAIN_NOW,
        *,
        terminating_limit: float | None = None,
    ) -> dict[str, PodPlan]:
        """The verdicts on pods, given as the API server sent them, by UID.

        `terminating_limit`, in seconds, shortens the run's own limit for pods that should have ended.
        """
        limits = (self._run.limits.terminating, terminating_limit)
        backing = self.backing(objects)
        known = [pod for obj in objects if (pod := pods.pod(obj))]
        context = Context(
            allow=self._run.options.allow,
            backing=backing,
            budgets=Budgets(self._budgets({pod.namespace for pod in known}), known, backing),
            ledger=Ledger(),
            findings=Findings(),
            now=self._run.world.time.now(),
            drain=self._run.options if isinstance(self._run.options, MigrationOptions) else None,
            terminating_limit=min((limit for limit in limits if limit is not None), default=None),
        )
        return {pod.uid: verdict_on(pod, rules, context) for pod in known}

    def backing(self, objects: Sequence[Object]) -> Backing:
        """The workloads and volumes behind pods."""
        return self._reader.of(objects)

    def _budgets(self, namespaces: set[str]) -> list[Budget]:
        return [
            budget
            for namespace in sorted(namespaces)
            for budget in self._api.each(
                f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets", pods.budget
            )
        ]
