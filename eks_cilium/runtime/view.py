"""One view of a cluster for everything that a process does there: what is read again and again is watched.

Every rotation reads nodes, agents, budgets and workloads at each reading of its own. With a view the API
server is asked once for each collection and then sends changes; all threads of a process read the same
objects from memory. It answers like the client itself, so a caller chooses: `World.seen` for what may be
a moment old, `World.api` where a decision has to be made by what is true now (an eviction, a deletion, the
termination of an instance).

A collection is watched from its first reading on, and no longer when it was not read for a while. What is not
watched, does not exist in the view, or cannot be followed at the moment, is asked of the API server.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from eks_cilium.runtime.storage.parts import CONFIG_MAP, NAMESPACE, PATH_OF_PARTS
from eks_cilium.runtime.watched import IDLE, MAX_AGE_OF_NOTHING, WatchedCollection, is_older, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi, Object
    from eks_cilium.runtime.clock import Time

Kept = TypeVar("Kept")
Made = TypeVar("Made")

_PATH = re.compile(
    r"^(?P<root>/api/v1|/apis/[^/]+/[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?$"
)
CILIUM_CONFIG = "cilium-config"
_OURS = "eks-cilium.io/"
"""How the annotations begin that this program writes."""
_UNUSED_SECONDS = 300.0
_MOST_WATCHES = 200
"""Of one process, each with a connection. What is beyond is asked of the API server."""
_MOST_CONSTANTS = 32
"""Objects that never change, kept instead of being asked for again."""
_LEAST_REST = 0.5
"""Seconds that a caller rests at least, however much changes in a cluster."""


def _as_it_is(obj: Object) -> Object:
    return obj


def _node(obj: Object) -> Object:
    """A node without its list of images, which is most of it."""
    status = {key: value for key, value in (obj.get("status") or {}).items() if key != "images"}
    return {**whole(obj), "status": status}


def _without_template(obj: Object) -> Object:
    """A workload without what people annotate, and of its template for pods with our annotations alone."""
    kept = whole(obj)
    spec = {key: value for key, value in obj["spec"].items() if key not in ("template", "jobTemplate")}
    written = ((obj["spec"].get("template") or {}).get("metadata") or {}).get("annotations") or {}
    if ours := {key: value for key, value in written.items() if key.startswith(_OURS)}:
        spec["template"] = {"metadata": {"annotations": ours}}
    metadata = {key: value for key, value in kept["metadata"].items() if key != "annotations"}
    return {**kept, "metadata": metadata, "spec": spec}


def _endpoint(obj: Object) -> Object:
    """A CiliumEndpoint with whose it is, and nothing of its identity and addresses."""
    names = ("namespace", "name", "uid", "resourceVersion", "ownerReferences")
    return {"metadata": {name: obj["metadata"][name] for name in names if name in obj["metadata"]}}


def _cilium_node(obj: Object) -> Object:
    """A CiliumNode whose pool has its addresses, without what is said of each."""
    ipam = ((obj.get("spec") or {}).get("ipam")) or {}
    if not isinstance(ipam.get("pool"), dict):
        return whole(obj)
    pool = dict.fromkeys(ipam["pool"])
    return {**whole(obj), "spec": {**obj["spec"], "ipam": {**ipam, "pool": pool}}}


@dataclass(frozen=True, slots=True)
class _Watched:
    """How a collection is read."""

    keep: Callable[[Object], Object] = whole
    from_cache: bool = False
    """Whether it is listed in one piece; the larger ones are read page by page."""
    max_age_of_nothing: float = MAX_AGE_OF_NOTHING


_COLLECTIONS: Mapping[str, _Watched] = {
    "/api/v1/nodes": _Watched(_node, from_cache=True),
    "/apis/cilium.io/v2/ciliumnodes": _Watched(_cilium_node, from_cache=True),
    "/apis/policy/v1/poddisruptionbudgets": _Watched(from_cache=True),
    "/apis/apps/v1/daemonsets": _Watched(_as_it_is, from_cache=True),
    "/apis/apps/v1/deployments": _Watched(_without_template),
    "/apis/apps/v1/replicasets": _Watched(_without_template),
    "/apis/apps/v1/statefulsets": _Watched(_without_template),
    "/api/v1/replicationcontrollers": _Watched(_without_template),
    "/apis/batch/v1/jobs": _Watched(_without_template),
    "/apis/batch/v1/cronjobs": _Watched(_without_template),
    "/apis/storage.k8s.io/v1/csinodes": _Watched(),
    "/api/v1/services": _Watched(),
    "/apis/networking.k8s.io/v1/ingresses": _Watched(),
    # Where its controller is installed meanwhile, it registers no node that has been cordoned.
    "/apis/elbv2.k8s.aws/v1beta1/targetgroupbindings": _Watched(max_age_of_nothing=60.0),
}
"""What is watched as a whole, with the objects of all namespaces."""
_PARTS: Mapping[str, _Watched] = {
    "/api/v1/pods": _Watched(from_cache=True),
    "/apis/cilium.io/v2/ciliumendpoints": _Watched(_endpoint, from_cache=True),
}
"""What is watched in parts alone, by selectors or of one namespace: a cluster has too many of these."""
_CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
_BY_NAME = {f"{_CONFIG_MAPS}/{name}": (_CONFIG_MAPS, name) for name in (CONFIG_MAP, CILIUM_CONFIG)}
"""Single objects that are watched: their collection and their name."""


class View:
    """The view of one cluster. It has the reading half of the client, and errors as there.

    Args:
        api: A client of its own, which stays open for as long as the view.
        time: Clock and sleep of the process.
        follow: Keeps a collection up to date from now on, in a thread of its own; None: each reading takes
            what has arrived, for a transport that answers a watch without blocking.
    """

    def __init__(
        self,
        api: KubernetesApi,
        time: Time,
        follow: Callable[[WatchedCollection], None] | None = None,
    ) -> None:
        self._api, self._time, self._follow = api, time, follow
        self._collections: dict[tuple[str, ...], WatchedCollection] = {}
        self._steps: dict[tuple[str, ...], _Steps] = {}
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        self._changes = 0
        self._latest = ""
        self._derived: dict[str, tuple[tuple[object, ...], Any]] = {}
        self._remembered: dict[str, tuple[str, float]] = {}
        self._constants: dict[str, Object] = {}

    def get(self, path: str) -> Object | None:
        """One object; what the view does not have is asked of the API server."""
        if path.startswith(PATH_OF_PARTS):
            return self._unchanging(path)
        found = self._find(path)
        return found if found is not None else self._api.get(path)

    def _unchanging(self, path: str) -> Object | None:
        """An object that is read once, since it never changes."""
        found = self._constants.get(path) or self._api.get(path)
        if found is not None:
            if len(self._constants) >= _MOST_CONSTANTS:
                self._constants.clear()
            self._constants[path] = found
        return found

    def each(self, path: str, keep: Callable[[Object], Kept], **selectors: str) -> list[Kept]:
        """What `keep` returns for each object of a collection."""
        parsed = _PATH.match(path)
        if parsed is None or parsed["name"]:
            return self._api.each(path, keep, **selectors)
        whole_path = f"{parsed['root']}/{parsed['plural']}"
        is_part = whole_path in _PARTS and bool(selectors or parsed["namespace"])
        if not (is_part or (whole_path in _COLLECTIONS and not selectors)):
            return self._api.each(path, keep, **selectors)
        collection = self._collection(path if is_part else whole_path, selectors)
        if collection is None:
            return self._api.each(path, keep, **selectors)
        wanted = None if is_part else parsed["namespace"]
        return [
            keep(obj)
            for obj in collection.objects()
            if wanted in (None, obj["metadata"].get("namespace", ""))
        ]

    def list(self, path: str, **selectors: str) -> list[Object]:
        """All objects of a collection. They are shared with other readers, so they must not be changed."""
        return self.each(path, _as_it_is, **selectors)

    def note(self, path: str, obj: Object) -> None:
        """Take over what another request of this process was answered; see `KubernetesApi.observe`."""
        version = str((obj.get("metadata") or {}).get("resourceVersion") or "")
        if is_older(self._latest or "0", version):
            self._latest = version
        named = _BY_NAME.get(path)
        parsed = _PATH.match(path)
        if parsed is None:
            return
        key = (named[0], f"metadata.name={named[1]}") if named else (f"{parsed['root']}/{parsed['plural']}",)
        collection = self._collections.get(key)
        if collection is None:
            return
        if obj:
            collection.note(obj)
        elif named:  # what stops first is left to its watch
            collection.forget(NAMESPACE, named[1])

    def release(self, path: str, **selectors: str) -> None:
        """Watch this selection no longer: what it was read for is over."""
        with self._lock:
            self._drop(self._key(path, selectors))

    def rest(self, seconds: float) -> None:
        """Sleep for so long, or until something has changed in what is watched."""
        if self._follow is None:
            self._time.sleep(seconds)
            return
        seen = self._changes
        self._time.sleep(min(_LEAST_REST, seconds))
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, timeout=max(seconds - _LEAST_REST, 0))

    def derived(self, name: str, make: Callable[[], Made], *sources: tuple[str, Mapping[str, str]]) -> Made:
        """What `make` returns, made anew only when one of its sources (paths and selectors) has changed."""
        versions = tuple(self._version_of(path, selectors) for path, selectors in sources)
        with self._lock:
            kept = self._derived.get(name)
        if kept is None or kept[0] != versions or None in versions:
            kept = (versions, make())
            with self._lock:
                self._derived[name] = kept
        made: Made = kept[1]
        return made

    def remembered(self, name: str, ask: Callable[[], tuple[str, float]]) -> str:
        """The answer to a question that is asked again and again; it comes with the seconds it holds for."""
        now = self._time.monotonic()
        answer, until = self._remembered.get(name, ("", 0.0))
        if now >= until:
            answer, seconds = ask()
            self._remembered[name] = (answer, now + seconds)
        return answer

    def close(self) -> None:
        """Follow no collection any longer."""
        with self._lock:
            for collection in self._collections.values():
                collection.close()
            self._collections.clear()
            self._steps.clear()

    def _version_of(self, path: str, selectors: Mapping[str, str]) -> tuple[int, int] | None:
        collection = self._collection(path, selectors)
        if collection is None:
            return None
        collection.objects()
        return id(collection), collection.generation

    def _find(self, path: str) -> Object | None:
        if named := _BY_NAME.get(path):
            collection = self._collection(named[0], {"fieldSelector": f"metadata.name={named[1]}"})
            return collection.find(NAMESPACE, named[1]) if collection else None
        parsed = _PATH.match(path)
        whole_path = f"{parsed['root']}/{parsed['plural']}" if parsed else ""
        if parsed is None or not parsed["name"] or whole_path not in _COLLECTIONS:
            return None
        collection = self._collection(whole_path, {})
        return collection.find(parsed["namespace"] or "", parsed["name"]) if collection else None

    def _collection(self, path: str, selectors: Mapping[str, str]) -> WatchedCollection | None:
        """The collection as it is now; None where as many are watched as can be."""
        key = self._key(path, selectors)
        with self._lock:
            found = self._collections.get(key)
            if found is None:
                self._drop_unused()
                if len(self._collections) >= _MOST_WATCHES:
                    return None
                found = self._collections[key] = self._begun(path, selectors)
                if self._follow is None:
                    self._steps[key] = _Steps(found, self._time.monotonic)
                else:
                    self._follow(found)
            steps = self._steps.get(key)
        if steps is not None:
            steps.take()
        return found

    def _begun(self, path: str, selectors: Mapping[str, str]) -> WatchedCollection:
        parsed = _PATH.match(path)
        whole_path = f"{parsed['root']}/{parsed['plural']}" if parsed else path
        how = _COLLECTIONS.get(path) or _PARTS.get(whole_path) or _Watched(from_cache=True)
        return WatchedCollection(
            self._api,
            path,
            selectors,
            monotonic=self._time.monotonic,
            keep=how.keep,
            from_cache=how.from_cache,
            max_age_of_nothing=how.max_age_of_nothing,
            changed=self._note_change,
            is_behind=lambda version: is_older(version, self._latest),
        )

    def _drop_unused(self) -> None:
        for key, collection in list(self._collections.items()):
            if collection.idle_seconds > _UNUSED_SECONDS:
                self._drop(key)

    def _drop(self, key: tuple[str, ...]) -> None:
        if (collection := self._collections.pop(key, None)) is not None:
            collection.close()
            self._steps.pop(key, None)

    @staticmethod
    def _key(path: str, selectors: Mapping[str, str]) -> tuple[str, ...]:
        return (path, *(selectors[name] for name in sorted(selectors)))

    def wake(self) -> None:
        """End the rest of every reader."""
        self._note_change()

    def _note_change(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()


class _Steps:
    """The steps of following one collection, taken as far as there is something to take."""

    def __init__(self, collection: WatchedCollection, monotonic: Callable[[], float]) -> None:
        self._steps: Iterator[float] = collection.follow()
        self._monotonic, self._not_before = monotonic, 0.0
        self._taking = threading.Lock()

    def take(self) -> None:
        """Take what has arrived. After a failure the next reader lists the collection."""
        with self._taking:
            if self._monotonic() < self._not_before:
                return
            for pause in self._steps:
                if pause > 0:
                    self._not_before = self._monotonic() + pause
                if pause > 0 or pause == IDLE:
                    return


def in_threads(collection: WatchedCollection) -> None:
    """Follow a collection in a thread of its own, which ends with the process at the latest."""

    def follow() -> None:
        with suppress(RuntimeError):  # at the end of the interpreter
            for pause in collection.follow():
                if pause > 0 and collection.wait_closed(pause):
                    return

    threading.Thread(target=follow, name=f"watch {collection.path}", daemon=True).start()
