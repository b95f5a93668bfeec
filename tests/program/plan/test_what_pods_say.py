"""Owners of every API group, durations as Go writes them, labels that name nodes, and mounts of scratch."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eks_cilium.cluster.objects import Reference, controller, group_of, same
from eks_cilium.migration.facts.volumes.local_data import empty_dirs, host_paths
from eks_cilium.migration.facts.volumes.storage import is_of_one_node
from eks_cilium.migration.plan.pods.requests import seconds_of

pytestmark = pytest.mark.unit

UNITS = {"h": 3600, "m": 60, "s": 1}


@pytest.mark.parametrize(
    ("kind", "version", "group"),
    [
        ("DaemonSet", "apps/v1", ""),
        ("Deployment", "extensions/v1beta1", ""),
        ("ReplicationController", "v1", ""),
        ("Job", "batch/v1", ""),
        ("DaemonSet", "apps.kruise.io/v1alpha1", "apps.kruise.io"),
        ("Job", "batch.volcano.sh/v1alpha1", "batch.volcano.sh"),
        ("Cluster", "postgresql.cnpg.io/v1", "postgresql.cnpg.io"),
    ],
)
def test_kinds_of_kubernetes_itself_have_no_group(kind: str, version: str, group: str):
    owner = {"kind": kind, "apiVersion": version, "name": "x", "controller": True}
    pod = {"metadata": {"namespace": "shop", "ownerReferences": [owner]}}

    assert group_of(kind, version) == group
    assert controller(pod) == Reference(kind, "shop", "x", group)


def test_a_reference_is_printed_with_its_group_where_kubernetes_has_such_a_kind():
    assert str(Reference("DaemonSet", "a", "b")) == "DaemonSet a/b"
    assert str(Reference("DaemonSet", "a", "b", "apps.kruise.io")) == "DaemonSet.apps.kruise.io a/b"
    assert str(Reference("CloneSet", "a", "b", "apps.kruise.io")) == "CloneSet a/b"


@pytest.mark.parametrize("kind", ["CloneSet", "DaemonSet"])
def test_a_record_without_a_group_is_of_a_kind_that_only_others_have(kind: str):
    found = Reference(kind, "a", "b", "apps.kruise.io")

    assert same(found, found)
    assert same(Reference(kind, "a", "b"), found) is (kind == "CloneSet")
    assert not same(Reference(kind, "a", "b", "other.io"), found)


@given(some.lists(some.tuples(some.integers(0, 500), some.sampled_from("hms")), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]):
    written = "".join(f"{number}{unit}" for number, unit in parts)

    assert seconds_of(written) == pytest.approx(sum(number * UNITS[unit] for number, unit in parts))


@pytest.mark.parametrize(
    ("written", "seconds"), [("1.5h", 5400), (".5m", 30), ("100ms", 0.1), ("1h0.5s", 3600.5)]
)
def test_parts_of_a_duration_may_be_fractions(written: str, seconds: float):
    assert seconds_of(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["", "true", "yes", "1d", "5", "h", "-5m", "5 m", "5m "])
def test_what_go_reads_as_no_duration_is_none(written: str):
    assert seconds_of(written) is None


@pytest.mark.parametrize(
    "key",
    [
        *("kubernetes.io/hostname", "topology.topolvm.io/node", "topology.topolvm.cybozu.com/node"),
        *("topology.hostpath.csi/node", "openebs.io/nodename", "openebs.io/nodeid", "linbit.com/hostname"),
        *(
            "directpv.min.io/node",
            "topology.lvm.csi/node",
            "topology.example/node-name",
            "example.com/instance_id",
        ),
    ],
)
def test_labels_that_name_a_node_are_known_by_their_last_part(key: str):
    assert is_of_one_node(key)


@pytest.mark.parametrize(
    "key",
    [
        *("topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone", "node.kubernetes.io/instance-type"),
        *(
            "eks.amazonaws.com/nodegroup",
            "kubernetes.io/os",
            "karpenter.sh/nodepool",
            "team",
            "example.com/ghost",
        ),
    ],
)
def test_labels_of_many_nodes_do_not_name_one(key: str):
    assert not is_of_one_node(key)


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        *(("/tmp", False), ("/tmp/x", False), ("/run/app", False), ("/dev/shm", False), ("/data", True)),
        *(("/var/tmp", True), ("/tmpdata", True)),
    ],
)
def test_an_empty_dir_counts_by_where_it_is_mounted(path: str, counts: bool):
    spec = {
        "volumes": [{"name": "work", "emptyDir": {}}],
        "containers": [{"volumeMounts": [{"name": "work", "mountPath": path}]}],
    }

    assert empty_dirs(spec) == (("work",) if counts else ())


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        *(("/", False), ("/etc/ssl", False), ("/var/run/docker.sock", False), ("/var/log/pods", False)),
        *(("/srv", True), ("/var/lib/minio", True), ("/opt/data", True), ("/etcd", True)),
    ],
)
def test_a_host_path_counts_where_the_system_does_not_fill_it(path: str, counts: bool):
    assert host_paths({"volumes": [{"name": "v", "hostPath": {"path": path}}]}) == ((path,) if counts else ())
