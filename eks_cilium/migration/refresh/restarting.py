"""Restarts one workload: looks where it stands, does the next thing, and looks again until it is through.

What is left is read off the cluster: which of the pods that were there at the beginning still are, how many
are ready, and which of the new ones Cilium manages. Only the beginning is written down, before the first
change: those pods, how many were ready, and how they are restarted. So a run that was killed at any point
goes on with what it finds, no pod that came later is ever restarted, and a roll-out is asked for once.

As long as a new pod has no CiliumEndpoint no further one is touched: where Cilium does not work, restarting
more would only make more pods without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import RefusedError
from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.requests import Evictions, name_of
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.model import How
from eks_cilium.migration.refresh.observation import Look, Looking
from eks_cilium.migration.refresh.verdicts import RULES
from eks_cilium.migration.refresh.ways import way, width
from eks_cilium.runtime.errors import RestartRefusedError, StoppedError, UnhealthyError
from eks_cilium.runtime.record import Record, of_workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.run import RefreshRun

RESTARTED_ANNOTATION = "eks-cilium.io/restarted"
"""On the pod template of a Deployment that rolled out for a refresh: when the refresh was begun."""

_OTHER_UID = (404, 409, 422)


@dataclass(frozen=True, slots=True)
class _Before:
    """A workload before its restart."""

    how: How
    ready: int
    pods: frozenset[str]
    """UIDs of the pods that Cilium did not manage."""

    def to_json(self, workload: Reference) -> Object:
        """As it is kept, with a name for people."""
        kept = {"how": self.how.value, "ready": self.ready, "pods": sorted(self.pods)}
        return {"workload": str(workload), **kept}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> _Before:
        """From what was kept."""
        return cls(How(kept["how"]), int(kept["ready"]), frozenset(kept["pods"]))


def restart_workload(run: RefreshRun, workload: Reference) -> dict[str, Any]:
    """Restart the pods of a workload of the recorded list. {"workload", "how", "pods", "seconds"}."""
    known = listing.read(run.world, run.options.round)
    if known is None:
        raise StoppedError("no list of workloads was written in this cluster yet")
    return restart(run, workload, known.taken)


def restart(run: RefreshRun, workload: Reference, begun: str) -> dict[str, Any]:
    """Restart the pods of a workload that Cilium does not manage, from whatever stage it is in.

    `begun` is when the refresh was. Raises RestartRefusedError before the first change when a pod must not
    go, and UnhealthyError when the workload does not come back as healthy as it was.
    """
    return _Restart(run, workload, begun).run()


class _Restart:
    def __init__(self, run: RefreshRun, workload: Reference, begun: str) -> None:
        self._run, self._workload = run, workload
        self._begun, self._key = begun, of_workload(str(workload))
        self._looking = Looking(run.world, workload)
        self._evictions = Evictions(
            run,
            about={"workload": str(workload)},
            refuse=lambda pods: RestartRefusedError(str(workload), pods),
        )
        self._verdicts = LiveVerdicts(run)
        self._refused: list[str] = []
        self._said = ""

    def run(self) -> dict[str, Any]:
        """To the end, or to an error."""
        self._run.world.guard()
        started = self._run.world.time.monotonic()
        before = self._begin()
        if before is not None:
            self._go_through(before)
            Record(self._run.world.api).drop(self._key)
        seconds = round(self._run.world.time.monotonic() - started, 3)
        pods = len(before.pods) if before else 0
        self._run.world.note("restarted", workload=str(self._workload), pods=pods, total=seconds)
        self._run.report(f"restarted {pods} pods in {seconds:.0f} s" if pods else "nothing left to restart")
        return {
            "workload": str(self._workload),
            "how": before.how.value if before else "",
            "pods": pods,
            "seconds": seconds,
        }

    def _begin(self) -> _Before | None:
        """What a run that was stopped wrote stands. None where there is nothing to restart."""
        record = Record(self._run.world.api)
        kept = record.get(self._key)
        if kept is not None:
            return _Before.from_json(kept)
        look = self._looking.look()
        if not look.unmanaged:
            return None
        things = [look.things[pod.uid] for pod in look.unmanaged]
        backing = self._verdicts.backing(things)
        how, _ = way(self._workload, look.unmanaged, backing, self._run.options)
        verdicts = self._verdicts.on(things, RULES[how])
        if refused := _in_the_way(verdicts.values()):
            raise RestartRefusedError(str(self._workload), refused)
        before = _Before(how, look.ready, frozenset(pod.uid for pod in look.unmanaged))
        record.put(self._key, before.to_json(self._workload))
        return before

    def _go_through(self, before: _Before) -> None:
        """Look and act until all is done; the time counts from when the last old pod went."""
        missing, left, good = "", len(before.pods) + 1, 0
        polls = self._run.polls(seconds=self._run.options.health_timeout_seconds)
        for _ in polls:
            look = self._looking.look()
            missing = "" if look.is_gone else self._missing(look, before)
            good = 0 if missing else good + 1
            if good >= self._run.options.settle_readings:
                return
            if missing:
                self._tell(missing)
                self._act(look, before)
            old = look.old(before.pods)
            if len(old) < left:
                left = len(old)
                polls.restart()
            stopping = max((pod.grace_seconds for pod in old if pod.deleted), default=0)
            polls.seconds = self._run.options.health_timeout_seconds + stopping
        raise self._unhealthy(missing or "it did not last", before)

    def _missing(self, look: Look, before: _Before) -> str:
        """What is still missing, in one sentence."""
        old, wanted = look.old(before.pods), look.wanted(before.ready)
        parts = []
        if old:
            parts.append(f"{len(before.pods) - len(old)} of {len(before.pods)} pods restarted")
        if before.how is How.ROLL_OUT and (rolling := look.rolling()):
            parts.append(rolling)
        if look.ready < wanted:
            parts.append(
                f"{look.ready} of {wanted} pods ready ({look.not_ready() or 'the next one is not made yet'})"
            )
        if new := look.new_without_cilium(before.pods):
            parts.append(f"pod {new[0].name} on {new[0].node} has no CiliumEndpoint")
        held = [self._evictions.answer(pod.uid) for pod in old if self._evictions.is_refused_for_now(pod.uid)]
        parts += [answer for answer in held[:1] if answer]
        return "; ".join(parts)

    def _act(self, look: Look, before: _Before) -> None:
        if before.how is How.ROLL_OUT:
            self._roll_out(look)
        elif not look.new_without_cilium(before.pods):
            self._evict(look, before)

    def _roll_out(self, look: Look) -> None:
        """Ask for it, once: the same annotation twice changes nothing."""
        path = workloads.path_of(self._workload)
        if look.thing is None or path is None:
            return
        annotations = look.thing["spec"]["template"]["metadata"].get("annotations") or {}
        if annotations.get(RESTARTED_ANNOTATION) == self._begun:
            return
        self._run.world.guard()
        template = {"metadata": {"annotations": {RESTARTED_ANNOTATION: self._begun}}}
        patch = {"metadata": {"uid": look.thing["metadata"]["uid"]}, "spec": {"template": template}}
        try:
            self._run.world.api.merge(path, patch)
        except RefusedError as error:
            if error.status not in _OTHER_UID:  # gone, or another of its name: the next look tells
                raise
        else:
            self._run.world.note("rolled-out", workload=str(self._workload))

    def _evict(self, look: Look, before: _Before) -> None:
        """As many as may be missing, unready ones first: they serve nothing."""
        staying = [pod for pod in look.old(before.pods) if pod.deleted is None]
        verdicts = self._verdicts.on([look.things[pod.uid] for pod in staying], RULES[How.EVICT])
        refused = _in_the_way(verdicts.values())
        if refused and self._refused:
            raise RestartRefusedError(str(self._workload), refused)
        self._refused = refused
        if refused:
            return
        room = width(look.owner, len(look.pods)) - max(look.wanted(before.ready) - look.ready, 0)
        for pod in _in_turn(staying):
            if pod.ready and room <= 0:
                return
            if self._evictions.is_due(pod.uid):
                room -= 1
                self._ask(verdicts[pod.uid])

    def _ask(self, plan: PodPlan) -> None:
        self._run.world.guard()
        if plan.verdict is Verdict.DELETE:
            self._evictions.delete(plan)
        elif plan.verdict is Verdict.EVICT:
            self._evictions.evict(plan)

    def _tell(self, line: str) -> None:
        if line != self._said:
            self._run.report(line)
            self._said = line

    def _unhealthy(self, missing: str, before: _Before) -> StoppedError:
        undo = ""
        if before.how is How.ROLL_OUT:
            name, namespace = self._workload.name, self._workload.namespace
            undo = f"; `kubectl rollout undo deployment/{name} -n {namespace}` takes its roll-out back"
        self._run.world.note("gave-up", workload=str(self._workload), reason=missing)
        return UnhealthyError(str(self._workload), missing, undo)


def _in_turn(pods: Sequence[Pod]) -> list[Pod]:
    """Unready ones first, then from the highest ordinal down, as a StatefulSet would."""
    return sorted(
        sorted(pods, key=lambda pod: (len(pod.name), pod.name), reverse=True), key=lambda pod: pod.ready
    )


def _in_the_way(verdicts: Any) -> list[str]:
    return [f"{name_of(plan)}: {plan.reason}" for plan in verdicts if plan.verdict.stands_in_the_way]
