"""Restarts one workload: reads its state, does the next step, and reads again until nothing is missing.

It reads again when something changes in the view of the process, or after a while. What it begins with and
what it ends with is asked of the API server.

What is left to do is read from the cluster: which of the pods from before still exist, how many pods are
ready, and which of the new ones Cilium manages. Only the state before the restart is recorded, before the
first change: those pods, how many were ready, and the method. So a run that was killed at any time continues
with what it finds, no pod that was created later is restarted, and a roll-out is requested once. The method
is chosen anew in every run, since options may have changed, and the cluster as well.

While a new pod has no CiliumEndpoint, no further pod is touched: where Cilium does not work, each further
restart would only add a pod without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eks_cilium.errors import RefusedError
from eks_cilium.migration.agents import enforcement
from eks_cilium.migration.control import stop
from eks_cilium.migration.eviction.closed_budgets import ClosedBudgets
from eks_cilium.migration.eviction.judging import LiveVerdicts
from eks_cilium.migration.eviction.requests import Evictions, name_of
from eks_cilium.migration.facts import workloads
from eks_cilium.migration.plan.model import Verdict
from eks_cilium.migration.refresh import listing
from eks_cilium.migration.refresh.methods import Nodes, method_for
from eks_cilium.migration.refresh.model import Method
from eks_cilium.migration.refresh.observation import WorkloadReader
from eks_cilium.migration.refresh.verdicts import RULES
from eks_cilium.migration.replicas.roll_outs import most_unavailable
from eks_cilium.runtime.errors import RestartRefusedError, StoppedError, UnhealthyError
from eks_cilium.runtime.record import of_workload
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.migration.facts.model import Pod
    from eks_cilium.migration.plan.model import PodPlan
    from eks_cilium.migration.refresh.observation import WorkloadReading
    from eks_cilium.migration.run import RefreshRun

RESTARTED_ANNOTATION = "eks-cilium.io/restarted"
"""On the pod template of a Deployment that was rolled out for a refresh: the time the refresh began."""

# HTTP status of a write with a UID precondition when the object was deleted, or replaced by one of its name.
_OTHER_UID = (404, 409, 422)


@dataclass(frozen=True, slots=True)
class _Baseline:
    """A workload before its restart."""

    method: Method
    ready: int
    pods: frozenset[str]
    """UIDs of the pods that Cilium did not manage."""
    rolled_out: str = ""
    """When an earlier refresh rolled the Deployment out; empty where none did, or none recorded it."""

    def to_json(self, workload: Reference) -> Object:
        """The record, with the name of the workload for people who read it."""
        recorded = {"how": self.method.value, "ready": self.ready, "pods": sorted(self.pods)}
        if self.rolled_out:
            recorded["rolledOut"] = self.rolled_out
        return {"workload": str(workload), **recorded}

    @classmethod
    def from_json(cls, recorded: Mapping[str, Any]) -> _Baseline:
        return cls(
            method=Method(recorded["how"]),
            ready=int(recorded["ready"]),
            pods=frozenset(recorded["pods"]),
            rolled_out=recorded.get("rolledOut", ""),
        )


def restart_workload(run: RefreshRun, workload: Reference) -> dict[str, Any]:
    """Restart the pods of a workload in the recorded list. {"workload", "how", "pods", "seconds"}."""
    known = listing.read(run.world, run.options.round)
    if known is None:
        raise StoppedError(Topic.NOT_RECORDED, "this cluster has no list of workloads to restart yet")
    enforcement.keep_paused(run)
    return restart(run, workload, known.recorded_at)


def restart(run: RefreshRun, workload: Reference, began: str) -> dict[str, Any]:
    """Restart the pods of a workload that Cilium does not manage, whatever an earlier run has done of it.

    `began` is the time the refresh began. Raises RestartRefusedError before the first change when a pod must
    not be restarted, and UnhealthyError when the workload does not become as healthy as it was.
    """
    return _Restart(run, workload, began).run()


class _Restart:
    def __init__(self, run: RefreshRun, workload: Reference, began: str) -> None:
        self._run, self._workload = run, workload
        self._began, self._key = began, of_workload(str(workload))
        self._reader = WorkloadReader(run.world, workload)
        self._evictions = Evictions(run, about={"workload": str(workload)})
        self._budgets = ClosedBudgets(run.world)
        self._verdicts = LiveVerdicts(run)
        self._blocked: list[str] = []
        self._last_line = ""

    def run(self) -> dict[str, Any]:
        self._run.world.guard()
        started = self._run.world.time.monotonic()
        try:
            baseline = self._begin()
            if baseline is not None:
                self._carry_out(baseline)
                self._run.world.record.drop(self._key)
        finally:
            self._reader.release()
        seconds = round(self._run.world.time.monotonic() - started, 3)
        pods = len(baseline.pods) if baseline else 0
        self._run.world.note("restarted", workload=str(self._workload), pods=pods, total=seconds)
        self._run.report(f"restarted {pods} pods in {seconds:.0f} s" if pods else "nothing left to restart")
        return {
            "workload": str(self._workload),
            "how": baseline.method.value if baseline else "",
            "pods": pods,
            "seconds": seconds,
        }

    def _begin(self) -> _Baseline | None:
        """The recorded baseline, or a new one; None where no pod has to be restarted."""
        record = self._run.world.record
        recorded = record.get(self._key)
        reading = self._reader.read(fresh=True)
        if recorded is not None:
            return self._continued(_Baseline.from_json(recorded), reading)
        if not reading.unmanaged:
            return None
        stop.refuse_where_requested(self._run.world)
        objects = [reading.objects[pod.uid] for pod in reading.unmanaged]
        method = self._method(reading, reading.unmanaged)
        verdicts = self._verdicts.on(objects, RULES[method])
        if blocked := _blocked(verdicts.values()):
            raise RestartRefusedError(str(self._workload), blocked)
        baseline = _Baseline(
            method=method,
            ready=reading.ready,
            pods=frozenset(pod.uid for pod in reading.unmanaged),
            rolled_out=_restarted(reading.obj) if reading.obj else "",
        )
        record.put(self._key, baseline.to_json(self._workload))
        return baseline

    def _method(self, reading: WorkloadReading, pods: Sequence[Pod]) -> Method:
        backing = self._verdicts.backing([reading.objects[pod.uid] for pod in pods])
        nodes = Nodes.read(self._run.world, pods)
        method, _ = method_for(self._workload, pods, backing, nodes, self._run.options)
        return method

    def _continued(self, baseline: _Baseline, reading: WorkloadReading) -> _Baseline:
        """The recorded baseline, with the method that fits the present options and nodes."""
        old = reading.old(baseline.pods)
        method = self._method(reading, old) if old else baseline.method
        if method is baseline.method:
            return baseline
        if method is Method.EVICT and len(old) == len(baseline.pods):
            self._take_back_roll_out(reading, baseline)
        changed = replace(baseline, method=method)
        self._run.world.record.put(self._key, changed.to_json(self._workload))
        return changed

    def _take_back_roll_out(self, reading: WorkloadReading, baseline: _Baseline) -> None:
        """Make the template what it was: a roll-out that replaced nothing leaves no Pending pod then."""
        path, obj = workloads.path_of(self._workload), reading.obj
        if obj is None or path is None:
            return
        if _restarted(obj) == self._began:
            self._run.world.guard()
            template = {"metadata": {"annotations": {RESTARTED_ANNOTATION: baseline.rolled_out or None}}}
            self._run.world.api.merge(path, {"spec": {"template": template}})
        # Evicted earlier, an old pod would leave its node to the pod of the roll-out that is taken back.
        self._run.wait(
            lambda: self._reader.read().roll_out_progress(),
            waited_for=f"the roll-out of {self._workload} to be taken back",
            seconds=self._run.options.health_timeout_seconds,
            topic=Topic.WORKLOAD_UNHEALTHY,
        )

    def _carry_out(self, baseline: _Baseline) -> None:
        """Read and act until nothing is missing; each old pod that is deleted restarts the time limit."""
        polls = self._run.polls(seconds=self._run.options.health_timeout_seconds, wakes=True)
        left, missing, no_node = len(baseline.pods) + 1, "", False
        healthy = _InARow(self._run)
        for _ in polls:
            with polls.asking():
                reading, missing = self._read(baseline, fresh=healthy.is_last)
                no_node = bool(reading.no_node)
                if healthy.note(is_good=not missing):
                    return
                if missing:
                    self._report(missing)
                    self._act(reading, baseline)
                if (now := len(reading.old(baseline.pods))) < left:
                    left = now
                    polls.restart()
                polls.seconds = self._run.options.health_timeout_seconds + reading.stopping(baseline.pods)
            if polls.unanswered:
                self._report(polls.unanswered)
        if self._blocked and not polls.unanswered:
            raise RestartRefusedError(str(self._workload), self._blocked)
        missing = polls.unanswered or missing or "it was healthy in too few readings in a row"
        raise self._unhealthy(missing, baseline, no_node=no_node)

    def _read(self, baseline: _Baseline, *, fresh: bool) -> tuple[WorkloadReading, str]:
        """The workload, and what is missing; where nothing is, and it is the last reading, a `fresh` one."""
        reading = self._reader.read()
        missing = "" if reading.is_deleted else self._missing(reading, baseline)
        if missing or not fresh:
            return reading, missing
        reading = self._reader.read(fresh=True)
        return reading, "" if reading.is_deleted else self._missing(reading, baseline)

    def _missing(self, reading: WorkloadReading, baseline: _Baseline) -> str:
        """What is still missing, in one sentence."""
        old, wanted = reading.old(baseline.pods), reading.wanted(baseline.ready)
        parts = []
        if old:
            parts.append(f"{len(baseline.pods) - len(old)} of {len(baseline.pods)} pods restarted")
        if baseline.method is Method.ROLL_OUT and (progress := reading.roll_out_progress()):
            parts.append(progress)
            if reading.no_node:
                parts.append(f"no node for {reading.no_node}")
        if reading.ready < wanted:
            why = reading.not_ready() or "the next one is not created yet"
            parts.append(f"{reading.ready} of {wanted} pods ready ({why})")
        if new := reading.new_without_cilium(baseline.pods):
            parts.append(f"pod {new[0].name} on {new[0].node} has no CiliumEndpoint")
        parts += self._blocked[:1]
        held = [self._evictions.answer(pod.uid) for pod in old if self._evictions.is_refused_for_now(pod.uid)]
        parts += [answer for answer in held[:1] if answer]
        return "; ".join(parts)

    def _act(self, reading: WorkloadReading, baseline: _Baseline) -> None:
        if baseline.method is Method.ROLL_OUT:
            self._roll_out(reading)
        elif not reading.new_without_cilium(baseline.pods):
            self._evict(reading, baseline)

    def _roll_out(self, reading: WorkloadReading) -> None:
        """Request the roll-out. Requesting it again changes nothing, since the annotation is the same."""
        path = workloads.path_of(self._workload)
        if reading.obj is None or path is None:
            return
        if _restarted(reading.obj) == self._began:
            return
        self._run.world.guard()
        template = {"metadata": {"annotations": {RESTARTED_ANNOTATION: self._began}}}
        patch = {"metadata": {"uid": reading.obj["metadata"]["uid"]}, "spec": {"template": template}}
        try:
            self._run.world.api.merge(path, patch)
        except RefusedError as error:
            if error.status not in _OTHER_UID:  # the next reading finds out
                raise
        else:
            self._run.world.note("rolled-out", workload=str(self._workload))

    def _evict(self, reading: WorkloadReading, baseline: _Baseline) -> None:
        """Evict as many pods as may be missing, unready ones first, since they serve no traffic."""
        staying = [pod for pod in reading.old(baseline.pods) if pod.deleted is None]
        verdicts = self._verdicts.on([reading.objects[pod.uid] for pod in staying], RULES[Method.EVICT])
        self._blocked = _blocked(verdicts.values())
        if self._blocked:  # may pass, as when a workload has fewer replicas for a while
            self._verdicts = LiveVerdicts(self._run)
            return
        missing = max(reading.wanted(baseline.ready) - reading.ready, 0)
        # What was evicted a moment ago may still look as before.
        missing += sum(pod.ready and self._is_leaving(pod) for pod in staying)
        allowed = most_unavailable(reading.owner, len(reading.pods)) - missing
        for pod in _in_turn(staying):
            if pod.ready and allowed <= 0:
                return
            if not self._is_leaving(pod) and self._may_ask(pod, verdicts[pod.uid]):
                allowed -= 1
                self._remove(verdicts[pod.uid])

    def _is_leaving(self, pod: Pod) -> bool:
        """Whether the eviction of a pod was accepted, and should be carried out any moment."""
        return self._evictions.is_accepted(pod.uid) and not self._evictions.is_due(pod.uid)

    def _may_ask(self, pod: Pod, plan: PodPlan) -> bool:
        return self._evictions.is_due(pod.uid) and not self._budgets.is_closed(plan, ready=pod.ready)

    def _remove(self, plan: PodPlan) -> None:
        self._run.world.guard()
        if plan.verdict is Verdict.DELETE:
            self._evictions.delete(plan)
        elif plan.verdict is Verdict.EVICT:
            self._evictions.evict(plan)
            self._budgets.note(plan, accepted=self._evictions.is_accepted(plan.uid))

    def _report(self, line: str) -> None:
        if line != self._last_line:
            self._run.report(line)
            self._last_line = line

    def _unhealthy(self, missing: str, baseline: _Baseline, *, no_node: bool) -> StoppedError:
        undo = ""
        if baseline.method is Method.ROLL_OUT:
            name, namespace = self._workload.name, self._workload.namespace
            undo = f"; `kubectl rollout undo deployment/{name} -n {namespace}` undoes its roll-out"
            if no_node:
                undo += f'; with `refresh.evict: ["{namespace}/{name}"]` its pods are evicted instead'
        self._run.world.note("gave-up", workload=str(self._workload), reason=missing)
        return UnhealthyError(str(self._workload), missing, undo)


class _InARow:
    """Counts readings in a row that find a workload healthy, those that are apart by a polling interval."""

    def __init__(self, run: RefreshRun) -> None:
        self._run, self._good, self._at = run, 0, 0.0

    @property
    def is_last(self) -> bool:
        """Whether one more good reading, now, is enough."""
        return self._good + 1 >= self._run.options.settle_readings and self._counts

    def note(self, *, is_good: bool) -> bool:
        """Note a reading; whether there are enough good ones in a row."""
        if not is_good:
            self._good = 0
        elif self._counts:
            self._good, self._at = self._good + 1, self._run.world.time.monotonic()
        return self._good >= self._run.options.settle_readings

    @property
    def _counts(self) -> bool:
        passed = self._run.world.time.monotonic() - self._at
        return not self._good or passed >= self._run.limits.poll_interval


def _restarted(deployment: Object) -> str:
    """When the refresh began that rolled out a Deployment last; empty where none did."""
    metadata = deployment["spec"].get("template", {}).get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(RESTARTED_ANNOTATION, ""))


def _in_turn(pods: Sequence[Pod]) -> list[Pod]:
    """Unready ones first, then from the highest ordinal down, as a StatefulSet would."""
    return sorted(
        sorted(pods, key=lambda pod: (len(pod.name), pod.name), reverse=True), key=lambda pod: pod.ready
    )


def _blocked(verdicts: Iterable[PodPlan]) -> list[str]:
    return [f"{name_of(plan)}: {plan.reason}" for plan in verdicts if plan.verdict.blocks_drain]
