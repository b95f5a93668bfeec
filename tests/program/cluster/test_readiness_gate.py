"""When the gate opens, and what it says when it does not."""

import pytest

from eks_cilium.cluster.gates.readiness import POLL_SECONDS, Readiness, survey, wait_until_ready
from eks_cilium.errors import NotReadyError, TransientError
from eks_cilium.runtime.clock import Time
from tests.program.cluster.fake_cluster import TAINT, Clock, FakeCluster, condition, daemon_set, node

pytestmark = pytest.mark.unit

DAEMON_SET = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium"
OPERATOR = "/apis/apps/v1/namespaces/kube-system/deployments/cilium-operator"
PODS = "/api/v1/namespaces/kube-system/pods"


def wait(
    cluster: FakeCluster, clock: Clock, timeout: float = 60, minimum: int = 2
) -> tuple[Readiness, list[str]]:
    lines: list[str] = []
    seen = wait_until_ready(
        cluster,
        minimum_nodes=minimum,
        timeout=timeout,
        report=lines.append,
        time=Time(monotonic=clock, sleep=clock.sleep),
    )
    return seen, lines


def test_it_opens_after_two_good_readings_in_a_row():
    clock = Clock()

    seen, lines = wait(FakeCluster(), clock)

    assert seen.nodes == ("node-0", "node-1")
    assert clock.now == POLL_SECONDS
    assert lines == ["nothing is missing, reading once more", "Cilium runs on all 2 nodes"]


def test_a_node_that_joins_late_is_waited_for():
    cluster, clock = FakeCluster(nodes=1), Clock()

    def join() -> None:
        if clock.now >= 20 and len(cluster.state["/api/v1/nodes"]) == 1:
            cluster.state["/api/v1/nodes"].append(node("node-1"))
            cluster.state[DAEMON_SET] = daemon_set(2, 2)

    cluster.before_list = join
    seen, lines = wait(cluster, clock)

    assert len(seen.nodes) == 2
    assert lines[0] == "1 of 2 nodes have joined"


def test_one_good_reading_is_not_enough():
    cluster, clock = FakeCluster(), Clock()
    good_at = {5.0, 15.0, 20.0}
    cluster.before_list = lambda: cluster.node(0)["spec"].update(
        taints=[] if clock.now in good_at else [TAINT]
    )

    wait(cluster, clock)

    assert clock.now == 20.0


def test_it_reports_the_same_line_only_once():
    cluster, clock = FakeCluster(), Clock()
    cluster.before_list = lambda: cluster.node(0)["spec"].update(taints=[TAINT] if clock.now < 30 else [])

    _, lines = wait(cluster, clock)

    assert lines[0] == "taint node.cilium.io/agent-not-ready still on node-0"
    assert len(lines) == 3


def test_when_time_is_up_it_names_what_is_missing():
    cluster = FakeCluster()
    cluster.node(1)["spec"]["taints"] = [TAINT]

    with pytest.raises(NotReadyError) as error:
        wait(cluster, Clock(), timeout=30)

    assert error.value.missing == ("taint node.cilium.io/agent-not-ready still on node-1",)
    assert "after 30 s" in str(error.value)
    assert "run `pulumi up` again" in str(error.value)


def missing(cluster: FakeCluster) -> tuple[str, ...]:
    return survey(cluster, 2).missing


def test_nothing_is_missing_from_a_ready_cluster():
    assert missing(FakeCluster()) == ()


def test_custom_resources_that_the_operator_has_not_registered():
    cluster = FakeCluster()
    crds = cluster.state["/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]
    del crds[0]
    crds[0]["status"]["conditions"][0]["status"] = "False"

    (line,) = missing(cluster)

    assert line.startswith(
        "custom resources not established yet: ciliumendpoints.cilium.io, ciliumidentities"
    )


def test_an_agent_that_cannot_start_is_named_with_node_and_reason():
    cluster = FakeCluster()
    cluster.state[DAEMON_SET] = daemon_set(2, 1)
    cluster.state[PODS] = [
        {
            "metadata": {"name": "cilium-x7k2p"},
            "spec": {"nodeName": "node-1"},
            "status": {
                "conditions": [condition("Ready", "False")],
                "containerStatuses": [
                    {
                        "name": "cilium-agent",
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                    }
                ],
            },
        }
    ]

    assert missing(cluster) == (
        "Cilium agents: 1 ready, 2 wanted, 2 nodes",
        "pod kube-system/cilium-x7k2p on node-1: cilium-agent CrashLoopBackOff back-off",
    )
    assert {"labelSelector": "k8s-app=cilium"} in cluster.selectors


@pytest.mark.parametrize(
    ("variable", "ipam", "is_named"),
    [
        ("AWS_REGION", "eni", True),
        ("AWS_REGION", "cluster-pool", False),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "eni", False),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "eni", False),
    ],
)
def test_an_operator_that_eks_gave_no_credentials_says_how_it_gets_some(variable, ipam, is_named):
    cluster = FakeCluster()
    cluster.state[OPERATOR]["status"]["conditions"] = [condition("Available", "False")]
    cluster.state["/api/v1/namespaces/kube-system/configmaps/cilium-config"] = {"data": {"ipam": ipam}}
    cluster.state[PODS] = [
        {
            "metadata": {"name": "cilium-operator-5d9"},
            "spec": {"nodeName": "node-0", "containers": [{"env": [{"name": variable, "value": "x"}]}]},
            "status": {"conditions": [condition("Ready", "True")]},
        }
    ]

    said = "cilium-operator-5d9 has no AWS credentials" in " ".join(missing(cluster))
    assert said is is_named


def test_an_operator_without_a_node_says_why():
    cluster = FakeCluster()
    cluster.state[OPERATOR]["status"]["conditions"] = [condition("Available", "False")]
    cluster.state[PODS] = [
        {
            "metadata": {"name": "cilium-operator-5d9"},
            "spec": {},
            "status": {"conditions": [condition("PodScheduled", "False", "Unschedulable", "0/2 nodes")]},
        }
    ]

    assert missing(cluster)[1] == "pod kube-system/cilium-operator-5d9 on no node: Unschedulable 0/2 nodes"


def test_a_node_that_is_not_ready_says_why():
    cluster = FakeCluster()
    cluster.node(0)["status"]["conditions"] = [
        condition("Ready", "False", "KubeletNotReady", "cni plugin not initialized")
    ]

    assert missing(cluster) == ("node node-0 is not Ready: KubeletNotReady cni plugin not initialized",)


def test_a_daemon_set_that_its_controller_has_not_processed_does_not_count():
    cluster = FakeCluster()
    cluster.state[DAEMON_SET]["metadata"]["generation"] = 2

    assert missing(cluster)[0].startswith("Cilium agents:")


def test_without_cilium_everything_is_missing():
    cluster = FakeCluster()
    cluster.state = {"/api/v1/nodes": []}

    assert missing(cluster)[1:] == (
        "0 of 2 nodes have joined",
        "DaemonSet kube-system/cilium does not exist",
        "Deployment kube-system/cilium-operator does not exist",
    )


def test_of_many_nodes_only_the_first_are_named():
    cluster = FakeCluster(nodes=12)
    for index in range(12):
        cluster.node(index)["spec"]["taints"] = [TAINT]

    (line,) = survey(cluster, 2).missing

    assert line.endswith("node-4 and 7 more")


def test_an_api_server_that_is_away_for_a_while_is_waited_for():
    cluster, clock = FakeCluster(), Clock()

    def fail() -> None:
        if clock.now < 30:
            raise TransientError("the API server does not answer")

    cluster.before_list = fail
    seen, lines = wait(cluster, clock)

    assert seen.ready
    assert lines[0] == "the API server does not answer"


def test_an_api_server_that_stays_away_is_named():
    cluster = FakeCluster()

    def fail() -> None:
        raise TransientError("the API server does not answer")

    cluster.before_list = fail
    with pytest.raises(NotReadyError, match="the API server does not answer"):
        wait(cluster, Clock())
