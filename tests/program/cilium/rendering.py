"""Renders the real chart with real Helm and picks objects out of the result."""

import subprocess
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RefusedByChartError(Exception):
    """The chart failed the render with a message of its own."""


class Rendered:
    """The objects a release would make."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.objects = {(document["kind"], document["metadata"]["name"]): document for document in documents}

    @cached_property
    def config(self) -> dict[str, str]:
        """Data of the ConfigMap the agents and the operator read."""
        return self.objects["ConfigMap", "cilium-config"]["data"]

    @property
    def agent(self) -> dict[str, Any]:
        """Pod of the agent DaemonSet."""
        return self.objects["DaemonSet", "cilium"]["spec"]["template"]["spec"]

    @property
    def operator(self) -> dict[str, Any]:
        """Deployment of the operator."""
        return self.objects["Deployment", "cilium-operator"]["spec"]


def render(helm: Path, chart: Path, values: dict[str, Any]) -> Rendered:
    """Objects of the chart with these values, for Kubernetes 1.34. Tests share them: nobody changes one."""
    return _kept(helm, chart, yaml.safe_dump(values))


def render_anew(helm: Path, chart: Path, values: str) -> Rendered:
    """The same, not from memory; `values` is a YAML document."""
    command = [helm, "template", "cilium", chart, "--namespace", "kube-system", "--kube-version", "1.34.0"]
    done = subprocess.run(
        [*command, "--values", "-"], input=values, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RefusedByChartError(done.stderr)
    return Rendered([document for document in yaml.load_all(done.stdout, _Loader) if document])


_kept = cache(render_anew)
