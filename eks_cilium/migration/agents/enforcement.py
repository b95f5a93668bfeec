"""No network policy is enforced while pods of both plugins run.

Pods on old nodes have no identity of Cilium's, so a policy that names peers by label would drop them. Agents
read the mode when they start: the pod template gets an annotation with the mode, so that a change rolls them
and the same mode does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.agents import rollout
from eks_cilium.migration.cni import CILIUM
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.runtime.record import POLICY, Record

if TYPE_CHECKING:
    from eks_cilium.migration.run import Run
    from eks_cilium.runtime.context import World

_CONFIGURATION = f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config"
_KEY = "enable-policy"
_NEVER = "never"
_ANNOTATION = "eks-cilium.io/policy-enforcement"


def pause(run: Run) -> dict[str, Any]:
    """Have Cilium enforce nothing."""
    run.world.guard()
    record, now = Record(run.world.api), _mode(run.world)
    kept = record.get(POLICY)
    if kept is None or now != _NEVER:  # whoever set another mode since has said what is to come back
        kept = {"mode": now}
        record.put(POLICY, kept)
    agents_ = _become(run, _NEVER)
    run.report(f"no policy is enforced until the migration is over (before: {kept['mode'] or 'not set'})")
    return {"before": kept["mode"], "agents": agents_}


def resume(run: Run) -> dict[str, Any]:
    """Have Cilium enforce what it did before."""
    run.world.guard()
    record = Record(run.world.api)
    kept = record.get(POLICY)
    if kept is None or run.world.api.get(_CONFIGURATION) is None:
        return {"restored": False, "agents": 0}
    rolled = _become(run, kept["mode"])
    record.drop(POLICY)
    run.report(f"policies are enforced as before ({kept['mode'] or 'not set'}) by {rolled} agents")
    return {"restored": True, "agents": rolled}


def _mode(world: World) -> str | None:
    configuration = world.api.get(_CONFIGURATION)
    if configuration is None:
        raise StoppedError(
            f"ConfigMap {NAMESPACE}/cilium-config does not exist", "Install Cilium first, then go on."
        )
    mode: str | None = (configuration.get("data") or {}).get(_KEY)
    return mode


def _become(run: Run, mode: str | None) -> int:
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
