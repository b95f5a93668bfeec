"""Pods whose annotations ask not to be disrupted.

They are written for Karpenter and the Cluster Autoscaler, which then leave the pod's node alone. A drain by
this program is a disruption of the same kind, and the Eviction API does not know the annotations. So such a
pod is left alone until it has ended, or until the configuration permits its eviction.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from eks_cilium.migration.facts.pods import DO_NOT_DISRUPT, DO_NOT_EVICT, PREFER_NO_EVICTION, SAFE_TO_EVICT
from eks_cilium.migration.facts.workloads import is_autoscaler
from eks_cilium.migration.options import covers
from eks_cilium.migration.plan.model import Code, Verdict
from eks_cilium.migration.plan.verdicts import Ruling

if TYPE_CHECKING:
    from datetime import datetime

    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.verdicts import Case

_ASKS = {DO_NOT_DISRUPT: "true", DO_NOT_EVICT: "true", SAFE_TO_EVICT: "false"}
"""Annotations with the value that asks not to disrupt a pod.

`do-not-evict` is that of Karpenter before 0.32 (karpenter.sh/docs/upgrading/v1beta1-migration).
`safe-to-evict` is that of the Cluster Autoscaler (cluster-autoscaler/FAQ.md in kubernetes/autoscaler).
"""

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"({_PART.pattern})+")


class Wish(NamedTuple):
    """That a pod is not to be disrupted."""

    annotation: str
    seconds: float | None
    """How much longer; None where it is for as long as the pod runs."""


def do_not_disrupt(case: Case) -> Ruling | None:
    """Blocks the drain, or lets it wait where the time in the annotation is over before it would give up."""
    wish = wish_of(case.pod, case.context.now)
    if wish is None:
        return None
    permitted = covers(case.context.allow.do_not_disrupt, case.pod.reference, case.workload)
    # The Cluster Autoscaler has the annotation so that it does not end itself (AWS's guide asks for it).
    if permitted or is_autoscaler(case.workload):
        case.find(Code.ASKS_TO_STAY, case.workload, wish.annotation)
        return None
    drain = case.context.drain
    if drain and wish.seconds is not None and wish.seconds <= drain.drain_timeout_seconds:
        case.find(Code.LEFT_FOR_NOW, case.workload, wish.annotation)
        return Ruling(Verdict.WAIT, f"{wish.annotation} asks to leave it alone for {wish.seconds:.0f} s more")
    case.find(Code.DO_NOT_DISRUPT, case.workload, _described(wish))
    if wish.seconds is not None:
        advice = f"run it again after {wish.seconds:.0f} s"
        if drain:
            advice += ", or raise migration.drainTimeoutSeconds above that, so that the drain waits for it"
        case.context.findings.advise(Code.DO_NOT_DISRUPT, case.workload, advice)
    return Ruling(Verdict.REFUSE, f"an annotation asks not to disrupt it: {_described(wish)}")


def prefers_to_stay(case: Case, _ruling: Ruling) -> None:
    """The descheduler avoids such pods where it can, and evicts them where it must. Any value counts."""
    if PREFER_NO_EVICTION in case.pod.annotations:
        case.find(Code.ASKS_TO_STAY, case.workload, PREFER_NO_EVICTION)


def wish_of(pod: Pod, now: datetime | None) -> Wish | None:
    """What a pod's annotations ask for at this time; None where nothing is asked, or not any more.

    From Karpenter 1.12 on the value of do-not-disrupt may be a duration from the start of the pod
    (kubernetes-sigs/karpenter#2874). Karpenter ignores a value that is neither `true` nor a duration.
    """
    for annotation, value in _ASKS.items():
        if pod.annotations.get(annotation) == value:
            return Wish(f"{annotation}: {value}", None)
    written = pod.annotations.get(DO_NOT_DISRUPT, "")
    seconds = seconds_of(written)
    if seconds is None:
        return None
    if now is not None and pod.started is not None:
        seconds = (pod.started + timedelta(seconds=seconds) - now).total_seconds()
    return Wish(f"{DO_NOT_DISRUPT}: {written}", seconds) if seconds > 0 else None


def seconds_of(duration: str) -> float | None:
    """The seconds of a duration as Go writes it, such as 1h30m or 1.5h; None for anything else."""
    if not _DURATION.fullmatch(duration):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))


def _described(wish: Wish) -> str:
    return wish.annotation if wish.seconds is None else f"{wish.annotation}, {wish.seconds:.0f} s more"
