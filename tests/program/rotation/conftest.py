"""A real control plane with simulated nodes, for behaviour that only a real API server has."""

from collections.abc import Iterator

import pytest

from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.migration.inventory import marks
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.view import View, in_threads
from lab.cluster import ControlPlane
from lab.toolchain import Toolchain

from .live import Live

VERSION = "1.19.7"


@pytest.fixture(scope="package")
def live(toolchain: Toolchain, tmp_path_factory) -> Iterator[Live]:
    """Three nodes on the VPC CNI, ready for pods."""
    crds = toolchain.crds(VERSION).parent
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), "rotation", toolchain)
    plane.start()
    try:
        plane.start_node_player(None, crds)
        with api_of(plane.admin_kubeconfig) as api, api_of(plane.admin_kubeconfig) as watching:
            made = Live(plane, api, View(watching, Time(), in_threads))
            made.begin(nodes=3)
            yield made
    finally:
        plane.stop()


@pytest.fixture
def own_namespace(live: Live) -> Iterator[None]:
    """The test begins with all nodes uncordoned, in a namespace of its own."""
    own = live.enter()
    yield
    for index in range(3):
        marks.uncordon(live.api, live.node_object(index))
    live.leave(own)
