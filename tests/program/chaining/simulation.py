"""The simulated cluster with Cilium chained to the VPC CNI, and with roll-outs of Deployments."""

from collections.abc import Callable
from typing import Any

from eks_cilium.cluster.objects import Reference
from eks_cilium.migration.options import Limits
from eks_cilium.migration.refresh.restarting import RESTARTED_ANNOTATION
from eks_cilium.migration.run import RefreshRun
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import AllowRefresh, RefreshOptions
from tests.program.rotation.simulation.api_server import Object, is_ready
from tests.program.rotation.simulation.controllers import (
    DEPLOYMENTS,
    ENDPOINTS,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    owner_of,
)
from tests.program.rotation.simulation.world import CONFIG_MAPS, Simulation

QUICK = Limits(roll_out=60, poll_interval=1)


def options(allow: dict[str, Any] | None = None, **chosen: Any) -> RefreshOptions:
    """Options that may be out of the bounds of the configuration."""
    given = {"health_timeout_seconds": 60, "allow": AllowRefresh(**(allow or {})), **chosen}
    return RefreshOptions().model_copy(update=given)


def run(
    world: World, given: RefreshOptions | None = None, report: Callable[[str], None] = lambda _: None
) -> RefreshRun:
    return RefreshRun(world, given or options(), report, QUICK)


def deployment(name: str, namespace: str = "shop") -> Reference:
    return Reference("Deployment", namespace, name)


class ChainedSimulation(Simulation):
    """A cluster on the VPC CNI to which Cilium is chained later."""

    def __init__(self, **groups: int) -> None:
        self.chained_at: float | None = None
        self.broken: set[str] = set()
        """Apps whose new pods never become ready."""
        super().__init__(**groups)

    def chain(self) -> None:
        """Install Cilium, as Helm does with the program's values."""
        self.add_daemon_set("cilium", [{"matchExpressions": []}])
        metadata = {"name": "cilium-config", "namespace": "kube-system"}
        data = {"enable-policy": "default", "cni-chaining-mode": "aws-cni", "ipam": "cluster-pool"}
        self.api.put(CONFIG_MAPS, {"metadata": metadata, "data": data})
        self.chained_at = self.clock.seconds
        self.clock.sleep(5)

    def roll_out_of(
        self, name: str, replicas: int, *, namespace: str = "shop", missing: int | str = "25%", **budget: Any
    ) -> Object:
        """A Deployment with a strategy, which the simulation rolls out when its template changes."""
        self.deploy(name, replicas, namespace, **budget)
        found = self.api.find(DEPLOYMENTS, namespace, name)
        assert found is not None
        rolling = {"maxUnavailable": missing, "maxSurge": "25%"}
        found["spec"] |= {
            "selector": {"matchLabels": {"app": name}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"metadata": {"labels": {"app": name}}},
        }
        return found

    def stateful(self, name: str, replicas: int, **spec: Any) -> None:
        template = {"metadata": {"labels": {"app": name}}, "spec": spec}
        self.api.put(
            STATEFUL_SETS,
            {
                "metadata": {"name": name, "namespace": "shop"},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "updateStrategy": {"type": "RollingUpdate"},
                    "template": template,
                },
                "status": {},
            },
        )
        self.clock.sleep(5)

    def uids(self, app: str) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods_of(app)}

    def pods_of(self, app: str) -> list[Object]:
        return [pod for pod in self.api.of(PODS) if (pod["metadata"].get("labels") or {}).get("app") == app]

    def evicted(self) -> list[str]:
        return [uid for _, uid, status in self.api.evictions if status == 201]

    def tick(self) -> None:
        for found in self.api.of(DEPLOYMENTS):
            if "template" in found["spec"]:
                self._roll(found)
        super().tick()

    def _roll(self, found: Object) -> None:
        """Create one new pod, and delete one old pod once the new one is ready."""
        name, namespace = found["metadata"]["name"], found["metadata"]["namespace"]
        sets = [
            replica_set for replica_set in self.api.of(REPLICA_SETS, namespace) if _is_of(replica_set, found)
        ]
        wanted, version = found["spec"]["replicas"], _version(found)
        new = next((replica_set for replica_set in sets if replica_set.get("version", "") == version), None)
        if new is None:
            new = self.api.put(
                REPLICA_SETS,
                {
                    "version": version,
                    "metadata": {
                        "name": f"{name}-{len(sets) + 1}",
                        "namespace": namespace,
                        "ownerReferences": [owner_of("Deployment", found)],
                    },
                    "spec": {**sets[0]["spec"], "replicas": 0},
                    "status": {},
                },
            )
        for old in (
            replica_set for replica_set in sets if replica_set is not new and replica_set["spec"]["replicas"]
        ):
            if (
                new["spec"]["replicas"] + old["spec"]["replicas"] <= wanted
                and self._ready(new) == new["spec"]["replicas"]
            ):
                new["spec"]["replicas"] += 1
            elif self._ready(new) == new["spec"]["replicas"]:
                old["spec"]["replicas"] -= 1
                self.api.terminate(
                    next(pod for pod in self._pods(old) if "deletionTimestamp" not in pod["metadata"])
                )

    def _count(self) -> None:
        super()._count()
        for stateful_set in self.api.of(STATEFUL_SETS):
            stateful_set["status"] = {
                "readyReplicas": sum(map(is_ready, self.pods_of(stateful_set["metadata"]["name"])))
            }
        for found in self.api.of(DEPLOYMENTS):
            sets = [replica_set for replica_set in self.api.of(REPLICA_SETS) if _is_of(replica_set, found)]
            version = _version(found)
            new = next(
                (replica_set for replica_set in sets if replica_set.get("version", "") == version), sets[0]
            )
            ready = sum(map(self._ready, sets))
            available = str(ready >= found["spec"]["replicas"])
            found["status"] = {
                "conditions": [{"type": "Available", "status": available}],
                "observedGeneration": found["metadata"]["generation"],
                "replicas": sum(len(self._pods(replica_set)) for replica_set in sets),
                "updatedReplicas": len(self._pods(new)),
                "readyReplicas": ready,
            }

    def _pods(self, replica_set: Object) -> list[Object]:
        name, namespace = replica_set["metadata"]["name"], replica_set["metadata"]["namespace"]
        return [
            pod
            for pod in self.api.of(PODS, namespace)
            if (pod["metadata"].get("ownerReferences") or [{}])[0].get("name") == name
        ]

    def _ready(self, replica_set: Object) -> int:
        pods = self._pods(replica_set)
        return sum(is_ready(pod) and "deletionTimestamp" not in pod["metadata"] for pod in pods)

    def _start_pods(self) -> None:
        super()._start_pods()
        for pod in self.api.of(PODS):
            broken = (pod["metadata"].get("labels") or {}).get("app") in self.broken
            if broken and self.chained_at is not None and pod["boundAt"] > self.chained_at:
                pod["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}

    def _give_endpoints(self, node: str) -> None:
        """Only pods created after Cilium get an endpoint, which has its pod as owner."""
        if self.chained_at is None:
            super()._give_endpoints(node)
            return
        for pod in self.pods_on(node):
            metadata = pod["metadata"]
            key = (metadata["namespace"], metadata["name"])
            came_after = pod.get("boundAt", 0.0) > self.chained_at
            found = self.api.find(ENDPOINTS, *key)
            if found is not None and found["metadata"]["ownerReferences"][0]["uid"] != metadata["uid"]:
                self.api.remove(ENDPOINTS, found)
                found = None
            if came_after and not pod["spec"].get("hostNetwork") and found is None:
                owner = {"kind": "Pod", "name": key[1], "uid": metadata["uid"]}
                self.api.put(
                    ENDPOINTS,
                    {"metadata": {"namespace": key[0], "name": key[1], "ownerReferences": [owner]}},
                )


def _is_of(replica_set: Object, found: Object) -> bool:
    above = replica_set["metadata"]["ownerReferences"][0]
    return bool(
        above["name"] == found["metadata"]["name"]
        and replica_set["metadata"]["namespace"] == found["metadata"]["namespace"]
    )


def _version(found: Object) -> str:
    """When the template of a Deployment was changed for a refresh; its ReplicaSets have it as well."""
    metadata = found["spec"].get("template", {}).get("metadata", {})
    return str(metadata.get("annotations", {}).get(RESTARTED_ANNOTATION, ""))
