"""A real control plane, a provider configured for it, and `kubectl` to check what it did."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.cluster import ControlPlane
from lab.providers.kubernetes.instance import KubernetesInstance
from lab.providers.kubernetes.package import KubernetesPackage
from lab.toolchain import Toolchain

from .charts import ChartFolder
from .kubectl import Kubectl
from .program import Program


@pytest.fixture(scope="session")
def control_plane(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    directory = tmp_path_factory.mktemp("control-plane")
    plane = ControlPlane(directory, "provider", toolchain, authentication_webhook=None, emulated_version=None)
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> str:
    return Path(control_plane.admin_kubeconfig).read_text()


@pytest.fixture(scope="session")
def kubectl(toolchain: Toolchain, control_plane: ControlPlane) -> Kubectl:
    return Kubectl(toolchain.kubectl(), Path(control_plane.admin_kubeconfig))


@pytest.fixture
def configured(
    kubeconfig: str, toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., KubernetesInstance]:
    """Creates provider instances that use the lab's Helm."""
    monkeypatch.setenv("EKS_CILIUM_HELM", str(toolchain.helm()))
    return lambda **inputs: KubernetesPackage().configure({"kubeconfig": kubeconfig, **inputs})


@pytest.fixture
def program(configured: Callable[..., KubernetesInstance]) -> Program:
    return Program(configured())


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> str:
    """A namespace for this test alone."""
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[-50:].strip("-")
    kubectl("create", "namespace", name)
    return str(name)


@pytest.fixture
def chart(tmp_path: Path) -> ChartFolder:
    return ChartFolder(tmp_path / "charts")


@pytest.fixture
def no_cluster() -> str:
    """A kubeconfig of a cluster that does not answer."""
    return (
        "apiVersion: v1\nkind: Config\ncurrent-context: gone\n"
        "clusters: [{name: gone, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: gone, user: {token: none}}]\n"
        "contexts: [{name: gone, context: {cluster: gone, user: gone}}]\n"
    )
