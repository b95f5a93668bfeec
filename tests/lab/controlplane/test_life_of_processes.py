"""No process of a control plane outlives it, however it ends, and stopping it never kills another process."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cluster import ClusterError, ControlPlane, StartError, stop_by_directory
from lab.cluster.processes import Identity, Lifeline, Process, recorded, start_time, wait_until

_OWNER = """
import sys, time
from pathlib import Path
from lab.cluster import ControlPlane
from lab.toolchain import Toolchain, default_cache
plane = ControlPlane(Path(sys.argv[1]), "orphan", Toolchain(default_cache(), print))
plane.start()
print("started", flush=True)
time.sleep(600)
"""
_CHILD_WITHOUT_LIFELINE = """
import sys, time
from pathlib import Path
from lab.cluster.processes import Lifeline, Process
Process(Path(sys.argv[1]), "nodeplayer", ["sleep", "600"], Lifeline())
print("started", flush=True)
time.sleep(600)
"""


@pytest.mark.control_plane
def test_two_start_at_once_and_stop_leaves_nothing(toolchain, tmp_path):
    planes = [ControlPlane(tmp_path / name, name, toolchain) for name in ("one", "two")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(ControlPlane.start, planes))
    running = [identity for plane in ("one", "two") for identity in recorded(tmp_path / plane)]

    assert planes[0].endpoint != planes[1].endpoint
    assert planes[0].certificate_authority != planes[1].certificate_authority
    assert len(running) == 8
    assert all(identity.alive() for identity in running)

    for plane in planes:
        plane.stop()
        plane.stop()
    assert not any(identity.alive() for identity in running)
    assert recorded(tmp_path) == []


@pytest.mark.control_plane
def test_start_after_a_stop_is_a_new_cluster(toolchain, tmp_path, kubectl_of):
    plane = ControlPlane(tmp_path / "plane", "again", toolchain)
    plane.start()
    try:
        kubectl_of(plane)("create", "namespace", "former")
        plane.stop()
        plane.start()

        kubectl = kubectl_of(plane)
        assert wait_until(lambda: kubectl.attempt("get", "namespace", "default").returncode == 0, 20)
        assert "NotFound" in kubectl.attempt("get", "namespace", "former").stderr
    finally:
        plane.stop()


@pytest.mark.control_plane
def test_emulated_version_schedules_pods(toolchain, tmp_path, kubectl_of):
    plane = ControlPlane(tmp_path / "plane", "older", toolchain, emulated_version="1.33")
    plane.start()
    try:
        kubectl = kubectl_of(plane)
        assert wait_until(lambda: kubectl.attempt("get", "serviceaccount", "default").returncode == 0, 20)
        kubectl("create", "-f", "-", given=_node("here"))
        kubectl("patch", "node", "here", "--subresource=status", "-p", json.dumps(_READY))
        kubectl("run", "one", "--image=registry.example/none")

        assert kubectl.read("version")["serverVersion"]["emulationMinor"] == "33"
        assert wait_until(lambda: kubectl.read("get", "pod", "one")["spec"].get("nodeName") == "here", 30)
    finally:
        plane.stop()


@pytest.mark.control_plane
def test_node_player_runs_beside_the_control_plane_and_ends_with_it(toolchain, tmp_path, kubectl_of):
    plane = ControlPlane(tmp_path / "plane", "simulated", toolchain)
    plane.start()
    try:
        plane.start_node_player(None, toolchain.crds("1.19.7").parent)
        kubectl = kubectl_of(plane)
        kubectl("create", "-f", "-", given=_node("ip-10-0-0-1", providerID="aws:///eu-west-1a/i-0123"))

        assert wait_until(lambda: bool(_conditions(kubectl, "ip-10-0-0-1")), 20)
        plane.check()
        player = Identity("nodeplayer", plane.pids["nodeplayer"], start_time(plane.pids["nodeplayer"]) or "")
        assert player.alive()
    finally:
        plane.stop()
    assert not player.alive()


@pytest.mark.control_plane
def test_failed_start_gives_the_reason_and_leaves_nothing(toolchain, tmp_path):
    plane = ControlPlane(tmp_path, "wrong", toolchain, emulated_version="1.99")

    with pytest.raises(StartError, match=r"(?s)kube-apiserver ended with code 1.*emulat"):
        plane.start()

    assert plane.pids == {}
    assert recorded(tmp_path) == []


@pytest.mark.control_plane
def test_secrets_are_readable_by_their_owner_only(plane):
    directory = plane.admin_kubeconfig.parent
    secret = [*directory.glob("*.key"), *directory.glob("*.kubeconfig")]

    assert len(secret) > 8
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []


@pytest.mark.control_plane
def test_processes_end_with_an_owner_that_was_killed(tmp_path):
    owner = _start_owner(_OWNER, tmp_path)
    orphans = recorded(tmp_path)
    assert len(orphans) == 4

    owner.send_signal(signal.SIGKILL)
    owner.wait()

    assert wait_until(lambda: not any(identity.alive() for identity in orphans), 10)


@pytest.mark.control_plane
def test_directory_lists_what_to_stop_after_a_crash(tmp_path):
    cluster = tmp_path / "clusters" / "a"
    cluster.mkdir(parents=True)
    owner = _start_owner(_CHILD_WITHOUT_LIFELINE, cluster)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    [orphan] = recorded(tmp_path)
    assert orphan.alive()

    assert stop_by_directory(tmp_path) == ["nodeplayer"]
    assert not orphan.alive()
    assert stop_by_directory(tmp_path) == []


@pytest.mark.control_plane
def test_record_of_a_reused_pid_stops_no_process(tmp_path):
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        record = {"name": "etcd", "pid": stranger.pid, "started": "1"}
        (tmp_path / "etcd.process.json").write_text(json.dumps(record))

        assert stop_by_directory(tmp_path) == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.control_plane
def test_process_that_ignores_sigterm_is_killed(tmp_path):
    lifeline = Lifeline()
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    )
    process = Process(tmp_path, "kube-apiserver", [sys.executable, "-u", "-c", deaf], lifeline)
    assert wait_until(lambda: "deaf" in process.last_lines(), 10)

    started = time.monotonic()
    stop_by_directory(tmp_path)

    assert process.ended == -signal.SIGKILL
    assert time.monotonic() - started < 10
    lifeline.close()


@pytest.mark.control_plane
def test_check_names_the_process_that_ended_and_its_last_lines(tmp_path):
    lifeline = Lifeline()
    process = Process(tmp_path, "etcd", ["sh", "-c", "echo no space left; exit 3"], lifeline)
    process.reap()
    lifeline.close()

    with pytest.raises(StartError, match="etcd ended with code 3:\nno space left"):
        process.check()


@pytest.mark.unit
def test_process_is_identified_by_its_start_time():
    me = Identity("me", os.getpid(), start_time(os.getpid()) or "")

    assert me.alive()
    assert not replace(me, started="1").alive()


@pytest.mark.unit
def test_endpoint_of_a_plane_that_was_not_started_is_an_error(toolchain, tmp_path):
    with pytest.raises(ClusterError, match="was not started"):
        _ = ControlPlane(tmp_path, "idle", toolchain).endpoint


_READY = {
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}],
        "capacity": {"cpu": "2", "memory": "4Gi", "pods": "10"},
    }
}


def _node(name, **spec):
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"taints": [], **spec}}


def _conditions(kubectl, name):
    return kubectl.read("get", "node", name).get("status", {}).get("conditions")


def _start_owner(script: str, directory: Path) -> subprocess.Popen[str]:
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    for line in owner.stdout:
        if line.strip() == "started":
            break
    return owner
