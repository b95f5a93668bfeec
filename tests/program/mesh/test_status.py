"""The status of other clusters in agents, and how long the program waits for it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from eks_cilium.clients.pods import CommandResult
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError
from eks_cilium.mesh.status import Remote, await_remotes, remotes_of
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World
from eks_cilium.runtime.errors import TimedOutError

pytestmark = pytest.mark.unit

READY = {"name": "cluster-2", "ready": True, "connected": True, "status": "etcd: 1/1 connected"}
WAITING = {
    "name": "cluster-2",
    "ready": False,
    "connected": True,
    "status": "Waiting for\ninitial connection",
}


def status(*clusters: dict[str, Any]) -> str:
    return json.dumps({"cluster": {"name": "cluster-1"}, "cluster-mesh": {"clusters": list(clusters)}})


@dataclass
class Api:
    """A Kubernetes API that lists the pods of agents."""

    nodes: tuple[str, ...] = ("node-a", "node-b")

    def list(self, path: str, **selectors: str) -> list[dict[str, Any]]:
        assert (path, selectors) == (
            "/api/v1/namespaces/kube-system/pods",
            {"labelSelector": "k8s-app=cilium"},
        )
        return [{"metadata": {"name": f"cilium-{node}"}, "spec": {"nodeName": node}} for node in self.nodes]


@dataclass
class Pods:
    """Answers each command with the next answer; the last answer is repeated."""

    answers: list[CommandResult | Exception]
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def run(self, namespace: str, pod: str, container: str, command: list[str]) -> CommandResult:
        assert (namespace, container) == ("kube-system", "cilium-agent")
        self.asked.append((pod, command))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def waited(pods: Pods, api: Api | None = None, lines: list[str] | None = None) -> dict[str, int]:
    passed = [0.0]
    time = Time(monotonic=lambda: passed[0], sleep=lambda seconds: passed.__setitem__(0, passed[0] + seconds))
    world = World(cluster="eks-1", api=api or Api(), aws=lambda _: None, time=time)
    report = (lines if lines is not None else []).append
    return await_remotes(world, pods, command="cilium-dbg", remotes=["cluster-2"], seconds=60, report=report)


def test_every_agent_is_asked_twice():
    pods = Pods([CommandResult(status(READY), "", 0)])

    assert waited(pods) == {"agents": 2}
    assert pods.asked == [
        (f"cilium-{node}", ["cilium-dbg", "status", "-o", "json"])
        for node in ("node-a", "node-b", "node-a", "node-b")
    ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            CommandResult(status(WAITING), "", 0),
            "node node-a and cluster-2: connected, not ready: Waiting for initial",
        ),
        (CommandResult(status(), "", 0), "node node-a does not know cluster-2 yet"),
        (CommandResult("{}", "", 0), "node node-a does not know cluster-2 yet"),
        (CommandResult("", "no socket", 1), "node node-a: `cilium-dbg status` ended with 1: no socket"),
        (TransientError("connection lost"), "node node-a does not answer: connection lost"),
        (RefusedError("pod is gone", status=404), "node node-a does not answer: pod is gone"),
    ],
)
def test_a_timeout_names_node_and_cluster(answer: Any, says: str):
    with pytest.raises(TimedOutError) as late:
        waited(Pods([answer]))

    assert says in str(late.value)
    assert "every agent of eks-1 to see cluster-2" in str(late.value)


def test_progress_is_reported_while_waiting():
    lines: list[str] = []
    answers = (
        [CommandResult(status(), "", 0)] * 2
        + [CommandResult(status(WAITING), "", 0)] * 2
        + [CommandResult(status(READY), "", 0)]
    )

    waited(Pods(answers), lines=lines)

    assert [line.partition(";")[0] for line in lines] == [
        "node node-a does not know cluster-2 yet",
        "node node-a and cluster-2: connected, not ready: Waiting for initial connection",
        "all 2 agents of eks-1 see cluster-2",
    ]


def test_many_troubles_are_counted():
    with pytest.raises(TimedOutError, match="and 3 more"):
        waited(Pods([CommandResult(status(), "", 0)]), Api(tuple(f"node-{index}" for index in range(8))))


def test_a_cluster_without_agents_is_not_ready():
    with pytest.raises(TimedOutError, match="no agent of Cilium runs"):
        waited(Pods([CommandResult("", "", 0)]), Api(()))


def test_a_forbidden_command_ends_the_wait():
    with pytest.raises(RefusedError):
        waited(Pods([RefusedError("forbidden", status=403)]))


def test_output_that_is_no_status_is_an_unexpected_answer():
    with pytest.raises(UnexpectedAnswerError):
        remotes_of("KVStore: Ok")


def test_each_remote_is_read():
    assert remotes_of(status(READY, {"name": "cluster-3"})) == {
        "cluster-2": Remote("cluster-2", ready=True, connected=True, status="etcd: 1/1 connected"),
        "cluster-3": Remote("cluster-3", ready=False, connected=False),
    }
