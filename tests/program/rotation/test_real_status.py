"""The rights that `eks-cilium status` and `eks-cilium stop` need, judged by a real API server."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.errors import RefusedError
from eks_cilium.migration.control import progress, status, stop
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.migration.inventory.model import Inventory
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.lease import Holder, Lease
from eks_cilium.runtime.record import NODES, Record
from eks_cilium.settings.model.migration import Target

from .live import Live

pytestmark = pytest.mark.control_plane

NAMES = ["eks-cilium-migration"]
READ_NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
READ_RECORD = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": NAMES, "verbs": ["get"]}
READ_LEASE = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "resourceNames": NAMES,
    "verbs": ["get"],
}
CHANGE_RECORD = {**READ_RECORD, "verbs": ["patch"]}
CREATE_RECORD = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ASKED = StopRequest("ann@laptop", "2026-01-01T00:00:00+00:00")

As = Callable[..., AbstractContextManager[KubernetesApi]]


@pytest.fixture
def identity(live: Live, tmp_path: Path) -> As:
    """The API as a service account with these rules has it: of the cluster, and of kube-system."""

    def make(
        name: str, *, cluster: list[Any], kube_system: list[Any]
    ) -> AbstractContextManager[KubernetesApi]:
        accounts = "/api/v1/namespaces/kube-system/serviceaccounts"
        live.api.create(accounts, {"metadata": {"name": name}})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
        for kind, path, rules in (
            ("ClusterRole", RBAC, cluster),
            ("Role", f"{RBAC}/namespaces/kube-system", kube_system),
        ):
            metadata = {"metadata": {"name": name}}
            reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
            live.api.create(f"{path}/{kind.lower()}s", {**metadata, "rules": rules})
            binding = {**metadata, "roleRef": reference, "subjects": [subject]}
            live.api.create(f"{path}/{kind.lower()}bindings", binding)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = live.api.create(f"{accounts}/{name}/token", request)["status"]["token"]
        config = yaml.safe_load(Path(live.plane.admin_kubeconfig).read_text(encoding="utf-8"))
        for user in config["users"]:
            user["user"] = {"token": token}
        file = tmp_path / name
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        return api_of(file)

    return make


def test_status_needs_to_list_nodes_and_to_get_two_objects(live: Live, identity: As):
    world = live.world()
    Record(live.api).delete()
    nodes = tuple(live.node(index) for index in range(3))
    Record(live.api).put(NODES, Inventory(Target.CILIUM, "2026-01-01T00:00:00+00:00", nodes).to_json())
    progress.enter(world, live.node(0).name, progress.DRAIN)
    Lease(live.api, Holder("ann@laptop, process 7", "boot/7/1"), Time()).acquire()

    with identity("reader", cluster=[READ_NODES], kube_system=[READ_RECORD, READ_LEASE]) as api:
        found = status.read("rotation", api, Time().now())
        with pytest.raises(RefusedError, match="403"):
            stop.request(api, ASKED)

    assert found.standing is not None
    assert (found.standing.nodes, found.standing.left) == (3, 2)
    assert [each.phase for each in found.standing.in_work] == ["drain"]
    assert found.run is not None
    assert found.run.holder == "ann@laptop, process 7"
    assert not found.run.is_expired


def test_stop_needs_to_patch_the_record_and_to_create_it_where_there_is_none(live: Live, identity: As):
    Record(live.api).delete()
    rules = [READ_RECORD, READ_LEASE, CHANGE_RECORD, CREATE_RECORD]

    with identity("stopper", cluster=[], kube_system=rules) as api:
        stop.request(api, ASKED)
        assert stop.requested(api) == ASKED
        Record(live.api).put("inventory", {"kept": True})
        stop.request(api, ASKED)
        assert stop.withdraw(api) == ASKED

    assert Record(live.api).get("inventory") == {"kept": True}
    assert stop.requested(live.api) is None
