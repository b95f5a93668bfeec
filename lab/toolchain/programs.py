"""The Go programs of the lab: their modules, and the versions that they report."""

from pathlib import Path

from .golang import Program

KUBERNETES_VERSION = "1.36.3"
HELM_VERSION = "3.19.5"
_LAB = Path(__file__).resolve().parent.parent


def _kubernetes_variables() -> dict[str, str]:
    # As in Kubernetes's own build; without them clients refuse to parse /version.
    major, minor, _ = KUBERNETES_VERSION.split(".")
    values = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "archive",
        "gitCommit": f"v{KUBERNETES_VERSION}",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}


def _helm_variables() -> dict[str, str]:
    # As in Helm's own build: its version, and the default Kubernetes version of `helm template`.
    return {
        "helm.sh/helm/v3/internal/version.version": f"v{HELM_VERSION}",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": "34",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": "34",
    }


CONTROL_PLANE = Program(
    title=f"the Kubernetes {KUBERNETES_VERSION} control plane",
    module=_LAB / "controlplane",
    variables=_kubernetes_variables(),
    expected="about 5 minutes on two cores",
)
HELM = Program(
    title=f"Helm {HELM_VERSION}",
    module=_LAB / "tools",
    package="helm.sh/helm/v3/cmd/helm",
    variables=_helm_variables(),
    expected="about 2 minutes",
)
NODE_PLAYER = Program(title="the node player", module=_LAB / "nodeplayer")
ORACLE = Program(
    title="the oracle over Cilium's policy engine",
    module=_LAB / "oracle",
    expected="about 3 minutes on two cores",
)
