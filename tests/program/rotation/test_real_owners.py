"""Owners, Pending pods and volume attachments as a real API server, scheduler and controllers show them."""

from typing import Any

import pytest

from eks_cilium.migration.inventory import marks
from eks_cilium.migration.replicas import custom_owners
from eks_cilium.migration.replicas.custom_owners import CustomOwner, Wanted
from eks_cilium.migration.rotation import pending, volumes
from tests.lab.nodeplayer import objects

from .live import Live, eventually, objects_path

pytestmark = [pytest.mark.control_plane, pytest.mark.usefixtures("own_namespace")]

GROUP, VERSION = "clones.example.com", "v1"
_ATTACHED_BY_CONTROLLER = "volumes.kubernetes.io/controller-managed-attach-detach"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(kind: str, *, scalable: bool) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    scale = {"specReplicasPath": ".spec.instances", "statusReplicasPath": ".status.instances"}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}, **({"scale": scale} if scalable else {})},
    }
    return {
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [version],
        },
    }


def created(live: Live, kind: str, spec: dict[str, Any], *, scalable: bool) -> CustomOwner:
    """An object of a kind of its own, as the ownerReferences of its pods would name it."""
    live.api.create(DEFINITIONS, definition(kind, scalable=scalable))
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{live.namespace}/{kind.lower()}s"

    def is_served() -> bool:
        listed = (live.api.get(f"/apis/{GROUP}/{VERSION}") or {}).get("resources") or ()
        return any(each["kind"] == kind for each in listed)

    eventually(is_served)
    body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": "one"}, "spec": spec}
    obj = live.api.create(path, body)
    return CustomOwner(f"{GROUP}/{VERSION}", kind, live.namespace, "one", obj["metadata"]["uid"])


def test_the_scale_subresource_says_how_many_pods_a_custom_kind_wants(live: Live) -> None:
    owner = created(live, "Clone", {"instances": 5}, scalable=True)

    assert custom_owners.wanted(live.api, owner) == Wanted(exists=True, pods=5)
    live.api.delete(f"/apis/{GROUP}/{VERSION}/namespaces/{live.namespace}/clones/one")
    assert custom_owners.wanted(live.api, owner) == Wanted(exists=False)


def test_a_kind_that_lists_its_pods_wants_as_many(live: Live) -> None:
    owner = created(live, "PodSet", {"pods": [{}, {}, {}]}, scalable=False)

    assert custom_owners.wanted(live.api, owner) == Wanted(exists=True, pods=3)


def test_a_kind_that_says_nothing_exists_all_the_same(live: Live) -> None:
    owner = created(live, "Silent", {}, scalable=False)

    assert custom_owners.wanted(live.api, owner) == Wanted(exists=True, pods=None)


def test_the_scheduler_says_why_a_pod_has_no_node(live: Live) -> None:
    body = objects.workload("Deployment", "picky", {"app": "picky"}, live.namespace, replicas=1)
    body["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "fast"}
    live.api.create(objects_path("Deployment", live.namespace), body)

    eventually(lambda: pending.read(live.world()))

    [pod] = pending.read(live.world())
    assert pod.obj["metadata"]["namespace"] == live.namespace
    assert "didn't match Pod's node affinity/selector" in pod.message
    assert pod.since is not None


def test_the_names_of_attachments_follow_from_the_status_of_the_node(live: Live) -> None:
    for index in range(3):  # as a kubelet does
        marks.annotate(live.api, live.node_object(index), {_ATTACHED_BY_CONTROLLER: "true"})
    for kind, name, more in (
        ("Deployment", "ebs-csi-controller", {"replicas": 1}),
        ("DaemonSet", "ebs-csi-node", {}),
    ):
        driver = objects.workload(kind, name, {"app": name}, live.namespace, **more)
        live.api.create(objects_path(kind, live.namespace), driver)
    claim = {"claimRef": {"namespace": live.namespace, "name": "data"}}
    source = {"csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0a1b"}}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    live.api.create(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": f"pv-{live.namespace}"},
            "spec": {**common, **claim, **source, "capacity": {"storage": "1Gi"}},
        },
    )
    resources = {"requests": {"storage": "1Gi"}}
    live.api.create(
        f"/api/v1/namespaces/{live.namespace}/persistentvolumeclaims",
        {
            "metadata": {"name": "data"},
            "spec": {**common, "volumeName": f"pv-{live.namespace}", "resources": resources},
        },
    )
    body = objects.workload("Deployment", "db", {"app": "db"}, live.namespace, replicas=1)
    body["spec"]["template"]["spec"]["volumes"] = [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    ]
    live.api.create(objects_path("Deployment", live.namespace), body)

    def attachments() -> list[str]:
        listed = live.api.list("/apis/storage.k8s.io/v1/volumeattachments")
        return [each["metadata"]["name"] for each in listed]

    nodes = [live.node(index) for index in range(3)]
    eventually(attachments)

    assert [name for node in nodes for name in volumes.attached(live.world(), node)] == attachments()
