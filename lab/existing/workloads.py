"""What runs in an existing cluster: the manifests beside this module, applied with kubectl."""

from pathlib import Path

from lab.existing.access import Kubectl

_MANIFESTS = Path(__file__).parent / "manifests"
_PATIENCE = "300s"


def apply(kubectl: Kubectl, names: tuple[str, ...]) -> None:
    """Apply the manifests of these names and wait until everything in them is up."""
    kubectl.apply((_MANIFESTS / f"{name}.yaml").read_text() for name in names)
    for kind in ("deployments", "statefulsets", "daemonsets"):
        for found in kubectl("get", kind, "-A", "-o", _NAMES).split():
            namespace, _, name = found.partition("/")
            kubectl("rollout", "status", f"{kind}/{name}", "-n", namespace, f"--timeout={_PATIENCE}")


_NAMES = "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"
