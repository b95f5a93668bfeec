"""The pod this program runs in, if any: its node is replaced last, since its drain ends the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from eks_cilium.cluster.objects import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_pod(environment: Mapping[str, str], namespace_file: Path = _NAMESPACE_FILE) -> Reference | None:
    """The pod, from its host name and from the service account that is mounted in it; None outside of one."""
    name = environment.get("HOSTNAME")
    if not name or "KUBERNETES_SERVICE_HOST" not in environment or not namespace_file.is_file():
        return None
    return Reference("Pod", namespace_file.read_text().strip(), name)
