"""Volumes of a CSI driver: claims, the attach/detach controller, and what a node's status says of them.

As in Kubernetes, a volume leaves its node's status when its detach begins, and its VolumeAttachment is
deleted when the detach is over. A volume in use is never detached.
"""

import hashlib

from .api_server import Object
from .controllers import NODES, PODS
from .scheduler import CLAIMS, VOLUMES
from .world import Simulation

ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
DRIVER = "ebs.csi.aws.com"
DETACH_SECONDS = 4
ZONE = "topology.kubernetes.io/zone"


class Disks:
    """All volumes of a simulated cluster."""

    def __init__(self, simulation: Simulation, *, detach_seconds: float = DETACH_SECONDS) -> None:
        self._simulation, self._api = simulation, simulation.api
        self.detach_seconds = detach_seconds
        self._detaching: dict[str, float] = {}
        self.listed = 0
        """How often all attachments of the cluster were listed."""
        simulation.controllers.append(self._act)
        simulation.api.answers.append(self._count)

    def create(self, name: str, *, zone: str = "", namespace: str = "shop") -> Object:
        """A bound volume; returns the volume of a pod that uses it."""
        required = {"nodeSelectorTerms": [{"matchExpressions": [_in(ZONE, zone)]}]}
        self._api.put(
            VOLUMES,
            {
                "metadata": {"name": f"pv-{name}"},
                "spec": {
                    "csi": {"driver": DRIVER, "volumeHandle": f"vol-{name}"},
                    "claimRef": {"namespace": namespace, "name": name},
                    **({"nodeAffinity": {"required": required}} if zone else {}),
                },
            },
        )
        self._api.put(
            CLAIMS,
            {"metadata": {"name": name, "namespace": namespace}, "spec": {"volumeName": f"pv-{name}"}},
        )
        return {"name": name, "persistentVolumeClaim": {"claimName": name}}

    def attached(self, node: str) -> list[str]:
        """The volumes that are attached to a node."""
        return [
            each["spec"]["source"]["persistentVolumeName"]
            for each in self._api.of(ATTACHMENTS)
            if each["spec"]["nodeName"] == node
        ]

    def _act(self) -> None:
        wanted = {
            (volume, pod["spec"]["nodeName"])
            for pod in self._api.of(PODS)
            if pod["spec"].get("nodeName")
            for volume in self._volumes(pod)
        }
        for volume, node in wanted:
            self._attach(volume, node)
        for attachment in self._api.of(ATTACHMENTS):
            spec = attachment["spec"]
            if (spec["source"]["persistentVolumeName"], spec["nodeName"]) not in wanted:
                self._detach(attachment)

    def _attach(self, volume: str, node: str) -> None:
        name = _attachment(volume, node)
        if self._api.find(ATTACHMENTS, "", name) is None:
            spec = {"attacher": DRIVER, "nodeName": node, "source": {"persistentVolumeName": volume}}
            self._api.put(ATTACHMENTS, {"metadata": {"name": name}, "spec": spec})
            self._list(node, volume, add=True)

    def _detach(self, attachment: Object) -> None:
        name, spec = attachment["metadata"]["name"], attachment["spec"]
        since = self._detaching.setdefault(name, self._simulation.clock.seconds)
        self._list(spec["nodeName"], spec["source"]["persistentVolumeName"], add=False)
        if self._simulation.clock.seconds - since >= self.detach_seconds:
            del self._detaching[name]
            self._api.remove(ATTACHMENTS, attachment)

    def _list(self, node_name: str, volume: str, *, add: bool) -> None:
        node = self._api.find(NODES, "", node_name)
        if node is None:
            return
        name = f"kubernetes.io/csi/{DRIVER}^{_handle(volume)}"
        listed = [each for each in node["status"].get("volumesAttached", []) if each["name"] != name]
        node["status"]["volumesAttached"] = [*listed, *([{"name": name}] if add else [])]

    def _volumes(self, pod: Object) -> list[str]:
        claims = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ()]
        return [f"pv-{claim['claimName']}" for claim in claims if claim]

    def _count(self, request: object) -> None:
        self.listed += str(getattr(request, "url", "")).partition("?")[0].endswith(ATTACHMENTS)


def _handle(volume: str) -> str:
    return volume.replace("pv-", "vol-", 1)


def _attachment(volume: str, node: str) -> str:
    return f"csi-{hashlib.sha256(f'{_handle(volume)}{DRIVER}{node}'.encode()).hexdigest()}"


def _in(key: str, value: str) -> Object:
    return {"key": key, "operator": "In", "values": [value]}
