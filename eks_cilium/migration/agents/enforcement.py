"""Pauses and resumes policy enforcement while pods of both CNIs run.

Pods on old nodes have no Cilium identity, so a policy that names peers by label would drop their traffic.
Agents read the mode when they start. So the mode is written into an annotation of the pod template as well: a
changed mode rolls the agents, the same mode does not. Called for `PolicyPause` and `PolicyResume`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import POLICY, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

_CONFIGURATION = f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config"
_KEY = "enable-policy"
_NEVER = "never"
_ANNOTATION = "eks-cilium.io/policy-enforcement"


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
    record, now = Record(run.world.api), _mode(run.world)
    before = record.load(POLICY, _Before.from_json)
    if before is None or now != _NEVER:  # a mode that the user has set since is the one to restore
        before = _Before(now)
        record.put(POLICY, asdict(before))
    agents = _set_mode(run, _NEVER)
    run.report(f"no policy is enforced until the migration is over (before: {before.mode or 'not set'})")
    return {"before": before.mode, "agents": agents}


def resume(run: Run) -> dict[str, Any]:
    """Restore the enforcement mode that was recorded."""
    run.world.guard()
    record = Record(run.world.api)
    before = record.load(POLICY, _Before.from_json)
    if before is None or run.world.api.get(_CONFIGURATION) is None:
        return {"restored": False, "agents": 0}
    rolled = _set_mode(run, before.mode)
    record.drop(POLICY)
    run.report(f"policies are enforced as before ({before.mode or 'not set'}) by {rolled} agents")
    return {"restored": True, "agents": rolled}


def _mode(world: World) -> str | None:
    configuration = world.api.get(_CONFIGURATION)
    if configuration is None:
        raise StoppedError(
            f"ConfigMap {NAMESPACE}/cilium-config does not exist",
            "Install Cilium first, then run `pulumi up` again.",
        )
    mode: str | None = (configuration.get("data") or {}).get(_KEY)
    return mode


def _set_mode(run: Run, mode: str | None) -> int:
    if _mode(run.world) != mode:
        run.world.api.merge(_CONFIGURATION, {"data": {_KEY: mode}})
    annotations = {_ANNOTATION: mode or "default"}
    daemon_set = run.world.api.get(CILIUM.path)
    if daemon_set is None:
        return 0
    template = daemon_set["spec"]["template"]["metadata"]
    if (template.get("annotations") or {}).get(_ANNOTATION) != annotations[_ANNOTATION]:
        run.world.api.merge(CILIUM.path, {"spec": {"template": {"metadata": {"annotations": annotations}}}})
    return rollout.await_roll_out(run, CILIUM)
