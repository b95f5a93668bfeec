"""Controllers of kinds that no program knows: CloneSet, StrimziPodSet, the Cluster of CloudNativePG.

The API server offers their resources by discovery, and the scale subresource where the kind has one. Their
controller recreates pods until `works` is False, as when an operator is broken or its webhook is away.
"""

import itertools

import httpx

from .api_server import Object
from .controllers import PODS
from .world import Simulation


class CustomKind:
    """One kind and its controller."""

    def __init__(
        self,
        simulation: Simulation,
        kind: str = "CloneSet",
        version: str = "apps.kruise.io/v1alpha1",
        *,
        replicas: str = "replicas",
        scalable: bool = True,
    ) -> None:
        """`replicas` is the field of its spec that holds the number of pods, or with `pods` the pods."""
        self.simulation, self.kind, self.version = simulation, kind, version
        self.plural, self.replicas = f"{kind.lower()}s", replicas
        self._scalable = scalable
        self.collection = f"/apis/{version}/{self.plural}"
        self.works = True
        self._names = itertools.count()
        simulation.controllers.append(self._act)
        simulation.api.answers.append(self._answer)

    def deploy(self, name: str, replicas: int, namespace: str = "shop", **pod: object) -> Object:
        """An object of this kind with so many pods; waits until they run. `pod` is their spec."""
        obj = self.simulation.api.put(
            self.collection,
            {
                "apiVersion": self.version,
                "kind": self.kind,
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"template": pod},
            },
        )
        self.scale(obj, replicas)
        self.simulation.clock.sleep(5)
        return obj

    def scale(self, owner: Object, replicas: int) -> None:
        owner["spec"][self.replicas] = [{}] * replicas if self.replicas == "pods" else replicas

    def _wanted(self, owner: Object) -> int:
        wanted = owner["spec"][self.replicas]
        return len(wanted) if isinstance(wanted, list) else int(wanted)

    def pods(self, owner: Object) -> list[Object]:
        return [
            pod
            for pod in self.simulation.api.of(PODS, owner["metadata"]["namespace"])
            if any(
                each.get("uid") == owner["metadata"]["uid"]
                for each in pod["metadata"].get("ownerReferences", ())
            )
        ]

    def _act(self) -> None:
        for owner in self.simulation.api.of(self.collection):
            alive = [pod for pod in self.pods(owner) if not pod["metadata"].get("deletionTimestamp")]
            missing = self._wanted(owner) - len(alive)
            for _ in range(missing if self.works else 0):
                self._create(owner)
            for pod in alive[: max(-missing, 0)]:
                self.simulation.api.terminate(pod)

    def _create(self, owner: Object) -> None:
        metadata = owner["metadata"]
        reference = {
            "apiVersion": self.version,
            "kind": self.kind,
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
        }
        self.simulation.api.put(
            PODS,
            {
                "metadata": {
                    "name": f"{metadata['name']}-{next(self._names)}",
                    "namespace": metadata["namespace"],
                    "labels": {"app": metadata["name"]},
                    "ownerReferences": [reference],
                },
                "spec": {"containers": [], **owner["spec"]["template"]},
                "status": {"phase": "Pending"},
            },
        )

    def _answer(self, request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path == f"/apis/{self.version}":
            named = [self.plural, f"{self.plural}/status"]
            kinds = [{"name": name, "kind": self.kind} for name in named]
            scale = [{"name": f"{self.plural}/scale", "kind": "Scale"}] if self._scalable else []
            return httpx.Response(200, json={"resources": [*kinds, *scale]})
        for owner in self.simulation.api.of(self.collection):
            metadata = owner["metadata"]
            scale = f"/namespaces/{metadata['namespace']}/{self.plural}/{metadata['name']}/scale"
            if path == f"/apis/{self.version}{scale}":
                return httpx.Response(200, json={"spec": {"replicas": self._wanted(owner)}})
        return None
