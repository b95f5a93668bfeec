"""DaemonSets of other CNI plugins, found by the folder of CNI configurations that they mount.

Cilium with `cni.exclusive` renames every configuration but its own there, so such a plugin is not called any
more (page "Integration with Istio" of Cilium's documentation, linkerd/linkerd2#11597).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.cluster.objects import reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cluster.objects import Object, Reference
    from eks_cilium.cluster.reading import ReadingApi

_DAEMON_SETS = "/apis/apps/v1/daemonsets"
_FOLDER = "/etc/cni/net.d"
_KNOWN = frozenset({"istio-cni-node", "kube-multus-ds", "kuma-cni-node", "linkerd-cni"})
"""By their charts' names, wherever they keep their configuration."""
_NOT_OTHERS = frozenset({"aws-node", "cilium", "cilium-envoy", "kube-proxy"})


def read(api: ReadingApi) -> tuple[Reference, ...]:
    """The DaemonSets of other plugins than the VPC CNI and Cilium."""
    return tuple(found for found in api.each(_DAEMON_SETS, _plugin) if found)


def _plugin(daemon_set: Object) -> Reference | None:
    found = reference("DaemonSet", daemon_set)
    if found.namespace == NAMESPACE and found.name in _NOT_OTHERS:
        return None
    return found if found.name in _KNOWN or any(map(_is_for_cni, _host_paths(daemon_set))) else None


def _host_paths(daemon_set: Object) -> Iterator[str]:
    for volume in daemon_set["spec"]["template"]["spec"].get("volumes") or ():
        if path := (volume.get("hostPath") or {}).get("path"):
            yield path.rstrip("/") or "/"


def _is_for_cni(path: str) -> bool:
    """Whether a folder of the node is that of the configurations, or one of its own inside of it."""
    return path == _FOLDER or path.startswith(f"{_FOLDER}/")
