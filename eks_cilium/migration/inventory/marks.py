"""What a migration writes on nodes: labels, taints, and the cordon. Every write names the node's UID.

A write that would change nothing is not sent. Lists (taints) are written with the version they were read in,
since others write taints as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import OUTGOING_TAINT, ROTATION_ANNOTATION
from eks_cilium.errors import RefusedError, TransientError
from eks_cilium.runtime.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.cluster.objects import Object

Taints = list[dict[str, Any]]

EXCLUDED_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Service controllers take a node with it out of their load balancers."""
SOFT_TAINT = {"key": OUTGOING_TAINT, "effect": "PreferNoSchedule"}

_ROTATING, _CORDONED, _EXCLUDED = "rotating", "cordoned", "excluded"
"""Parts of our mark: that the node is in work, and which of the other two is our doing."""
_MOST_ATTEMPTS = 8
_INVALID = 422
"""How the API server answers a patch that names another UID: a UID can not be changed."""


def path(name: str) -> str:
    """Of a node."""
    return f"/api/v1/nodes/{name}"


def label(api: KubernetesApi, node: Object, key: str, value: str | None) -> bool:
    """Give a node a label, or take it away; whether that changed anything."""
    if (node["metadata"].get("labels") or {}).get(key) == value:
        return False
    _merge(api, node, {"metadata": {"labels": {key: value}}})
    return True


def annotate(api: KubernetesApi, node: Object, key: str, value: str | None) -> None:
    """Give a node an annotation, or take it away."""
    if (node["metadata"].get("annotations") or {}).get(key) != value:
        _merge(api, node, {"metadata": {"annotations": {key: value}}})


def is_cordoned(node: Object) -> bool:
    """Whether no more pods are scheduled to a node."""
    return bool(node["spec"].get("unschedulable"))


def is_ours(node: Object) -> bool:
    """Whether its cordon has our mark. A hint: somebody may have uncordoned it since."""
    return _ROTATING in _mark(node)


def cordon(api: KubernetesApi, node: Object) -> None:
    """Keep new pods and load balancers off a node, and say in an annotation what of it is our doing."""
    if is_cordoned(node) and is_ours(node):
        return
    done = _mark(node) - {_ROTATING}
    if not is_cordoned(node):
        done |= {_CORDONED}
    if EXCLUDED_LABEL not in (node["metadata"].get("labels") or {}):
        done |= {_EXCLUDED}
    metadata: Object = {"annotations": {ROTATION_ANNOTATION: ",".join((_ROTATING, *sorted(done)))}}
    if _EXCLUDED in done:
        metadata["labels"] = {EXCLUDED_LABEL: ""}
    _merge(api, node, {"metadata": metadata, "spec": {"unschedulable": True}})


def uncordon(api: KubernetesApi, node: Object) -> None:
    """Take back what `cordon` did, and leave what others had done before."""
    if not is_ours(node):
        return
    done = _mark(node)
    patch: Object = {"metadata": {"annotations": {ROTATION_ANNOTATION: None}}}
    if _EXCLUDED in done:
        patch["metadata"]["labels"] = {EXCLUDED_LABEL: None}
    if _CORDONED in done:
        patch["spec"] = {"unschedulable": None}
    _merge(api, node, patch)


def soft_taint(api: KubernetesApi, name: str) -> bool:
    """Have the scheduler prefer other nodes; whether that changed anything."""
    return _change_taints(api, name, lambda taints: [*_without_ours(taints), SOFT_TAINT])


def lift_soft_taint(api: KubernetesApi, name: str) -> bool:
    """Take the soft taint off again; whether it was there."""
    return _change_taints(api, name, _without_ours)


def has_soft_taint(node: Object) -> bool:
    """Whether a node carries our taint."""
    return any(taint["key"] == OUTGOING_TAINT for taint in node["spec"].get("taints") or ())


def _mark(node: Object) -> set[str]:
    text = (node["metadata"].get("annotations") or {}).get(ROTATION_ANNOTATION) or ""
    return set(text.split(",")) - {""}


def _without_ours(taints: Taints) -> Taints:
    return [taint for taint in taints if taint["key"] != OUTGOING_TAINT]


def _change_taints(api: KubernetesApi, name: str, change: Callable[[Taints], Taints]) -> bool:
    for _ in range(_MOST_ATTEMPTS):
        node = api.get(path(name))
        if node is None:
            return False
        now = node["spec"].get("taints") or []
        wanted = change(now)
        if sorted(map(str, wanted)) == sorted(map(str, now)):
            return False
        version = {"resourceVersion": node["metadata"]["resourceVersion"]}
        try:
            _merge(api, node, {"metadata": version, "spec": {"taints": wanted or None}})
        except RefusedError as error:
            if error.status != 409:
                raise
        else:
            return True
    raise TransientError(f"the taints of node {name} change all the time")


def _merge(api: KubernetesApi, node: Object, patch: Object) -> None:
    """Patch this node and no later one of its name."""
    metadata = {**patch.get("metadata", {}), "uid": node["metadata"]["uid"]}
    try:
        api.merge(path(node["metadata"]["name"]), {**patch, "metadata": metadata})
    except RefusedError as error:
        if error.status == 404:
            raise StoppedError(f"node {node['metadata']['name']} was deleted meanwhile") from error
        if error.status == _INVALID and "metadata.uid" in str(error):
            name = node["metadata"]["name"]
            raise StoppedError(f"another node has taken the name {name} meanwhile") from error
        raise
