"""A control plane whose nodes and pods are simulated by the node player."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.cluster import ControlPlane
from lab.toolchain import Toolchain

from .api import Api

VERSIONS = ("1.12.4", "1.19.7")


class SimulatedCluster:
    """A control plane, its API, and its node player, which can be killed and restarted."""

    def __init__(self, plane: ControlPlane, crds: Path, settings: dict) -> None:
        self._plane, self._crds, self._settings = plane, crds, settings
        self.kubeconfig = plane.admin_kubeconfig
        self.api = Api(plane.admin_kubeconfig)

    @property
    def pids(self) -> dict[str, int]:
        return self._plane.pids

    def start_player(self, **settings: object) -> None:
        self._plane.start_node_player(None, self._crds, self._settings | settings)

    def kill_player(self) -> None:
        """Kill it with SIGKILL, so that it cannot clean up."""
        os.kill(self.pids["nodeplayer"], signal.SIGKILL)


_BUSY = 4


def eventually(holds: Callable[[], object], limit: float = 30, every: float = 0.1) -> None:
    """Wait until the simulated nodes reach a state.

    `limit` is the longest time in seconds on an idle machine; on a busy one it may take longer.
    """
    waited = limit * _BUSY
    deadline = time.monotonic() + waited
    while not holds():
        assert time.monotonic() < deadline, f"not so after {waited} s"
        time.sleep(every)


@pytest.fixture(scope="session")
def crds(toolchain: Toolchain) -> Path:
    directories = [toolchain.crds(version) for version in VERSIONS]
    return directories[0].parent


@pytest.fixture(scope="module")
def start(toolchain: Toolchain, crds: Path, tmp_path_factory) -> Iterator[Callable[..., SimulatedCluster]]:
    """Starts a control plane with a node player that has the given settings."""
    planes: list[ControlPlane] = []

    def begin(**settings: object) -> SimulatedCluster:
        plane = ControlPlane(tmp_path_factory.mktemp("plane"), "simulated", toolchain)
        planes.append(plane)
        plane.start()
        simulated = SimulatedCluster(plane, crds, settings)
        eventually(lambda: simulated.api.find("/api/v1/namespaces/default/serviceaccounts/default"))
        simulated.start_player()
        return simulated

    yield begin
    for plane in planes:
        plane.stop()


@pytest.fixture(scope="module")
def simulated(start: Callable[..., SimulatedCluster]) -> SimulatedCluster:
    """A control plane for all tests of a module; each test uses nodes and names of its own."""
    return start()
