"""The workloads of a sample cluster: the manifests beside this module, applied with kubectl."""

from pathlib import Path

from lab.sample_cluster.clients import Kubectl

_MANIFESTS = Path(__file__).parent / "manifests"
_TIMEOUT = "300s"
_NAMES = "jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {end}"


def apply(kubectl: Kubectl, names: tuple[str, ...]) -> None:
    """Apply the manifests `names` and wait until every workload in the cluster is rolled out."""
    kubectl.apply((_MANIFESTS / f"{name}.yaml").read_text() for name in names)
    for kind in ("deployments", "statefulsets", "daemonsets"):
        for found in kubectl("get", kind, "-A", "-o", _NAMES).split():
            namespace, _, name = found.partition("/")
            kubectl("rollout", "status", f"{kind}/{name}", "-n", namespace, f"--timeout={_TIMEOUT}")
