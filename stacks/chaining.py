"""Mode `chaining`, of a running cluster: Cilium on top of its AWS VPC CNI, which still assigns addresses.

The steps are registered as resources: the list of workloads, peers' networks in the VPC CNI, Cilium, its
agents on every node, then one resource for every workload whose pods started before Cilium. No node is
replaced, and without peers aws-node is not touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pulumi

from components.chaining import Chaining
from eks_cilium.cilium.chaining import nodes_in, overlaps
from eks_cilium.cilium.versions import release_of
from eks_cilium.dynamic.chaining.pod_inventory import PodInventory, exported, summary
from eks_cilium.dynamic.chaining.snat_exclusions import SnatExclusions
from eks_cilium.dynamic.shell.planning import handed_over
from eks_cilium.dynamic.shell.runs import CHAINED, refresh_run
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.start import RefreshStart, read_start
from eks_cilium.settings.problems import Problem, set_fix
from stacks.cilium_chained import register_chained_cilium, warn_of_limits
from stacks.cilium_upgrades import check_upgrade
from stacks.cilium_versions import check_kubernetes
from stacks.running_cluster import (
    ClusterReading,
    aws_options,
    cilium_name,
    exports_without_cluster,
    in_preview,
    kubeconfig_of,
    kubernetes_provider,
    read_cluster,
    read_once,
    warn_of_stop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.cilium import Cilium
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.settings.model import ChainingSettings

Reading: TypeAlias = ClusterReading[RefreshStart]

_POOL_FACTOR = 2
"""The pool of agents' addresses has to fit this many times the nodes of today, for growth and renewal."""


def read(settings: ChainingSettings) -> Reading | None:
    """Read the cluster and its workloads; None while EKS has no such cluster."""
    inputs = shared_inputs(settings)
    return read_cluster(inputs, lambda world: read_start(refresh_run(inputs, pulumi.log.debug)(world)))


def run(
    settings: ChainingSettings, read: Callable[[ChainingSettings], Reading | None] = read
) -> dict[str, Any]:
    """Read the cluster, check it, register everything and return what the stack exports."""
    reading = read_once(settings, read)
    if reading is None:
        return exports_without_cluster(
            settings, unknown="its pods are", next_commands=next_commands(settings)
        )
    check(settings, reading)
    show(settings, reading)
    inventory, chaining = register(settings, reading)
    return exports(settings, reading, inventory, chaining)


def check(settings: ChainingSettings, reading: Reading) -> None:
    """Refuse a cluster that Cilium's release or its pool of addresses does not fit. Raises RunError."""
    check_kubernetes(release_of(settings.cilium.version), reading.cluster.version)
    check_upgrade(reading.cilium, settings.cilium.version)
    _check_pool(settings, reading)


def show(settings: ChainingSettings, reading: Reading) -> None:
    """Print in a preview what will be done, and what the configuration asks for that this mode limits."""
    warn_of_stop(settings, reading.start.stop)
    plan = in_preview(reading.start.plan)
    if plan is not None:
        pulumi.log.info(report.table(plan))
    warn_of_limits(settings.cilium)


def register(settings: ChainingSettings, reading: Reading) -> tuple[PodInventory, Chaining]:
    """Register every step, each after the one before."""
    name, plan = cilium_name(settings), in_preview(reading.start.plan)
    inventory = PodInventory(
        name,
        {
            **shared_inputs(settings),
            "workloads": [str(workload) for workload in reading.start.workloads],
            **handed_over(plan, summary),
        },
    )
    operation: OperationArgs = {**shared_inputs(settings), "migration": inventory.taken}
    cilium = _register_cilium(settings, reading, _exclude_peers(settings, operation, inventory))
    chaining = Chaining(
        name,
        {
            "operation": operation,
            "workloads": reading.start.workloads,
            "parallel": settings.refresh.parallel,
            "plan": plan,
            "policy_mode": settings.cilium.policy_mode,
        },
        pulumi.ResourceOptions(depends_on=[cilium]),
    )
    return inventory, chaining


def exports(
    settings: ChainingSettings, reading: Reading, inventory: PodInventory, chaining: Chaining
) -> dict[str, Any]:
    """What people need: access, the plan in numbers, pods that remain, what to type next."""
    cluster, plan = reading.cluster, in_preview(reading.start.plan)
    return {
        "kubeconfig": kubeconfig_of(settings, cluster),
        "cluster": {
            "name": cluster.name,
            "arn": cluster.arn,
            "endpoint": cluster.endpoint,
            "kubernetesVersion": cluster.version,
            "ciliumVersion": settings.cilium.version,
        },
        "pods": chaining.counted,
        # In the first preview the inventory does not exist yet, so it cannot supply the plan.
        "plan": inventory.plan if plan is None else pulumi.Output.from_input(exported(plan)),
        "nextCommands": next_commands(settings),
    }


def shared_inputs(settings: ChainingSettings) -> OperationArgs:
    """The inputs of every resource of the refresh; of its options those that differ from the defaults."""
    inputs: OperationArgs = {
        "cluster_name": settings.cluster.name,
        "region": settings.region,
        "profile": settings.profile,
        "target": CHAINED,
        "options": settings.refresh.changed(),
    }
    if settings.vpc_cni.version:
        inputs["vpc_cni_version"] = settings.vpc_cni.version
    if settings.accounts:
        inputs["accounts"] = settings.accounts
    return inputs


def next_commands(settings: ChainingSettings) -> list[str]:
    """What to type to see the result, or what is left to do."""
    return [
        f"aws eks update-kubeconfig {aws_options(settings)} --name {settings.cluster.name}",
        "kubectl -n kube-system rollout status daemonset/cilium",
        "cilium status",
        "pulumi stack output pods",
    ]


def _exclude_peers(
    settings: ChainingSettings, operation: OperationArgs, inventory: PodInventory
) -> pulumi.Resource:
    """Tell the VPC CNI about peers before Cilium is installed, because aws-node restarts for it."""
    if not settings.peer_cidrs:
        return inventory
    return SnatExclusions(
        cilium_name(settings),
        {**operation, "peers": list(settings.peer_cidrs)},
        pulumi.ResourceOptions(depends_on=[inventory]),
    )


def _register_cilium(settings: ChainingSettings, reading: Reading, after: pulumi.Resource) -> Cilium:
    provider = kubernetes_provider(settings, reading.cluster)
    opts = pulumi.ResourceOptions(providers=[provider], depends_on=[after])
    return register_chained_cilium(
        cilium_name(settings), settings.cilium, opts, present=reading.cilium, policies_are_paused=True
    )


def _check_pool(settings: ChainingSettings, reading: Reading) -> None:
    """Refuse a pool that overlaps the VPC or the Services, which nodes could not reach any more."""
    cluster, nodes = reading.cluster, reading.start.nodes
    pool, path = settings.cilium.pool, ("cilium", "pool")
    networks = [(f"{cluster.vpc_id}", cidr) for cidr in cluster.cidrs or (cluster.cidr,)]
    if cluster.service_cidr:
        networks.append(("the network of Services", cluster.service_cidr))
    shared = list(overlaps(pool, networks))
    allowed = ""
    if shared:
        allowed = f"a network without addresses of any other; shared with {', '.join(shared)}"
    elif nodes_in(pool) < _POOL_FACTOR * nodes:
        allowed = f"a network for twice the {nodes} nodes there are; this one is enough for {nodes_in(pool)}"
    if allowed:
        raise pulumi.RunError(str(Problem(path, pool, allowed, set_fix(path, "198.19.0.0/16"))))
