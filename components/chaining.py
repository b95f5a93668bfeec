"""Cilium on top of the AWS VPC CNI, after its release is installed: agents, then pods, then policies.

One resource a workload: CoreDNS first and alone, then every workload after the one that is `parallel` places
before it. What is registered is the plan itself, so a preview shows it and an interrupted update goes on with
the next resource.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import pulumi

from components.naming import token
from eks_cilium.dynamic.chaining.chained_agents import ChainedAgents
from eks_cilium.dynamic.chaining.managed_pods import ManagedPods, remainder
from eks_cilium.dynamic.chaining.pod_refresh import PodRefresh, of_workload
from eks_cilium.dynamic.policy_enforcement import PolicyPause, PolicyResume
from eks_cilium.dynamic.shell.planning import part_of
from eks_cilium.migration.refresh.planning import is_dns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.cluster.objects import Reference
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.migration.refresh.model import RefreshPlan


class ChainingArgs(TypedDict):
    """What a `Chaining` is made from."""

    operation: OperationArgs
    """What all its resources share, with the refresh they belong to."""
    workloads: Sequence[Reference]
    """Whose pods are to be restarted, in the order of work."""
    parallel: int
    plan: RefreshPlan | None
    """What a preview has planned, where nothing was begun."""


class Chaining(pulumi.ComponentResource):
    """Every pod that can be restarted managed by Cilium, and policies enforced."""

    counted: pulumi.Output[dict[str, Any]]
    """How many pods Cilium manages, of how many, and which are left as they are."""

    def __init__(self, name: str, args: ChainingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(token("Chaining"), name, {}, opts)
        operation = args["operation"]
        paused = PolicyPause(name, operation, _after(self))
        agents = ChainedAgents(name, operation, _after(self, paused))
        refreshed = _restart(self, name, args, agents)
        left = part_of(args["plan"], remainder)
        gate = ManagedPods(name, {**operation, **left}, _after(self, agents, *refreshed))
        PolicyResume(name, operation, _after(self, gate))
        self.counted = gate.counted
        self.register_outputs({"workloads": [str(workload) for workload in args["workloads"]]})


def _restart(
    parent: pulumi.Resource, name: str, args: ChainingArgs, agents: ChainedAgents
) -> list[PodRefresh]:
    first: list[PodRefresh] = []
    lanes: list[PodRefresh] = []
    for workload in args["workloads"]:
        index = len(lanes) - args["parallel"]
        before = [*first] if is_dns(workload) or index < 0 else [lanes[index]]
        made = PodRefresh(
            f"{name}-{short_name(workload)}",
            {
                **args["operation"],
                "workload": {
                    "kind": workload.kind,
                    "namespace": workload.namespace,
                    "name": workload.name,
                },
                **part_of(args["plan"], partial(of_workload, workload=workload)),
            },
            _after(parent, agents, *before),
        )
        (first if is_dns(workload) else lanes).append(made)
    return [*first, *lanes]


def short_name(workload: Reference) -> str:
    """A workload as kubectl names it, with its namespace before it."""
    return f"{workload.namespace}/{workload.kind.lower()}/{workload.name}"


def _after(parent: pulumi.Resource, *others: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(parent=parent, depends_on=list(others))
