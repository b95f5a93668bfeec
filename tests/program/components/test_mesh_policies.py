"""What a preview of the mesh stack says of the pods that its policies put into default deny."""

import logging
from dataclasses import replace
from typing import Any

import pulumi
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


def shown_by(
    caplog: pytest.LogCaptureFixture,
    clusters: Clusters,
    members: tuple[Member, ...] = MEMBERS,
    exported: tuple[str, ...] = (),
    policies: dict[str, Any] = POLICIES,
) -> list[tuple[int, list[str]]]:
    """Severity and lines of every message of a preview."""
    caplog.set_level(logging.INFO)
    settings = settings_of(policies)
    outputs = {"policies": list(exported)}
    record(lambda: mesh_policies.compiled(settings, members, clusters, lambda: outputs), preview=True)
    return [(entry.levelno, entry.getMessage().splitlines()) for entry in caplog.records]


def about(messages: list[tuple[int, list[str]]], beginning: str) -> list[str]:
    return [line for _, lines in messages if lines[0].startswith(beginning) for line in lines[1:]]


def test_a_preview_shows_what_the_change_of_policies_closes(caplog: pytest.LogCaptureFixture) -> None:
    messages = shown_by(caplog, Clusters())

    assert about(messages, "closed by the change of policies") == [
        "  cluster-1/my-client/my-client -> world at every port",
        "  cluster-1/my-client/my-client -> cluster-2/my-server/my-server at 1-8079/TCP, 8081-65535/TCP, "
        "every port/UDP, every port/SCTP",
        "  world -> cluster-2/my-server/my-server at every port",
    ]


def test_a_preview_shows_what_policies_that_are_removed_opened(caplog: pytest.LogCaptureFixture) -> None:
    clusters = {"cluster-1": "1.19.7", "cluster-2": "1.19.7"}
    existing = compiled_policies(settings_of(POLICIES), clusters, lambda _: "")
    names = tuple(mesh_policies.exported(existing))

    messages = shown_by(caplog, Clusters(*existing.policies), exported=names, policies={})

    assert "  world -> cluster-2/my-server/my-server at every port" in about(messages, "opened by the change")
    assert about(messages, "closed by the change") == []


def test_policies_of_another_owner_are_not_taken_for_removed(caplog: pytest.LogCaptureFixture) -> None:
    clusters = {"cluster-1": "1.19.7", "cluster-2": "1.19.7"}
    existing = compiled_policies(settings_of(POLICIES), clusters, lambda _: "")

    assert about(shown_by(caplog, Clusters(*existing.policies), policies={}), "opened by the change") == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"policy-audit-mode": "true"}, "cluster-1: policy-audit-mode is on"),
        ({"enable-policy": "never"}, "cluster-1: enable-policy is never"),
        ({"enable-cilium-network-policy": "false"}, "cluster-1: agents do not read a CiliumNetworkPolicy"),
    ],
)
def test_a_preview_warns_of_agents_that_enforce_nothing(
    caplog: pytest.LogCaptureFixture, options: dict[str, str], says: str
) -> None:
    messages = shown_by(caplog, Clusters(), members=(with_options(MEMBERS[0], options), MEMBERS[1]))

    assert any(level == logging.WARNING and lines[0].startswith(says) for level, lines in messages)


@pytest.mark.parametrize("options", [{"policy-audit-mode": "true"}, {"enable-policy": "never"}])
def test_what_must_be_denied_is_not_where_nothing_is_enforced(options: dict[str, str]) -> None:
    denied = {
        "from": {"cluster": "cluster-1", "namespace": "my-client", "labels": {"app": "my-client"}},
        "to": {"address": "203.0.113.10"},
        "port": "443/TCP",
    }
    policies = {"policies": {**POLICIES["policies"], "mustDeny": [denied]}}
    members = tuple(with_options(member, options) for member in MEMBERS)

    with pytest.raises(pulumi.RunError, match="only what the policies deny"):
        mesh_policies.compiled(settings_of(policies), members, Clusters())


def with_options(member: Member, options: dict[str, str]) -> Member:
    assert member.agents is not None
    return replace(member, agents=replace(member.agents, policy_options=options))


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
