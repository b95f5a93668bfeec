"""Which properties of an object differ, and which of them Kubernetes does not allow to change.

A change of such a property needs a new object. The table is the official provider's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.providers.resource import Change
from lab.providers.values import Kind, Unknown, property_path, type_strict_key

Path = tuple[str | int, ...]

_WORKLOAD = ("spec.selector",)
_ROLE_BINDING = ("roleRef",)
_IMMUTABLE: dict[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): _WORKLOAD,
    ("apps", "DaemonSet"): _WORKLOAD,
    ("apps", "StatefulSet"): (
        *_WORKLOAD,
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _ROLE_BINDING,
    ("rbac.authorization.k8s.io", "RoleBinding"): _ROLE_BINDING,
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "PersistentVolume"): (
        "spec.csi",
        "spec.hostPath",
        "spec.local",
        "spec.nfs",
        "spec.awsElasticBlockStore",
    ),
    # All of a Pod's specification but what its API allows to change.
    ("", "Pod"): ("spec",),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Service"): ("spec.clusterIP",),
}


def object_changes(
    old: Mapping[str, Any], new: Mapping[str, Any], *, mutable_config_maps: bool, mutable_secrets: bool
) -> list[Change]:
    """Every difference between two inputs of an object, and whether it needs a new object."""
    immutable = [
        tuple(path.split(".")) for path in immutable_paths(new, mutable_config_maps, mutable_secrets)
    ]
    return [
        change(path, kind, replaces=any(_touches(path, value, pattern) for pattern in immutable))
        for path, kind, value in _walk(old, new, ())
    ]


def change(path: Path, kind: Kind, *, replaces: bool = False) -> Change:
    """A difference as the official provider reports it: only what is gone is one of inputs.

    Otherwise a refresh would show a value that was changed in the cluster as `"x" => "x"`
    (pulumi-kubernetes, provider/pkg/provider/provider.go, `addPatchValueToDiff`).
    """
    return Change(_text(path), kind, replaces=replaces, of_inputs=kind == "delete")


def immutable_paths(
    manifest: Mapping[str, Any], mutable_config_maps: bool, mutable_secrets: bool
) -> Sequence[str]:
    """The properties that cannot change during the life of an object of this kind."""
    group, _, _ = str(manifest.get("apiVersion", "")).rpartition("/")
    kind, declared = str(manifest.get("kind")), manifest.get("immutable") is True
    paths = ["metadata.name", "metadata.namespace"]
    if (group, kind) == ("", "Secret"):
        paths += ["type"] if mutable_secrets and not declared else ["type", "stringData", "data"]
    elif (group, kind) == ("", "ConfigMap"):
        paths += [] if mutable_config_maps and not declared else ["binaryData", "data"]
    return [*paths, *_IMMUTABLE.get((group, kind), ())]


def _walk(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Kind, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _walk_items(dict(old), dict(new), path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _walk_items(dict(enumerate(old)), dict(enumerate(new)), path)
    elif isinstance(new, Unknown) or type_strict_key(old) != type_strict_key(new):
        yield path, "update", new


def _walk_items(
    old: Mapping[Any, Any], new: Mapping[Any, Any], path: Path
) -> Iterator[tuple[Path, Kind, Any]]:
    for key in {**old, **new}:
        if key not in new:
            yield (*path, key), "delete", None
        elif key not in old:
            yield (*path, key), "add", new[key]
        else:
            yield from _walk(old[key], new[key], (*path, key))


def _touches(path: Path, value: Any, pattern: Path) -> bool:
    """Whether a change at `path` is inside the pattern, or brings a value that reaches it."""
    shared = min(len(path), len(pattern))
    if path[:shared] != pattern[:shared]:
        return False
    for key in pattern[shared:]:
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def _text(path: Path) -> str:
    text = ""
    for key in path:
        text = property_path(text, key)
    return text


def merge_changes(old_inputs: Any, live: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """Three-way: what `new` sets and `live` lacks, and what `old_inputs` set and `new` does not.

    A property that is only in `live` was set by another field manager and does not count.
    """
    if not (isinstance(live, Mapping) and isinstance(new, Mapping)):
        yield from (change(where, kind) for where, kind, _ in _walk(live, new, path))
        return
    asked = old_inputs if isinstance(old_inputs, Mapping) else {}
    for key, value in new.items():
        if key not in live:
            yield change((*path, key), "add")
        else:
            yield from merge_changes(asked.get(key), live[key], value, (*path, key))
    for key in live:
        if key in asked and key not in new:
            yield change((*path, key), "delete")
