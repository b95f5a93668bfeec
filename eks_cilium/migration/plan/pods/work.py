"""Pods that work towards an end, of Jobs and of any other kind: what they have done is lost with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.migration.plan.model import Code

if TYPE_CHECKING:
    from eks_cilium.migration.plan.verdicts import Case, Ruling


def work_lost(case: Case, _ruling: Ruling) -> None:
    """What becomes of the work: a Job tries again, or has failed; of other kinds only they know."""
    backing, owner = case.context.backing, case.pod.owner
    if owner is None or not backing.works_to_completion(case.pod):
        return
    job = backing.owners.get(owner)
    if job is None:
        case.find(Code.WORK_ENDED, case.workload, owner.kind)
    elif job.last_attempt:
        case.find(Code.JOB_FAILS, owner, job.last_attempt)
    else:
        case.find(Code.WORK_LOST, case.workload)
