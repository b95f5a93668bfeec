"""Mode `chaining`, of a running cluster: Cilium on top of its AWS VPC CNI, which goes on assigning addresses.

What is registered is the work itself: the workloads written down, the VPC CNI told about peers, Cilium
installed, its agents on every node, then one resource for every workload whose pods ran before. No node is
replaced, and where there are no peers aws-node is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.chaining import Chaining
from components.cluster.kubeconfig import kubeconfig
from eks_cilium.cilium.chaining import nodes_in, overlaps
from eks_cilium.cilium.versions import RELEASES
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.cluster.existing import ExistingCluster, find
from eks_cilium.dynamic.chaining.pod_inventory import PodInventory, in_short, written
from eks_cilium.dynamic.chaining.snat_exclusions import SnatExclusions
from eks_cilium.dynamic.shell.cluster import world_of
from eks_cilium.dynamic.shell.planning import part_of
from eks_cilium.dynamic.shell.rules import rules_of
from eks_cilium.migration.refresh import report
from eks_cilium.migration.refresh.start import RefreshBeginning, begin
from eks_cilium.migration.run import Run
from eks_cilium.settings.problems import Problem, set_command
from stacks.chained_cilium import chained_cilium, warn_of_limits
from stacks.kubernetes_versions import refuse_old_kubernetes
from stacks.running_cluster import for_good, readable, without_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.cilium import Cilium
    from eks_cilium.dynamic.shell.operation import OperationArgs
    from eks_cilium.settings.model import ChainingSettings

_TARGET = "chained"
_ROOM = 2
"""How many times the nodes of today the pool has to have room for."""


@dataclass(frozen=True)
class Found:
    """The cluster and where its refresh stands."""

    cluster: ExistingCluster
    beginning: RefreshBeginning
    nodes: int


def look(settings: ChainingSettings) -> Found | None:
    """Read the cluster; None while there is none."""
    credentials = Credentials(region=settings.region, profile=settings.profile)
    cluster = find(settings.cluster.name, lambda service: client(credentials, service))
    if cluster is None:
        return None
    shared = shared_inputs(settings)
    with world_of(shared) as world:
        rules = rules_of(shared["target"], shared["rules"])
        nodes = len(world.api.list("/api/v1/nodes"))
        return Found(cluster, begin(Run(world, rules, pulumi.log.debug)), nodes)


def run(
    settings: ChainingSettings, look: Callable[[ChainingSettings], Found | None] = look
) -> dict[str, Any]:
    """Register everything and return what the stack exports."""
    with readable(settings.cluster.name), for_good():
        found = look(settings)
    if found is None:
        return without_cluster(
            settings.cluster.name,
            settings.region,
            unknown="its pods are",
            next_commands=next_commands(settings),
        )
    return ChainedCluster(settings, found).exports()


class ChainedCluster:
    """The resources of one stack in this mode, in the order in which they are made."""

    def __init__(self, settings: ChainingSettings, found: Found) -> None:
        self._settings, self._cluster, self._beginning = settings, found.cluster, found.beginning
        self._foreseen = found.beginning.plan if pulumi.runtime.is_dry_run() else None
        self._name = settings.cilium.cluster_name or settings.cluster.name
        refuse_old_kubernetes(RELEASES[settings.cilium.version], found.cluster.version)
        _refuse_pool(settings, found)
        self._kubeconfig = kubeconfig(
            name=self._cluster.name,
            region=settings.region,
            endpoint=self._cluster.endpoint,
            certificate_authority=self._cluster.certificate_authority,
            profile=settings.profile,
        )
        self._show()
        self._inventory = PodInventory(self._name, self._inventory_args())
        operation: OperationArgs = {**shared_inputs(settings), "migration": self._inventory.taken}
        cilium = self._make_cilium(self._tell_peers(operation))
        self._chaining = Chaining(
            self._name,
            {
                "operation": operation,
                "workloads": self._beginning.workloads,
                "parallel": settings.refresh.parallel,
                "plan": self._foreseen,
            },
            pulumi.ResourceOptions(depends_on=[cilium]),
        )

    def exports(self) -> dict[str, Any]:
        """What people need: access, the plan before the first change, what is left, what to type."""
        cluster, settings = self._cluster, self._settings
        return {
            "kubeconfig": self._kubeconfig,
            "cluster": {
                "name": cluster.name,
                "arn": cluster.arn,
                "endpoint": cluster.endpoint,
                "kubernetesVersion": cluster.version,
                "ciliumVersion": settings.cilium.version,
            },
            "pods": self._chaining.counted,
            "planMarkdown": self._plan(),
            "nextCommands": next_commands(settings),
        }

    def _plan(self) -> pulumi.Output[str]:
        """Until it is taken, the inventory can not show the plan it will be taken by."""
        if self._foreseen is not None:
            return pulumi.Output.from_input(written(self._foreseen))
        return self._inventory.plan

    def _show(self) -> None:
        """The plan, and what the configuration asks for that this mode limits; what policies use is in it."""
        if not pulumi.runtime.is_dry_run():
            return
        if self._foreseen is not None:
            pulumi.log.info(report.table(self._foreseen))
        warn_of_limits(self._settings.cilium)

    def _inventory_args(self) -> Any:
        workloads = [str(workload) for workload in self._beginning.workloads]
        return {
            **shared_inputs(self._settings),
            "workloads": workloads,
            **part_of(self._foreseen, in_short),
        }

    def _tell_peers(self, operation: OperationArgs) -> pulumi.Resource:
        """Before Cilium, since aws-node restarts for it."""
        if not self._settings.peer_cidrs:
            return self._inventory
        return SnatExclusions(
            self._name,
            {**operation, "peers": list(self._settings.peer_cidrs)},
            pulumi.ResourceOptions(depends_on=[self._inventory]),
        )

    def _make_cilium(self, after: pulumi.Resource) -> Cilium:
        provider = kubernetes.Provider(
            self._name, kubeconfig=self._kubeconfig, cluster_identifier=self._cluster.arn
        )
        after_it = pulumi.ResourceOptions(providers=[provider], depends_on=[after])
        return chained_cilium(self._name, self._settings.cilium, after_it)


def shared_inputs(settings: ChainingSettings) -> OperationArgs:
    """The inputs of every resource of the refresh; of its rules what differs from the defaults."""
    rules = settings.refresh.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if settings.vpc_cni.version:
        rules["vpcCniVersion"] = settings.vpc_cni.version
    return {
        "cluster_name": settings.cluster.name,
        "region": settings.region,
        "profile": settings.profile,
        "target": _TARGET,
        "rules": rules,
    }


def next_commands(settings: ChainingSettings) -> list[str]:
    """What to type to look at the result, or at what is left to do."""
    where = f"--region {settings.region}" + (f" --profile {settings.profile}" if settings.profile else "")
    return [
        f"aws eks update-kubeconfig {where} --name {settings.cluster.name}",
        "kubectl -n kube-system rollout status daemonset/cilium",
        "cilium status",
        "pulumi stack output pods",
    ]


def _refuse_pool(settings: ChainingSettings, found: Found) -> None:
    """Agents' addresses that the VPC or Services have as well would be lost to them, on every node."""
    cluster, pool, path = found.cluster, settings.cilium.pool, ("cilium", "pool")
    networks = [(f"{cluster.vpc_id}", cidr) for cidr in cluster.cidrs or (cluster.cidr,)]
    if cluster.service_cidr:
        networks.append(("the network of Services", cluster.service_cidr))
    shared = list(overlaps(pool, networks))
    allowed = ""
    if shared:
        allowed = f"a network without addresses of any other; shared with {', '.join(shared)}"
    elif nodes_in(pool) < _ROOM * found.nodes:
        allowed = f"room for twice the {found.nodes} nodes there are; this one has room for {nodes_in(pool)}"
    if allowed:
        raise pulumi.RunError(str(Problem(path, pool, allowed, set_command(path, "198.19.0.0/16"))))
