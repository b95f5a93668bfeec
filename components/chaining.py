"""Cilium on top of the AWS VPC CNI of a running cluster: agents, then pods, then policies.

`stacks/chaining.py` registers it after Cilium's Helm release. Every workload is a resource of its own:
CoreDNS first and alone, then every workload after the one that is `parallel` places before it. So a preview
shows the plan, and an interrupted update continues with the next resource.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import pulumi

from components.naming import token
from components.order import after, of_one_of_many
from eks_cilium.dynamic.chaining.chained_agents import ChainedAgents
from eks_cilium.dynamic.chaining.managed_pods import ManagedPods, remainder
from eks_cilium.dynamic.chaining.pod_refresh import PodRefresh, workload_part
from eks_cilium.dynamic.policy_enforcement import PolicyPause, PolicyResume
from eks_cilium.dynamic.shell.planning import previewed
from eks_cilium.migration.refresh.planning import is_dns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.dynamic.chaining.pod_refresh import Workload
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.refresh.model import RefreshPlan


class ChainingArgs(TypedDict):
    """The arguments of a `Chaining`."""

    operation: OperationArgs
    """The inputs that all its resources share: cluster, rules, and the refresh they belong to."""
    workloads: Sequence[Reference]
    """The workloads whose pods are restarted, in the order of work."""
    parallel: int
    """How many workloads restart at the same time, besides CoreDNS."""
    plan: RefreshPlan | None
    """The plan that a preview has just made; None in an update, or once the refresh has begun."""
    policy_mode: str | None
    """How agents enforce policies in the end; None for as they did before, or by Cilium's default."""


class Chaining(pulumi.ComponentResource):
    """Restarts pods until Cilium manages every pod that can be restarted, and then enforces policies.

    Creates, each after the one before: `PolicyPause`, `ChainedAgents`, a `PodRefresh` for every workload,
    `ManagedPods` and `PolicyResume`. An update stops with an error when an operation cannot finish in time;
    the next update continues there.
    """

    counted: pulumi.Output[dict[str, Any]]
    """How many pods Cilium manages, of how many, and which it does not manage."""

    def __init__(self, name: str, args: ChainingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Chaining"), name, {}, opts)
        operation = args["operation"]
        paused = PolicyPause(name, operation, after(self))
        agents = ChainedAgents(name, operation, after(self, paused))
        refreshed = _restart(self, name, args, agents)
        left = previewed(args["plan"], remainder)
        gate = ManagedPods(name, {**operation, **left}, after(self, agents, *refreshed))
        PolicyResume(name, {**operation, "mode": args["policy_mode"]}, after(self, gate))
        self.counted = gate.counted
        self.register_outputs({"workloads": [str(workload) for workload in args["workloads"]]})


def _restart(
    parent: pulumi.Resource, name: str, args: ChainingArgs, agents: ChainedAgents
) -> list[PodRefresh]:
    """Register a `PodRefresh` for each workload, in `parallel` lanes after those of CoreDNS.

    Returns the last of each lane.
    """
    first: list[PodRefresh] = []
    lanes: list[PodRefresh] = []
    for workload in args["workloads"]:
        index = len(lanes) - args["parallel"]
        before = [*first] if is_dns(workload) or index < 0 else [lanes[index]]
        waits_for: Sequence[pulumi.Resource] = before or [agents]
        refresh = PodRefresh(
            f"{name}-{short_name(workload)}",
            {
                **of_one_of_many(args["operation"]),
                "workload": _named(workload),
                **previewed(args["plan"], partial(workload_part, workload=workload)),
            },
            after(parent, *waits_for),
        )
        (first if is_dns(workload) else lanes).append(refresh)
    return lanes[-args["parallel"] :] or first[-1:]


def short_name(workload: Reference) -> str:
    """A workload for a resource name: namespace, kind in lower case, name, with slashes between."""
    return f"{workload.namespace}/{workload.full_kind.lower()}/{workload.name}"


def _named(workload: Reference) -> Workload:
    named: Workload = {"kind": workload.kind, "namespace": workload.namespace, "name": workload.name}
    return {**named, "group": workload.group} if workload.group else named
