"""What a preview of the mesh stack says of the pods that its policies put into default deny."""

import logging

import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.mesh.model import Member
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.verdict import Cluster, Pod, SelectorScope
from eks_cilium.policy.verdict.live import LiveCluster, Workload
from eks_cilium.settings.compiling import compiled_policies
from stacks import mesh, mesh_policies
from tests.program.components.recording import record
from tests.program.components.test_mesh_resources import FOUND, POLICIES, settings_of
from tests.program.mesh.members import member_of

pytestmark = pytest.mark.simulation

MEMBERS = (member_of(1), member_of(2))
EGRESS = "cluster-1: egress of my-client/client-0 (by my-client/client-to-server-egress); DNS stays allowed"
INGRESS = (
    "cluster-2: ingress of my-server/server-0 (by my-server/client-to-server-ingress, my-server/default-deny)"
)


class Clusters:
    """Two clusters with one pod each, and how often each was read."""

    def __init__(self, *policies: Policy) -> None:
        self._policies = policies
        self.read: list[str] = []

    def __call__(self, member: Member) -> LiveCluster:
        name = member.name
        self.read.append(name)
        word = {"cluster-1": "client", "cluster-2": "server"}[name]
        pod = Pod(name, f"my-{word}", {"app": f"my-{word}"}, has_identity=True)
        policies = tuple(policy for policy in self._policies if policy.cluster == name)
        cluster = Cluster(name, SelectorScope.OWN_CLUSTER, policies)
        return LiveCluster(cluster, (Workload(pod, (f"{word}-0",), ()),), 0)


def said(
    caplog: pytest.LogCaptureFixture, clusters: Clusters, *, preview: bool = True
) -> list[tuple[int, str]]:
    """Severity and text of every message about default deny."""
    caplog.set_level(logging.INFO)
    settings = settings_of(POLICIES)
    record(lambda: mesh_policies.compiled(settings, MEMBERS, clusters), preview=preview)
    return [
        (entry.levelno, entry.getMessage())
        for entry in caplog.records
        if "denied by default from" in entry.getMessage() or "named by labels" in entry.getMessage()
    ]


def test_a_preview_warns_of_the_pods_that_are_denied_by_default(caplog: pytest.LogCaptureFixture) -> None:
    ((level, text),) = said(caplog, Clusters())

    assert level == logging.WARNING
    assert text.splitlines()[1:] == [f"  {EGRESS}", f"  {INGRESS}"]


def test_a_preview_after_the_update_warns_of_nothing(caplog: pytest.LogCaptureFixture) -> None:
    existing = compiled_policies(
        settings_of(POLICIES), {"cluster-1": "1.19.7", "cluster-2": "1.19.7"}, lambda _: ""
    ).policies

    assert said(caplog, Clusters(*existing)) == []


def test_an_update_reads_no_pods(caplog: pytest.LogCaptureFixture) -> None:
    clusters = Clusters()

    assert said(caplog, clusters, preview=False) == []
    assert clusters.read == []


def test_a_cluster_whose_pods_may_not_be_read_is_described_by_labels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Refusing(Clusters):
        def __call__(self, member: Member) -> LiveCluster:
            if member.name == "cluster-1":
                raise RefusedError("pods is forbidden", status=403)
            return super().__call__(member)

    (_, refused), (level, text) = said(caplog, Refusing())

    assert refused == "pods of cluster-1 are named by labels, as they cannot be read: pods is forbidden"
    assert level == logging.WARNING
    assert text.splitlines()[1:] == [
        "  cluster-1: egress of pods in my-client with app=my-client (by my-client/client-to-server-egress); "
        "DNS stays allowed",
        f"  {INGRESS}",
    ]


def test_only_clusters_with_policies_are_read(caplog: pytest.LogCaptureFixture) -> None:
    clusters = Clusters()
    caplog.set_level(logging.INFO)

    record(lambda: mesh.run(settings_of(), lambda _: FOUND, clusters), preview=True)

    assert clusters.read == []
