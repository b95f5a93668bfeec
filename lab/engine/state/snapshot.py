"""The state of a run in progress, and when it is saved.

The whole state is saved atomically before an operation whose loss would orphan a resource, and after each
result. Threads that save at the same time share one write.
"""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING

from lab.engine.state.deployment import Deployment, Pending, check_integrity, document_head
from lab.engine.state.urns import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lab.engine.state.encryption import Crypter
    from lab.engine.state.resources import Resource
    from lab.engine.state.store import Store


class Snapshot:
    """The state of a run in progress: new results first, then the rest of the previous state."""

    def __init__(self, deployment: Deployment, crypter: Crypter, store: Store, stack: str) -> None:
        self._crypter = crypter
        self._store = store
        self._stack = stack
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._base = list(deployment.resources)
        self._dropped: set[int] = set()
        self._news: dict[int, Resource] = {}
        # A creation without a known result may have left a resource behind, so it stays listed until the user
        # removes it.
        self._kept = [entry for entry in deployment.pending if entry.kind == "creating"]
        self._pending: dict[int, Pending] = {}
        self._texts: dict[int, tuple[Resource, str]] = {}
        self._version = 0
        self._written = 0

    def resources(self) -> list[Resource]:
        """All resources of the current state, dependencies first."""
        with self._lock:
            return self._resources()

    def _resources(self) -> list[Resource]:
        news = list(self._news.values())
        names = {alias: resource.urn for resource in news for alias in resource.aliases}
        left = [resource for resource in self._base if id(resource) not in self._dropped]
        news = [resource.renamed(names) if names else resource for resource in news]
        return news + [resource.renamed(names) if names else resource for resource in left]

    @contextlib.contextmanager
    def operation(self, kind: str, resource: Resource) -> Iterator[None]:
        """List an operation as pending while it runs; it is on disk before the caller continues."""
        key = id(resource)
        with self._lock:
            self._pending[key] = Pending(kind, resource)
            version = self._touch()
        self._write(version)
        try:
            yield
        except BaseException:
            with self._lock:
                self._pending.pop(key, None)
                version = self._touch()
            self._write(version)
            raise
        with self._lock:
            self._pending.pop(key, None)
            self._touch()

    def record(
        self,
        *,
        add: Resource | None = None,
        drop: Resource | None = None,
        changed: Resource | None = None,
        write: bool = True,
    ) -> None:
        """Record a result in one write: a resource added, an old one dropped, one changed in place."""
        with self._lock:
            if drop is not None:
                self._dropped.add(id(drop))
                self._news.pop(id(drop), None)
            if add is not None:
                self._news[id(add)] = add
                self._texts.pop(id(add), None)
            if changed is not None:
                self._texts.pop(id(changed), None)
            version = self._touch()
        if write:
            self._write(version)

    def substitute(self, old: Resource, new: Resource) -> None:
        """Replace a resource by its refreshed form; saved with the next write."""
        with self._lock:
            self._base = [new if resource is old else resource for resource in self._base]
            self._touch()

    def strip(self, deleted: set[str]) -> None:
        """Remove references to deleted resources from the remaining ones."""
        with self._lock:
            self._base = [_without(resource, deleted) for resource in self._resources()]
            self._dropped.clear()
            self._news.clear()
            self._texts.clear()
            version = self._touch()
        self._write(version)

    def close(self) -> None:
        """Save what is not saved yet, then check the integrity of the state."""
        self._write(self._version)
        check_integrity(self.resources())

    def _touch(self) -> int:
        self._version += 1
        return self._version

    def _write(self, version: int) -> None:
        with self._writing:
            if self._written >= version:
                return
            with self._lock:
                version = self._version
                resources = self._resources()
                pending = [*self._kept, *self._pending.values()]
            self._store.write_text(self._stack, self._text(resources, pending))
            self._written = version

    def _text(self, resources: list[Resource], pending: list[Pending]) -> str:
        # JSON of unchanged resources is kept: serialising all of them after each step would be quadratic.
        operations = [
            f'{{"resource": {self._fresh_text(entry.resource)}, "type": {json.dumps(entry.kind)}}}'
            for entry in pending
        ]
        fields = {key: json.dumps(value) for key, value in document_head(self._crypter).items()}
        fields["resources"] = _lines(self._resource_text(resource) for resource in resources)
        fields["pending_operations"] = _lines(operations)
        return "{" + ",\n".join(f'"{key}": {text}' for key, text in fields.items()) + "}"

    def _resource_text(self, resource: Resource) -> str:
        kept = self._texts.get(id(resource))
        if kept is None or kept[0] is not resource:
            kept = self._texts[id(resource)] = (resource, self._fresh_text(resource))
        return kept[1]

    def _fresh_text(self, resource: Resource) -> str:
        return json.dumps(resource.to_json(self._crypter.encrypt), ensure_ascii=False)


def _lines(items: Iterable[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n]"


def _without(resource: Resource, deleted: set[str]) -> Resource:
    if not resource.needs() & deleted:
        return resource
    return resource.clone(
        dependencies=[urn for urn in resource.dependencies if urn not in deleted],
        property_dependencies={
            key: [urn for urn in urns if urn not in deleted]
            for key, urns in resource.property_dependencies.items()
        },
        deleted_with="" if resource.deleted_with in deleted else resource.deleted_with,
        parent="" if resource.parent in deleted else resource.parent,
        provider=""
        if resource.provider and parse_reference(resource.provider).urn in deleted
        else resource.provider,
    )
