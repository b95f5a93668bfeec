"""Operators of databases and storage as they treat evictions: they close and open budgets and move pods.

Each acts once in every second of the simulation. Sources: cloud-on-k8s pkg/controller/elasticsearch/pdb,
rook pkg/operator/ceph/disruption/clusterdisruption/osd.go, cloudnative-pg
internal/controller/cluster_controller.go (switchover from a cordoned node) and
pkg/specs/poddisruptionbudget.go, strimzi/drain-cleaner ValidatingWebhook.java.
"""

from collections.abc import Callable
from typing import Any

import httpx

from .api_server import Object, is_ready, status
from .controllers import BUDGETS, PODS
from .world import Simulation

ECK = ("elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "es")
CNPG = ("postgresql.cnpg.io/v1", "Cluster", "pg")
ROOK = ("ceph.rook.io/v1", "CephCluster", "rook-ceph")
STRIMZI = ("core.strimzi.io/v1beta2", "StrimziPodSet", "kafka")


def owned_by(owner: tuple[str, str, str]) -> list[Object]:
    version, kind, name = owner
    return [{"apiVersion": version, "kind": kind, "name": name, "uid": f"{kind}-{name}", "controller": True}]


class Operator:
    """Has its own budget, and acts in every second."""

    def __init__(self, simulation: Simulation, owner: tuple[str, str, str]) -> None:
        self.simulation, self.owner = simulation, owner
        simulation.controllers.append(self.act)

    def act(self) -> None:
        raise NotImplementedError

    def budget(self, name: str, app: str, **limits: int | str) -> Object:
        """Write its budget; a change is a new generation."""
        found = self.simulation.api.find(BUDGETS, "shop", name)
        if found is None:
            self.simulation.add_budget(app, name=name, owner=owned_by(self.owner), **limits)
        elif any(found["spec"].get(key) != value for key, value in limits.items()):
            found["spec"] = {"selector": found["spec"]["selector"], **limits}
            found["metadata"]["generation"] += 1
        result = self.simulation.api.find(BUDGETS, "shop", name)
        assert result is not None
        return result

    def pods(self, app: str) -> list[Object]:
        return [
            pod
            for pod in self.simulation.api.of(PODS, "shop")
            if pod["metadata"].get("labels", {}).get("app") == app
        ]


class Elastic(Operator):
    """One node may go while the cluster is green; none until its data is whole again after that."""

    def __init__(self, simulation: Simulation, app: str, size: int, *, whole_after: float) -> None:
        super().__init__(simulation, ECK)
        self._app, self._size, self._after = app, size, whole_after
        self._uids: set[str] = set()
        self._green_at = 0.0
        self.act()

    def act(self) -> None:
        ready = {pod["metadata"]["uid"] for pod in self.pods(self._app) if is_ready(pod)}
        clock = self.simulation.clock
        if ready != self._uids:
            self._green_at = clock.seconds + self._after if self._uids else clock.seconds
            self._uids = ready
        green = len(ready) == self._size and clock.seconds >= self._green_at
        self.budget(f"{self._app}-es-default", self._app, minAvailable=self._size - int(green))


class Blocker(Operator):
    """Rook: once a pod of one host is gone, budgets of the other hosts allow nothing until data is whole."""

    def __init__(self, simulation: Simulation, apps: tuple[str, ...], *, whole_after: float) -> None:
        super().__init__(simulation, ROOK)
        self._apps, self._after = apps, whole_after
        self._known = {app: self._alive(app) for app in apps}
        self._moved = ""
        self._whole_at = 0.0
        self.act()

    def _alive(self, app: str) -> set[str]:
        return {pod["metadata"]["uid"] for pod in self.pods(app) if is_ready(pod)}

    def act(self) -> None:
        now = self.simulation.clock.seconds
        for app in self._apps:
            alive = self._alive(app)
            if alive != self._known[app]:
                self._known[app], self._moved, self._whole_at = alive, app, now + self._after
        blocking = now < self._whole_at
        for app in self._apps:
            self.budget(f"osd-{app}", app, maxUnavailable=int(not (blocking and app != self._moved)))


class Primary(Operator):
    """CloudNativePG: the primary's budget never allows anything, but a cordon moves the primary elsewhere."""

    def __init__(self, simulation: Simulation, *, replica_on: str, primary_on: str, takes: float) -> None:
        super().__init__(simulation, CNPG)
        self._takes, self._due = takes, 0.0
        for name, role, node in (("pg-1", "primary", primary_on), ("pg-2", "replica", replica_on)):
            owners = owned_by(CNPG)
            labels = {"app": role, "cnpg.io/cluster": "pg"}
            simulation.run(name, node, metadata={"labels": labels, "ownerReferences": owners})
        self.budget("pg-primary", "primary", minAvailable=1)

    def act(self) -> None:
        (primary,) = self.pods("primary") or [None]
        replicas = [pod for pod in self.pods("replica") if is_ready(pod)]
        now = self.simulation.clock.seconds
        node = self.simulation.node(primary["spec"]["nodeName"]) if primary else None
        if primary is None or node is None or not node["spec"].get("unschedulable") or not replicas:
            self._due = 0.0
            return
        self._due = self._due or now + self._takes
        if now >= self._due:
            primary["metadata"]["labels"]["app"] = "replica"
            replicas[0]["metadata"]["labels"]["app"] = "primary"


class DrainCleaner(Operator):
    """Strimzi: its webhook denies the eviction, and the operator moves the pod some time later."""

    def __init__(self, simulation: Simulation, app: str, *, takes: float, code: int = 500) -> None:
        super().__init__(simulation, STRIMZI)
        self._app, self._takes, self._code = app, takes, code
        self._due: dict[str, float] = {}
        simulation.api.answers.append(self._admit)

    def _admit(self, request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/eviction"):
            return None
        name = request.url.path.split("/")[-2]
        pod = self.simulation.api.find(PODS, "shop", name)
        if pod is None or pod["metadata"].get("labels", {}).get("app") != self._app:
            return None
        self._due.setdefault(pod["metadata"]["uid"], self.simulation.clock.seconds + self._takes)
        words = "The pod will be rolled by the Strimzi Cluster Operator"
        webhook = 'admission webhook "strimzi-drain-cleaner.strimzi.io" denied the request'
        start = "Internal error occurred" if self._code == 500 else f'pods "{name}" is forbidden'
        return status(self._code, f"{start}: {webhook}: {words}")

    def act(self) -> None:
        for pod in self.pods(self._app):
            if self.simulation.clock.seconds >= self._due.get(pod["metadata"]["uid"], 1e9):
                self.simulation.api.terminate(pod)


def later(simulation: Simulation, seconds: float, do: Callable[[], Any]) -> None:
    """Something happens once, after so many seconds."""
    due = simulation.clock.seconds + seconds
    left = [do]

    def act() -> None:
        if left and simulation.clock.seconds >= due:
            left.pop()()

    simulation.controllers.append(act)
