"""What a migration writes on nodes: labels, taints, annotations and the cordon.

Every write names the node's UID, so that it never reaches a later node with the same name. A write that would
change nothing is not sent. The list of taints is written with the resourceVersion it was read with, since
other controllers write taints as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import OUTGOING_TAINT, ROTATION_ANNOTATION
from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import RefusedError, TransientError
from eks_cilium.runtime.errors import StoppedError
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.cluster.objects import Object

Taints = list[dict[str, Any]]

EXCLUDED_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
"""Service controllers remove a node with this label from their load balancers."""
SOFT_TAINT = {"key": OUTGOING_TAINT, "effect": "PreferNoSchedule"}

_ROTATING, _CORDONED, _EXCLUDED = "rotating", "cordoned", "excluded"
"""Parts of the annotation: the node is being replaced; this program cordoned it; it set the label."""
_MOST_ATTEMPTS = 8
_INVALID = 422
"""The API server's answer to a patch with another UID, since a UID cannot be changed."""


def path(name: str) -> str:
    return f"/api/v1/nodes/{name}"


def label(api: KubernetesApi, node: Object, key: str, value: str | None) -> bool:
    """Set a label of a node, or remove it (None); returns whether that changed anything."""
    if (node["metadata"].get("labels") or {}).get(key) == value:
        return False
    _merge(api, node, {"metadata": {"labels": {key: value}}})
    return True


def annotate(api: KubernetesApi, node: Object, values: Mapping[str, str | None]) -> None:
    """Set annotations of a node, or remove those whose value is None."""
    present = node["metadata"].get("annotations") or {}
    if any(present.get(key) != value for key, value in values.items()):
        _merge(api, node, {"metadata": {"annotations": dict(values)}})


def is_ours(node: Object) -> bool:
    """Whether this program marked the node as being replaced; it may have been uncordoned since."""
    return _ROTATING in _mark(node)


def cordon(api: KubernetesApi, node: Object) -> None:
    """Cordon a node and exclude it from load balancers; an annotation says what this program changed."""
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
    """Undo what `cordon` changed, and keep what was set before."""
    if not is_ours(node):
        return
    done = _mark(node)
    patch: Object = {"metadata": {"annotations": {ROTATION_ANNOTATION: None}}}
    if _EXCLUDED in done:
        patch["metadata"]["labels"] = {EXCLUDED_LABEL: None}
    if _CORDONED in done:
        patch["spec"] = {"unschedulable": None}
    _merge(api, node, patch)


def soft_taint(api: KubernetesApi, name: str, node: Object | None = None) -> bool:
    """Have the scheduler prefer other nodes; returns whether that changed anything.

    `node` is its object as it was read just now, if it was.
    """
    return _change_taints(api, name, lambda taints: [*_without_ours(taints), SOFT_TAINT], node)


def lift_soft_taint(api: KubernetesApi, name: str) -> bool:
    """Remove the soft taint; returns whether it was there."""
    return _change_taints(api, name, _without_ours)


def has_soft_taint(node: Object) -> bool:
    return any(taint["key"] == OUTGOING_TAINT for taint in node["spec"].get("taints") or ())


def _mark(node: Object) -> set[str]:
    text = (node["metadata"].get("annotations") or {}).get(ROTATION_ANNOTATION) or ""
    return set(text.split(",")) - {""}


def _without_ours(taints: Taints) -> Taints:
    return [taint for taint in taints if taint["key"] != OUTGOING_TAINT]


def _change_taints(
    api: KubernetesApi, name: str, change: Callable[[Taints], Taints], node: Object | None = None
) -> bool:
    for _ in range(_MOST_ATTEMPTS):
        node = node or api.get(path(name))
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
            node = None
        else:
            return True
    raise TransientError(
        f"the taints of node {name} were changed by another controller in each of {_MOST_ATTEMPTS} attempts "
        "to write them"
    )


def _merge(api: KubernetesApi, node: Object, patch: Object) -> None:
    metadata = {**patch.get("metadata", {}), "uid": node["metadata"]["uid"]}
    try:
        api.merge(path(node["metadata"]["name"]), {**patch, "metadata": metadata})
    except RefusedError as error:
        if error.status == 404:
            raise StoppedError(
                Topic.NODES_CHANGED, f"node {node['metadata']['name']} was deleted meanwhile"
            ) from error
        if error.status == _INVALID and "metadata.uid" in str(error):
            name = node["metadata"]["name"]
            raise StoppedError(
                Topic.NODES_CHANGED, f"another node has taken the name {name} meanwhile"
            ) from error
        raise
