"""A real control plane without kubelets: pods run when a test says so."""

from collections.abc import Iterator
from itertools import count

import pytest

from eks_cilium.clients.kubeconfig import api_of
from eks_cilium.clients.kubernetes import KubernetesApi
from lab.cluster import ControlPlane
from lab.toolchain import Toolchain
from tests.program.plan.live import Live


@pytest.fixture(scope="module")
def api(toolchain: Toolchain, tmp_path_factory) -> Iterator[KubernetesApi]:
    plane = ControlPlane(tmp_path_factory.mktemp("plane"), "shop", toolchain)
    plane.start()
    try:
        with api_of(plane.admin_kubeconfig) as result:
            yield result
    finally:
        plane.stop()


@pytest.fixture
def live(api: KubernetesApi) -> Live:
    """A namespace and a node of the test's own."""
    number = next(_numbers)
    result = Live(api, f"shop-{number}", f"node-{number}")
    result.begin()
    return result


_numbers = count()
