"""The rules of a migration as inputs of a resource: what the configuration changes of the defaults.

Spelled as in `eks-cilium:migration` or `eks-cilium:refresh`, and short, since every node's or workload's
resource carries them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.operations import Capacity, Exceptions, Limits, Options, Rules, Target
from eks_cilium.migration.options import Allowed, Jobs, Refreshing

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS = Rules()
_BETWEEN_LOOKS_AT_A_WORKLOAD = 2.0


def rules_of(target: str, chosen: Mapping[str, Any]) -> Rules:
    """The rules for a direction. Numbers may be floats, as Pulumi's protocol has no others."""
    options, limits = _DEFAULTS.options, _DEFAULTS.limits
    return Rules(
        options=Options(
            target=Target(target),
            capacity=Capacity(chosen.get("capacity", options.capacity)),
            surge=int(chosen.get("surge", options.surge)),
            parallel=int(chosen.get("parallel", options.parallel)),
            settle_readings=int(chosen.get("settleReadings", options.settle_readings)),
            drain_timeout=float(chosen.get("drainTimeoutSeconds", options.drain_timeout)),
            allow=_exceptions(chosen.get("allow") or {}),
        ),
        limits=Limits(
            replacement=float(chosen.get("replacementTimeoutSeconds", limits.replacement)),
            health=float(chosen.get("healthTimeoutSeconds", limits.health)),
            between_looks=_BETWEEN_LOOKS_AT_A_WORKLOAD if target == Target.CHAINED else limits.between_looks,
        ),
        refresh=_refreshing(chosen),
    )


def _refreshing(chosen: Mapping[str, Any]) -> Refreshing:
    refresh = _DEFAULTS.refresh
    return Refreshing(
        jobs=Jobs(chosen.get("jobs", refresh.jobs)),
        job_timeout=float(chosen.get("jobTimeoutSeconds", refresh.job_timeout)),
        evict=Allowed(tuple(chosen.get("evict") or ())),
        round=int(chosen.get("round", refresh.round)),
        vpc_cni_version=str(chosen.get("vpcCniVersion", refresh.vpc_cni_version)),
    )


def _exceptions(chosen: Mapping[str, Any]) -> Exceptions:
    def patterns(name: str) -> Allowed:
        return Allowed(tuple(chosen.get(name) or ()))

    return Exceptions(
        bare_pods=patterns("barePods"),
        local_storage=patterns("localStorage"),
        budgets=patterns("budgets"),
        stranded_pods=patterns("strandedPods"),
        lower_minimum=patterns("lowerMinimum"),
        security_group_policies=bool(chosen.get("securityGroupPolicies")),
        karpenter_nodes=bool(chosen.get("karpenterNodes")),
        fargate_nodes=bool(chosen.get("fargateNodes")),
    )
