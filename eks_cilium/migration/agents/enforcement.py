"""Pauses and resumes policy enforcement while pods of both CNIs run.

Pods on old nodes have no Cilium identity, so a policy that names peers by label would drop their traffic.
Agents read the mode when they start. So the mode is written into an annotation of the pod template as well: a
changed mode rolls the agents, the same mode does not. Called for `PolicyPause` and `PolicyResume`, and before
each node is cordoned or workload restarted, since a Helm upgrade or a person may change the mode in between.

Agents are rolled even where no policy exists. Those that had read another mode would enforce a policy that is
created in the middle as soon as they see it, long before any watcher could have them restarted; and those
that had never read the final mode would not enforce one that is created afterwards. In a migration to Cilium
that costs the restarts at the end alone: the first agents start after the pause.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.agents import rollout, wide_rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import POLICY
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

_CONFIGURATION = f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config"
_KEY = "enable-policy"
_NEVER = "never"
DEFAULT = "default"
"""Cilium's own mode: pods that a policy selects are restricted."""
_ANNOTATION = "eks-cilium.io/policy-enforcement"
_LOCK = "policy enforcement"


@dataclass(frozen=True, slots=True)
class _Before:
    mode: str | None
    """The enforcement mode in Cilium's configuration; None where it was not set."""

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(kept["mode"])


def pause(run: Run) -> dict[str, Any]:
    """Set the enforcement mode to `never`, after recording the mode that was set."""
    run.world.guard()
    record, now = run.world.record, _mode(run.world)
    before = record.load(POLICY, _Before.from_json)
    if before is None or now != _NEVER:  # a mode that the user has set since is the one to restore
        before = _Before(now)
        record.put(POLICY, asdict(before))
    agents = _set_mode(run, _NEVER)
    run.report(f"no policy is enforced until the migration is over (before: {before.mode or 'not set'})")
    return {"before": before.mode, "agents": agents}


def keep_paused(run: Run) -> None:
    """Pause again where a run had paused enforcement and another actor has changed the mode since."""
    with run.world.lock(_LOCK):
        configuration = run.world.seen.get(_CONFIGURATION)
        if configuration is None or _mode_in(configuration) == _NEVER:
            return
        if run.world.record.load(POLICY, _Before.from_json) is None:
            return
        run.world.note("policies-paused-again", mode=_mode_in(configuration))
        run.report("the enforcement of policies was switched on in the middle: switching it off again")
        pause(run)


def resume(run: Run, mode: str | None = None) -> dict[str, Any]:
    """Set this enforcement mode, or where it is None the one that was recorded."""
    run.world.guard()
    record = run.world.record
    before = record.load(POLICY, _Before.from_json)
    if (before is None and mode is None) or run.world.api.get(_CONFIGURATION) is None:
        return {"restored": False, "agents": 0}
    wanted = mode or (before.mode if before else None)
    rolled = _set_mode(run, wanted)
    record.drop(POLICY)
    run.report(f"policies are enforced as configured ({wanted or 'not set'}) by {rolled} agents")
    return {"restored": True, "agents": rolled}


def _mode(world: World) -> str | None:
    configuration = world.api.get(_CONFIGURATION)
    if configuration is None:
        raise StoppedError(
            Topic.CNI_MISSING,
            f"ConfigMap {NAMESPACE}/cilium-config does not exist",
            "Install Cilium first, then run `pulumi up` again.",
        )
    return _mode_in(configuration)


def _mode_in(configuration: Object) -> str | None:
    mode: str | None = (configuration.get("data") or {}).get(_KEY)
    return mode


def _set_mode(run: Run, mode: str | None) -> int:
    changed = _mode(run.world) != mode
    if changed:
        run.world.api.merge(_CONFIGURATION, {"data": {_KEY: mode}})
    daemon_set = run.world.api.get(CILIUM.path)
    if daemon_set is None:
        return 0
    annotation = _new_annotation(run.world, daemon_set, mode or DEFAULT, changed=changed)
    if not annotation and not rollout.behind(daemon_set):
        wide_rollout.restore(run.world)
        return rollout.await_roll_out(run, CILIUM)
    with wide_rollout.widened(run.world):
        if annotation:
            template = {"metadata": {"annotations": {_ANNOTATION: annotation}}}
            run.world.api.merge(CILIUM.path, {"spec": {"template": template}})
        return rollout.await_roll_out(run, CILIUM)


def _new_annotation(world: World, daemon_set: Object, mode: str, *, changed: bool) -> str:
    """What rolls the agents; empty where all of them have read this mode.

    The same mode again, after another was set in between, gets the time behind it.
    """
    annotations = daemon_set["spec"]["template"]["metadata"].get("annotations") or {}
    known, _, _ = annotations.get(_ANNOTATION, "").partition(" ")
    if known != mode:
        return mode
    return f"{mode} since {world.time.now():%Y-%m-%dT%H:%M:%SZ}" if changed else ""
