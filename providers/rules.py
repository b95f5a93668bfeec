"""The rules of a migration as inputs of a resource: what the configuration changes of the defaults.

Spelled as in `eks-cilium:migration`, and short, since every node's resource carries them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migration.operations import Capacity, Exceptions, Limits, Options, Rules, Target
from migration.plan.model import Allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULTS = Rules()


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
        ),
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
