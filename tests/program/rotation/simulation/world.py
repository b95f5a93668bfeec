"""The simulated world as tests make it: a cluster with its CNI, workloads with budgets, the program."""

import json
from typing import Any

import httpx
import yaml

from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World
from eks_cilium.runtime.fleet import Fleet
from eks_cilium.runtime.journal import Journal
from eks_cilium.runtime.locks import Locks
from eks_cilium.runtime.view import View

from .api_server import Clock, Object
from .cloud import JOIN_SECONDS, Group
from .controllers import (
    BUDGETS,
    CONFIG_MAPS,
    DAEMON_SETS,
    DEPLOYMENTS,
    NODES,
    PODS,
    REPLICA_SETS,
    REQUIRED,
    START_SECONDS,
    STATEFUL_SETS,
    STOCK_TERMS,
    Controllers,
    owner_of,
)

__all__ = ["CONFIG_MAPS", "DAEMON_SETS", "NODES", "PODS", "STOCK_TERMS", "Simulation"]


class ProcessLocks(Locks):
    """A copy of a simulation is a process of its own."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "ProcessLocks":
        return ProcessLocks()


class ProcessView:
    """The view of one process; a copy of a simulation is another process, which has its own."""

    def __init__(self) -> None:
        self.view: View | None = None
        self.fleet: Fleet | None = None

    def __deepcopy__(self, _memo: dict[int, Any]) -> "ProcessView":
        return ProcessView()


class Simulation(Controllers):
    """One cluster in one account. Its controllers act in every second that the program sleeps."""

    def __init__(self, *, managed: bool = False, clock: Clock | None = None, **groups: int) -> None:
        super().__init__(clock or Clock())
        self.cloud.install = self._install_add_on
        self.journal: list[dict[str, Any]] = []
        self.locks = ProcessLocks()
        self.process = ProcessView()
        for name, size in groups.items():
            self.cloud.groups[name] = Group(name, minimum=1, maximum=size, desired=size)
        if managed:
            self.cloud.add_on = {"addonVersion": "v1.20", "status": "ACTIVE", "tags": {}}
        self.add_daemon_set("aws-node", STOCK_TERMS)
        self._add_rights()
        self.clock.tick = self.tick
        self.clock.sleep(JOIN_SECONDS + 5)

    # What tests put into it

    def world(self, **more: Any) -> World:
        """The world as the program gets it."""
        time = Time(monotonic=self.clock.monotonic, now=self.clock.now, sleep=self.clock.sleep)
        journal = Journal(lambda line: self.journal.append(json.loads(line)))
        if self.process.view is None:
            self.process.view = View(self.client(), time)
            self.process.fleet = Fleet(self.clock.monotonic, jitter=lambda: 0.5)
        shared = {"locks": self.locks, "view": self.process.view, "fleet": self.process.fleet}
        given = {"journal": journal, "spawn": self.clock.spawn, **shared, **more}
        world = World(cluster="demo", api=self.client(), aws=self.cloud.client, time=time, **given)
        return world.observed()

    def client(self) -> KubernetesApi:
        """A client of the API server. It streams what is watched: see `api_server.Watch`."""
        return KubernetesApi(
            "https://cluster.example",
            None,
            transport=httpx.MockTransport(self.api),
            patience=Patience(attempts=3),
            sleep=self.clock.sleep,
        )

    def restart(self) -> None:
        """What a process knew is gone."""
        self.process, self.locks = ProcessView(), ProcessLocks()

    def add_daemon_set(self, name: str, terms: list[Object], namespace: str = "kube-system") -> Object:
        affinity = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}
        return self.api.put(
            DAEMON_SETS,
            {
                "apiVersion": "apps/v1",
                "kind": "DaemonSet",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"template": {"metadata": {}, "spec": {"affinity": affinity, "containers": []}}},
                "status": {},
            },
        )

    def install_cilium(self, mode: str | None = "default") -> None:
        """As Helm does with the program's values: agents off the old nodes."""
        off = {"key": "cni-plugin", "operator": "NotIn", "values": ["aws"]}
        able = {"key": "eks.amazonaws.com/compute-type", "operator": "NotIn", "values": ["fargate"]}
        self.add_daemon_set("cilium", [{"matchExpressions": [able, off]}])
        data = {} if mode is None else {"enable-policy": mode}
        metadata = {"name": "cilium-config", "namespace": "kube-system"}
        self.api.put(CONFIG_MAPS, {"metadata": metadata, "data": data})

    def upgrade_cilium(self, mode: str | None) -> None:
        """As Helm does for a changed value: what its manifest states is written again, and agents restart.

        Its three-way merge leaves a key alone that neither its old nor its new manifest has.
        """
        configuration = self.api.find(CONFIG_MAPS, "kube-system", "cilium-config")
        assert configuration is not None
        if mode is not None:
            configuration["data"]["enable-policy"] = mode
        self.daemon_set("cilium")["metadata"]["generation"] += 1

    def bind_cilium(self) -> None:
        """As the program's values of a rollback do: agents on the nodes that are to go, and nowhere else."""
        on = {"key": "cni-plugin", "operator": "In", "values": ["cilium"]}
        affinity = self.daemon_set("cilium")["spec"]["template"]["spec"]["affinity"]
        affinity["nodeAffinity"][REQUIRED]["nodeSelectorTerms"] = [{"matchExpressions": [on]}]

    def deploy(
        self,
        name: str,
        replicas: int,
        namespace: str = "shop",
        pod: Object | None = None,
        strategy: Object | None = None,
        **budget: int | str,
    ) -> None:
        """A Deployment with its ReplicaSet, and a budget if one is given; waits until it runs.

        `pod` is the spec of its pods, `strategy` how it rolls out.
        """
        deployment = {
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "strategy": strategy or {"type": "RollingUpdate"},
                "selector": {"matchLabels": {"app": name}},
            },
            "status": {},
        }
        self.api.put(DEPLOYMENTS, deployment)
        replica_set = {
            "metadata": {
                "name": f"{name}-1",
                "namespace": namespace,
                "ownerReferences": [owner_of("Deployment", deployment)],
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": pod or {}},
            },
            "status": {},
        }
        self.api.put(REPLICA_SETS, replica_set)
        if budget:
            self._put_budget(name, name, namespace, budget)
        self.clock.sleep(START_SECONDS + 3)

    def add_budget(
        self,
        app: str,
        namespace: str = "shop",
        *,
        name: str = "",
        owner: list[Object] | None = None,
        **budget: int | str,
    ) -> None:
        self._put_budget(name or app, app, namespace, budget, owner)

    def _put_budget(
        self,
        name: str,
        app: str,
        namespace: str,
        limits: dict[str, int | str],
        owner: list[Object] | None = None,
    ) -> None:
        spec = {"selector": {"matchLabels": {"app": app}}, **limits}
        metadata: Object = {"name": name, "namespace": namespace}
        if owner:
            metadata["ownerReferences"] = owner
        self.api.put(BUDGETS, {"metadata": metadata, "spec": spec, "status": {"expectedPods": 0}})
        self.count_budgets()

    def deploy_stateful(self, name: str, replicas: int, namespace: str = "shop") -> None:
        """A StatefulSet without a budget; waits until it runs."""
        template = {"metadata": {"labels": {"app": name}}, "spec": {}}
        spec = {"replicas": replicas, "template": template, "updateStrategy": {"type": "OnDelete"}}
        metadata = {"name": name, "namespace": namespace}
        self.api.put(STATEFUL_SETS, {"metadata": metadata, "spec": spec, "status": {}})
        self.clock.sleep(START_SECONDS + 3)

    def run(self, name: str, node: str, namespace: str = "shop", **more: Any) -> Object:
        """A single pod on a node."""
        metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
        ready = {"type": "Ready", "status": "True"}
        return self.api.put(
            PODS,
            {
                "metadata": metadata,
                "spec": {"nodeName": node, "containers": [], **more.pop("spec", {})},
                "status": {"phase": more.pop("phase", "Running"), "conditions": [ready]},
            },
        )

    def add_fargate_node(self, name: str = "fargate-ip-10-0-9-1") -> Object:
        """The node that comes with a pod on Fargate: no DaemonSet of a CNI runs there."""
        taint = {"key": "eks.amazonaws.com/compute-type", "value": "fargate", "effect": "NoSchedule"}
        return self.api.put(
            NODES,
            {
                "metadata": {
                    "name": name,
                    "labels": {"kubernetes.io/os": "linux", "eks.amazonaws.com/compute-type": "fargate"},
                },
                "spec": {"providerID": f"aws:///a/0f2-ab/{name}", "taints": [taint]},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            },
        )

    def daemon_set(self, name: str) -> Object:
        found = self.api.find(DAEMON_SETS, "kube-system", name)
        assert found is not None
        return found

    def _add_rights(self) -> None:
        """What else aws-node consists of."""
        rights = "/apis/rbac.authorization.k8s.io/v1"
        for kind, collection, namespace, name in (
            ("ConfigMap", CONFIG_MAPS, "kube-system", "amazon-vpc-cni"),
            ("ServiceAccount", "/api/v1/serviceaccounts", "kube-system", "aws-node"),
            ("ClusterRole", f"{rights}/clusterroles", "", "aws-node"),
            ("ClusterRoleBinding", f"{rights}/clusterrolebindings", "", "aws-node"),
        ):
            metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
            self.api.put(collection, {"kind": kind, "metadata": metadata})

    def _install_add_on(self, add_on: dict[str, Any] | None) -> None:
        """What EKS does in the cluster when the add-on changes."""
        found = self.api.find(DAEMON_SETS, "kube-system", "aws-node")
        if add_on is None:
            if found is not None:
                self.api.remove(DAEMON_SETS, found)
            return
        daemon_set = found or self.add_daemon_set("aws-node", STOCK_TERMS)
        values = yaml.safe_load(add_on.get("configurationValues") or "{}")
        stock = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": STOCK_TERMS}}}
        daemon_set["spec"]["template"]["spec"]["affinity"] = values.get("affinity", stock)
        daemon_set["metadata"]["generation"] += 1
