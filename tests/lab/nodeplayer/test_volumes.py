"""Volumes of the EBS driver between two nodes: created, attached, detached and attached again.

What belongs where is decided by the real scheduler and volume controllers; only the driver is simulated.
"""

import pytest

from .conftest import SimulatedCluster, eventually
from .objects import ON_HOST, aws_node, node, pod, workload

pytestmark = pytest.mark.control_plane

CLAIM = "/api/v1/namespaces/default/persistentvolumeclaims/disk"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
EVERYTHING = {
    "/apis/storage.k8s.io/v1/storageclasses": {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "gp3"},
        "provisioner": "ebs.csi.aws.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    },
    "/apis/storage.k8s.io/v1/csidrivers": {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": "ebs.csi.aws.com"},
        "spec": {"attachRequired": True},
    },
    "/api/v1/namespaces/default/persistentvolumeclaims": {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "gp3",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    },
}


@pytest.fixture(scope="module")
def world(simulated: SimulatedCluster) -> SimulatedCluster:
    """Two nodes of a zone with the VPC CNI and the EBS driver, and a claim that no pod has used yet."""
    nodes = [node(number) for number in (1, 2)]
    for each in nodes:
        each["metadata"]["annotations"] = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    driver = {"app": "ebs-csi-controller"}
    simulated.api.create(
        *nodes,
        aws_node(),
        workload("DaemonSet", "ebs-csi-node", {"app": "ebs-csi-node"}, "kube-system", **ON_HOST),
        workload("Deployment", "ebs-csi-controller", driver, "kube-system", replicas=1, **ON_HOST),
    )
    for path, body in EVERYTHING.items():
        simulated.api.post(path, body)
    # Without its service account, which a controller creates, no pod is admitted to a namespace.
    eventually(lambda: simulated.api.find("/api/v1/namespaces/default/serviceaccounts/default"))
    return simulated


def with_disk(name: str, where: str) -> dict:
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]
    manifest = pod(name, volumes=volumes, nodeSelector={"kubernetes.io/hostname": where})
    manifest["spec"]["containers"][0]["volumeMounts"] = [{"name": "disk", "mountPath": "/data"}]
    return manifest


def attached(simulated: SimulatedCluster) -> dict[str, bool]:
    """The node that the only volume is attached to, or is being attached to."""
    return {
        attachment["spec"]["nodeName"]: attachment.get("status", {}).get("attached", False)
        for attachment in simulated.api.items(ATTACHMENTS)
    }


def runs(simulated: SimulatedCluster, name: str) -> bool:
    found = simulated.api.pod(name)
    return found is not None and found["status"]["phase"] == "Running"


def test_a_volume_is_created_in_the_zone_of_its_first_pod(world: SimulatedCluster) -> None:
    first = node(1)["metadata"]["name"]
    world.api.create(with_disk("first", first))
    eventually(lambda: runs(world, "first"))

    claim = world.api.get(CLAIM)
    volume = world.api.get(f"/api/v1/persistentvolumes/{claim['spec']['volumeName']}")
    term = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]
    assert (term["key"], term["values"]) == ("topology.kubernetes.io/zone", ["us-east-1a"])
    assert attached(world) == {first: True}
    assert len(world.api.node(first)["status"]["volumesInUse"]) == 1


def test_the_next_pod_starts_only_when_the_volume_has_left_the_first_node(world: SimulatedCluster) -> None:
    first, second = (node(number)["metadata"]["name"] for number in (1, 2))
    world.api.create(with_disk("second", second))
    eventually(lambda: (found := world.api.pod("second")) and found["spec"].get("nodeName") == second)
    assert world.api.pod("second")["status"]["phase"] == "Pending"

    world.api.delete("/api/v1/namespaces/default/pods/first", grace=1)
    eventually(lambda: runs(world, "second"))

    assert attached(world) == {second: True}
    assert "volumesInUse" not in world.api.node(first)["status"]


def test_a_volume_without_a_claim_is_deleted(world: SimulatedCluster) -> None:
    name = world.api.get(CLAIM)["spec"]["volumeName"]
    world.api.delete("/api/v1/namespaces/default/pods/second", grace=1)
    world.api.delete(CLAIM)

    eventually(lambda: world.api.find(f"/api/v1/persistentvolumes/{name}") is None)
    assert attached(world) == {}
