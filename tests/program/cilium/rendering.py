"""Renders the real chart with real Helm, for the tests of the values of every mode."""

import subprocess
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RefusedByChartError(Exception):
    """The chart failed the render with a message of its own."""


class Rendered:
    """The objects that a Helm release would create."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.objects = {(document["kind"], document["metadata"]["name"]): document for document in documents}

    @cached_property
    def config(self) -> dict[str, str]:
        """Data of the ConfigMap that agents and operator read."""
        return self.objects["ConfigMap", "cilium-config"]["data"]

    @property
    def agent(self) -> dict[str, Any]:
        """Spec of the pods in the agents' DaemonSet."""
        return self.objects["DaemonSet", "cilium"]["spec"]["template"]["spec"]

    @property
    def operator(self) -> dict[str, Any]:
        """Spec of the Deployment of the operator."""
        return self.objects["Deployment", "cilium-operator"]["spec"]


def render(helm: Path, chart: Path, values: dict[str, Any]) -> Rendered:
    """The chart's objects with these values, for Kubernetes 1.34. Tests share them, so none changes them."""
    return _cached(helm, chart, yaml.safe_dump(values))


def render_again(helm: Path, chart: Path, values: str) -> Rendered:
    """The same without the cache; `values` is a YAML document."""
    command = [helm, "template", "cilium", chart, "--namespace", "kube-system", "--kube-version", "1.34.0"]
    done = subprocess.run(
        [*command, "--values", "-"], input=values, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RefusedByChartError(done.stderr)
    return Rendered([document for document in yaml.load_all(done.stdout, _Loader) if document])


_cached = cache(render_again)
