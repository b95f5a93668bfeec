"""One collection of the Kubernetes API that is kept up to date by a watch instead of being listed again.

As client-go's reflector does it (k8s.io/client-go, tools/cache/reflector.go): list, watch from the version of
the list with bookmarks, connect again from the last version that was seen, and list again when the server has
forgotten that version (410 Gone). `eks_cilium.runtime.view` has one of these for each collection that a run
reads again and again.

A collection that is not followed at the moment is never taken for a current one: it is listed again, at most
every `max_age` seconds for all of its readers.
"""

from __future__ import annotations

import json
import random
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from eks_cilium.errors import ProgramError, RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi, Object

IDLE = -1.0
"""What `follow` yields when the server has nothing to tell; see there."""
MAX_AGE = 2.0
"""Seconds for which a list is current without a watch."""
MAX_AGE_OF_NOTHING = 10.0
"""The same where the server does not have the collection."""

_SHORTEST, _LONGEST = 1200, 1800
"""Seconds after which the server ends a watch; a random number between them, so that not all end at once."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_SHORTEST_LIFE = 10.0
"""A watch that the server ends sooner than so many seconds is not connected again at once."""
_UNSERVED_PAUSE = 60.0
"""Seconds between two attempts to follow what the server does not have, or may not be watched."""
_GONE = 410
_NOT_SERVED = frozenset({403, 404, 405})


class _ExpiredError(Exception):
    """The server has forgotten the version that a watch was to begin at."""


def whole(obj: Object) -> Object:
    """Keep an object as the server sent it, apart from the records of who owns which field."""
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


class WatchedCollection:
    """The objects of one collection; safe to use from several threads.

    Args:
        api: The API server.
        path: The collection.
        selectors: `labelSelector` and `fieldSelector`.
        keep: Takes an object out of an answer, and returns what has to be kept of it.
        monotonic: A clock in seconds.
        changed: Called after each change of an object.
        from_cache: Whether the first list may come from the server's cache in one piece
            (`resourceVersion=0`), which spares the server; else it is read page by page, which spares memory.
        max_age: Seconds for which a list is current without a watch.
        max_age_of_nothing: The same where the server does not have the collection.
        is_behind: Whether a version is older than one that this process has seen in another answer.
        jitter: A random number between 0 and 1.
    """

    def __init__(
        self,
        api: KubernetesApi,
        path: str,
        selectors: Mapping[str, str],
        *,
        monotonic: Callable[[], float],
        keep: Callable[[Object], Object] = whole,
        changed: Callable[[], None] = lambda: None,
        from_cache: bool = True,
        max_age: float = MAX_AGE,
        max_age_of_nothing: float = MAX_AGE_OF_NOTHING,
        is_behind: Callable[[str], bool] = lambda _: False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.path = path
        self._api, self._selectors, self._keep = api, dict(selectors), keep
        self._monotonic, self._changed, self._jitter = monotonic, changed, jitter
        self._from_cache, self._is_behind = from_cache, is_behind
        self._max_age, self._max_age_of_nothing = max_age, max(max_age, max_age_of_nothing)
        self._lock = threading.RLock()
        self._objects: dict[tuple[str, str], Object] = {}
        self._version = self._listed_version = ""
        self._listed_at: float | None = None
        self._is_followed = False
        self._last_read = monotonic()
        self._closed = threading.Event()
        self.generation = 0
        """Grows with every change of an object."""

    def objects(self) -> list[Object]:
        """All objects as they are now. Raises what a list raises where it has to be listed."""
        with self._lock:
            self._refresh()
            return list(self._objects.values())

    def find(self, namespace: str, name: str) -> Object | None:
        """One object as it is now; None where the collection does not have it. Raises as `objects` does."""
        with self._lock:
            self._refresh()
            return self._objects.get((namespace, name))

    def note(self, obj: Object) -> None:
        """Take over a later state of an object from the answer to another request, as to a write.

        So that a reading after a write of this process does not show what was there before.
        """
        with self._lock:
            key = _key(obj)
            known = self._objects.get(key)
            if known is not None and _uid(known) == _uid(obj) and _is_newer(obj, known):
                self._put(key, obj)

    def forget(self, namespace: str, name: str) -> None:
        """Note that an object was deleted by a request of this process."""
        with self._lock:
            if self._objects.pop((namespace, name), None) is not None:
                self._count()

    @property
    def idle_seconds(self) -> float:
        """Seconds since it was read last."""
        return self._monotonic() - self._last_read

    def close(self) -> None:
        """Follow no longer; `follow` ends with what the server sends next."""
        self._closed.set()

    def wait_closed(self, seconds: float) -> bool:
        """Wait for `close`; whether it was called."""
        return self._closed.wait(seconds)

    def follow(self) -> Iterator[float]:
        """Keep the collection up to date, for as long as this is iterated over and it is not closed.

        Yields after each step: 0 where the next may follow at once, IDLE where the server has nothing to
        tell at the moment, and otherwise the seconds to pause after a failure. A stream that blocks until
        something happens never yields IDLE: this is iterated over in a thread of its own.
        """
        pause = _FIRST_PAUSE
        while not self._closed.is_set():
            began = self._monotonic()
            try:
                for step in self._watched():
                    pause = _FIRST_PAUSE
                    yield step
                if self._monotonic() - began < _SHORTEST_LIFE:
                    yield self._jittered(_FIRST_PAUSE)
            except _ExpiredError:
                self._version = ""
            except RefusedError as error:
                if error.status == _GONE:
                    self._version = ""
                    continue
                yield _UNSERVED_PAUSE if error.status in _NOT_SERVED else self._jittered(_LONGEST_PAUSE)
            except ProgramError:
                yield self._jittered(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def _watched(self) -> Iterator[float]:
        """List where no version is known, then one watch until the server ends it."""
        with self._lock:
            if not self._version:
                self._list()
            version = self._version
        if not version:
            raise RefusedError(f"{self.path} cannot be watched", status=404)
        seconds = round(_SHORTEST + self._jitter() * (_LONGEST - _SHORTEST))
        with self._api.watch(self.path, version, self._selectors, seconds=seconds) as chunks:
            # What was missed between the list and this moment follows at once.
            self._is_followed = True
            try:
                for lines in _lines(chunks):
                    self._take(lines)
                    yield 0.0 if lines else IDLE
                    if self._closed.is_set():
                        return
            finally:
                self._is_followed = False

    def _take(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            try:
                event = json.loads(line)
                kind, obj = event["type"], event["object"]
            except (ValueError, KeyError, TypeError) as error:
                raise TransientError(f"a watch of {self.path} was answered with no event") from error
            self._apply(kind, obj)

    def _apply(self, kind: str, obj: Object) -> None:
        if kind == "ERROR":
            if obj.get("code") == _GONE:
                raise _ExpiredError
            raise TransientError(f"the watch of {self.path} ended: {obj.get('message', '')}")
        key, version = _key(obj), str((obj.get("metadata") or {}).get("resourceVersion") or "")
        with self._lock:
            if is_older(version, self._listed_version):
                return  # a list that was read meanwhile has it
            self._version = version or self._version
            if kind == "DELETED" and key in self._objects and _uid(self._objects[key]) == _uid(obj):
                del self._objects[key]
                self._count()
            elif kind in ("ADDED", "MODIFIED") and _is_newer(obj, self._objects.get(key)):
                self._put(key, obj)

    def _put(self, key: tuple[str, str], obj: Object) -> None:
        self._objects[key] = self._keep(obj)
        self._count()

    def _count(self) -> None:
        self.generation += 1
        self._changed()

    def _refresh(self) -> None:
        """List again, unless the collection is followed or was listed a moment ago."""
        now = self._last_read = self._monotonic()
        if self._is_followed:
            return
        max_age = self._max_age if self._listed_version else self._max_age_of_nothing
        if self._listed_at is None or now - self._listed_at >= max_age:
            self._list()

    def _list(self) -> None:
        """Take over a new list, never one that is older than what this process knows already."""
        is_first = self._listed_at is None
        objects, version = self._listed(from_cache=is_first and self._from_cache)
        if is_first and self._from_cache and self._is_behind(version):
            # The cache of one of several API servers may be behind the one that was written to.
            objects, version = self._listed(from_cache=False)
        listed = {_key(obj): obj for obj in objects}
        if listed != self._objects:
            self._objects = listed
            self._count()
        self._version = self._listed_version = version
        self._listed_at = self._monotonic()

    def _listed(self, *, from_cache: bool) -> tuple[list[Object], str]:
        return self._api.listed(self.path, self._keep, self._selectors, from_cache=from_cache)

    def _jittered(self, seconds: float) -> float:
        return seconds * (0.5 + self._jitter() / 2)


def _lines(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The whole lines of each chunk; none for an empty chunk."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        found = [line for line in lines if line.strip()]
        if found or not chunk:
            yield found


def _key(obj: Object) -> tuple[str, str]:
    metadata = obj.get("metadata") or {}
    return metadata.get("namespace", ""), metadata.get("name", "")


def _uid(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("uid", ""))


def _is_newer(obj: Object, known: Object | None) -> bool:
    if known is None or _uid(known) != _uid(obj):
        return True
    return not is_older(obj["metadata"].get("resourceVersion"), known["metadata"].get("resourceVersion"))


def is_older(version: str | None, than: str | None) -> bool:
    """Whether a version of an object or a list is older than another.

    Versions of one kind may be compared as numbers: KEP-5504, "Comparable Resource Version", states what
    etcd's revisions have always been. Where one is no number, it is taken for new.
    """
    with suppress(TypeError, ValueError):
        return int(version or "") < int(than or "")
    return False
