"""Commands in simulated pods, as kubectl and as clients of the exec subresource run them."""

import asyncio
import json
import ssl
import subprocess
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from eks_cilium.clients.kubeconfig import Kubeconfig
from lab.toolchain import Toolchain

from . import objects
from .api import is_ready
from .conftest import SimulatedCluster, eventually

pytestmark = pytest.mark.control_plane

ON_ONE = objects.node(1)["metadata"]["name"]


def agent_pod(simulated: SimulatedCluster) -> str:
    (pod,) = simulated.api.pods("kube-system", k8s_app="cilium")
    return pod["metadata"]["name"]


@pytest.fixture(scope="module")
def with_cilium(simulated: SimulatedCluster) -> SimulatedCluster:
    """A node with the real names of an agent's container and image."""
    simulated.api.create(objects.node(1))
    *others, agents = objects.cilium("1.19.7", ON_ONE)
    container = {"name": "cilium-agent", "image": "registry.example/cilium/cilium:v1.19.7"}
    agents["spec"]["template"]["spec"]["containers"] = [container]
    simulated.api.create(*others, agents)
    eventually(lambda: all(is_ready(pod) for pod in simulated.api.pods("kube-system", k8s_app="cilium")))
    eventually(lambda: simulated.api.pods("kube-system", k8s_app="cilium"))
    eventually(lambda: is_ready(simulated.api.pods("kube-system", k8s_app="cilium")[0]))
    return simulated


@pytest.fixture(scope="module")
def kubectl(toolchain: Toolchain, with_cilium: SimulatedCluster):
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(toolchain.kubectl()), "--kubeconfig", str(with_cilium.kubeconfig), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return run


def test_kubectl_gets_the_status_of_an_agent(with_cilium: SimulatedCluster, kubectl) -> None:
    words = ("-n", "kube-system", "exec", agent_pod(with_cilium), "-c", "cilium-agent", "--")
    done = kubectl(*words, "cilium-dbg", "status", "-o", "json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["cilium"] == {"state": "Ok", "msg": "1.19.7"}
    assert status["cluster"]["self"] == f"demo/{ON_ONE}"
    assert status["cluster-mesh"]["clusters"] == []
    assert kubectl(*words, "cilium", "status", "--brief").stdout == "OK\n"
    assert "Cilium:         Ok   1.19.7" in kubectl(*words, "cilium", "status").stdout


def test_a_command_that_is_not_simulated_is_missing(with_cilium: SimulatedCluster, kubectl) -> None:
    words = ("-n", "kube-system", "exec", agent_pod(with_cilium), "--")
    done = kubectl(*words, "ls", "/")
    assert done.returncode == 127
    assert 'container "cilium-agent" does not emulate this command: ["ls" "/"]' in done.stderr
    wrong = kubectl(*words, "cilium-dbg", "status", "-o", "yaml")
    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (
        1,
        'Error: the output "yaml" is not emulated; use json',
    )


def test_the_exec_subresource_answers_over_a_websocket(with_cilium: SimulatedCluster) -> None:
    streams = websocket(with_cilium, "cilium-agent", "cilium-dbg", "status", "-o", "json")
    assert json.loads(streams[1])["kvstore"] == {"state": "Disabled"}
    assert json.loads(streams[3])["status"] == "Success"
    failed = json.loads(websocket(with_cilium, "cilium-agent", "true")[3])
    assert failed["reason"] == "NonZeroExitCode"
    assert failed["details"]["causes"] == [{"reason": "ExitCode", "message": "127"}]


def test_a_container_that_does_not_exist_is_refused(with_cilium: SimulatedCluster) -> None:
    with pytest.raises(InvalidStatus) as caught:
        websocket(with_cilium, "other", "true")
    assert caught.value.response.status_code == 400


def test_logs_are_not_played(with_cilium: SimulatedCluster, kubectl) -> None:
    done = kubectl("-n", "kube-system", "logs", agent_pod(with_cilium))
    assert done.returncode != 0
    assert "only exec is" in done.stderr


def websocket(simulated: SimulatedCluster, container: str, *command: str) -> dict[int, bytes]:
    """Run a command over `v4.channel.k8s.io`; returns the content of each stream."""
    access = Kubeconfig.read(simulated.kubeconfig).access()
    asked = [("container", container), ("stdout", "true"), ("stderr", "true")]
    query = urlencode([*asked, *(("command", word) for word in command)])
    path = f"/api/v1/namespaces/kube-system/pods/{agent_pod(simulated)}/exec?{query}"
    url = access.server.replace("https", "wss") + path
    return asyncio.run(answered(url, access.trust()))


async def answered(url: str, trust: ssl.SSLContext) -> dict[int, bytes]:
    streams: dict[int, bytes] = {}
    async with connect(url, ssl=trust, subprotocols=["v4.channel.k8s.io"]) as connection:
        async for message in connection:
            streams[message[0]] = streams.get(message[0], b"") + message[1:]
    return streams
