"""What a pod keeps on the disk of its node: emptyDir volumes, and directories of the node itself.

Of both only what may hold data is kept as a fact. Sockets, memory and temporary files are no data: they would
not survive a restart of the node either.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEMPORARY = tuple(map(PurePosixPath, ("/tmp", "/run", "/var/run", "/dev/shm")))  # noqa: S108 - compared only
"""Programs must not expect files there to be kept (Filesystem Hierarchy Standard 3.0, 3.15, 3.18, 5.13).

/dev/shm is no part of that standard: it is a file system in memory (man page shm_overview).
"""

_OF_THE_SYSTEM = tuple(
    map(
        PurePosixPath,
        (
            *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/tmp"),  # noqa: S108
            *("/usr", "/var/log", "/var/run", "/var/tmp", "/opt/cni", "/opt/aws", "/.bottlerocket"),  # noqa: S108
            *("/var/lib/cni", "/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet"),
        ),
    )
)
"""Directories that the node's image, its kubelet and its container runtime fill; each node has its own."""
_NO_DIRECTORY = frozenset({"Socket", "CharDevice", "BlockDevice"})


def empty_dirs(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the emptyDir volumes on the node's disk that may hold data.

    A volume in memory is none: the Cluster Autoscaler does not count it either (`isLocalVolume` in
    cluster-autoscaler/utils/drain/drain.go of kubernetes/autoscaler). Nor is one that containers only have at
    a place for temporary files.
    """
    found = [
        volume["name"]
        for volume in spec.get("volumes") or ()
        if volume.get("emptyDir") is not None and (volume["emptyDir"] or {}).get("medium") != "Memory"
    ]
    if not found:
        return ()
    mounts = _mounts(spec)
    return tuple(
        name
        for name in found
        if not (mounts[name] and all(_is_temporary(mount["mountPath"]) for mount in mounts[name]))
    )


def host_paths(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Directories of the node that a container may write data to."""
    found = {
        volume["name"]: volume["hostPath"]
        for volume in spec.get("volumes") or ()
        if volume.get("hostPath") is not None
    }
    if not found:
        return ()
    mounts = _mounts(spec)
    return tuple(
        source["path"]
        for name, source in found.items()
        if source.get("type") not in _NO_DIRECTORY
        and not _is_of_the_system(source["path"])
        and not (mounts[name] and all(mount.get("readOnly") for mount in mounts[name]))
    )


def _mounts(spec: Mapping[str, Any]) -> Mapping[str, list[Mapping[str, Any]]]:
    """Where containers have each volume, by its name."""
    mounts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for container in _containers(spec):
        for mount in container.get("volumeMounts") or ():
            mounts[mount["name"]].append(mount)
    return mounts


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(kind) or ()


@cache  # the pods of a large cluster have few different paths
def _is_temporary(path: str) -> bool:
    return _is_below(path, _TEMPORARY)


@cache
def _is_of_the_system(path: str) -> bool:
    """Whether a path is the root, or a directory of the system or below it."""
    return path == "/" or _is_below(path, _OF_THE_SYSTEM)


def _is_below(written: str, folders: tuple[PurePosixPath, ...]) -> bool:
    path = PurePosixPath(written)
    return any(folder == path or folder in path.parents for folder in folders)
