"""Verdicts on pods that are to be restarted where they are, instead of being drained off their node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.verdicts import TAKEN_OFF_BY_KUBERNETES, Judge, Ruling
from eks_cilium.migration.refresh.pods import is_bare, workload_of

if TYPE_CHECKING:
    from eks_cilium.cluster.objects import Reference
    from eks_cilium.migration.facts.model import Pod


class RestartJudge(Judge):
    """The judge of drains, without what only matters to a pod that leaves its node."""

    def _stays(self, pod: Pod) -> Ruling | None:
        """A DaemonSet makes its pods anew on the same node; what is going already needs no restart."""
        return Ruling(Verdict.WAIT, "terminating already") if pod.deleted else None

    def _homeless(self, _pod: Pod, _workload: Reference, _group: str) -> Ruling | None:
        """Its successor may be on the same node, and all nodes stay."""
        return None

    def _unreplicated(self, pod: Pod) -> Ruling | None:
        if not is_bare(pod, self._facts.owners):
            return None
        if self._options.allow.bare_pods.covers(pod.reference):
            self._find(Code.POD_LOST, pod.reference, pod)
            return None
        return Ruling(Verdict.SKIP, "nothing makes it anew")

    def _step_of(self, pod: Pod) -> str:
        return str(workload_of(pod, self._facts.owners))

    def _caution(self, pod: Pod, workload: Reference, ruling: Ruling) -> None:
        owner = self._facts.owners.get(workload)
        if owner and owner.desired == 1 and ruling.budget is None:
            self._find(Code.SINGLETON, workload, pod)
        if pod.annotations:
            self._find(Code.ASKS_TO_STAY, workload, pod, *pod.annotations)
        kept_by = [name for name in pod.finalizers if name not in TAKEN_OFF_BY_KUBERNETES]
        if kept_by:
            self._find(Code.FINALIZERS, workload, pod, *kept_by)


class RollOutJudge(RestartJudge):
    """For pods that their Deployment replaces by itself: no budget is asked, since none can be undercut."""

    def _barred(self, _pod: Pod) -> Ruling | None:
        return None

    def _evicted(self, _pod: Pod) -> Ruling:
        return Ruling(Verdict.ROLL, "its successor is ready before it goes")

    def _caution(self, pod: Pod, workload: Reference, _ruling: Ruling) -> None:
        if pod.annotations:
            self._find(Code.ASKS_TO_STAY, workload, pod, *pod.annotations)
