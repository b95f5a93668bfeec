"""A stack's state on disk: Pulumi's deployment format (version 3) in the CLI's own file layout.

`Store` finds, reads and replaces the files; `Snapshot` is the state of a run in progress. It is written,
whole and atomically, before an operation whose loss would orphan something and after each result; writers
that arrive together share one write.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.engine.errors import StateError, UserError
from lab.engine.state.resources import Resource
from lab.engine.state.urns import parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lab.engine.state.passphrase import Crypter

_VERSION = "3.272.0"


@dataclass(frozen=True)
class Pending:
    """An operation that was begun and of whose end nothing is known."""

    kind: str
    resource: Resource


@dataclass
class Deployment:
    """What a state file holds."""

    resources: list[Resource] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)

    def stack_outputs(self) -> dict[str, Any]:
        """The outputs of the stack itself."""
        for resource in self.resources:
            if resource.type == "pulumi:pulumi:Stack" and not resource.delete:
                return resource.outputs
        return {}


def check_integrity(resources: Iterable[Resource]) -> None:
    """Refuse a list in which a resource comes before something it needs."""
    seen: set[str] = set()
    live: set[str] = set()
    for resource in resources:
        for urn in sorted(resource.needs() - seen):
            msg = f"{resource.urn} needs {urn}, which the state does not hold before it"
            raise StateError(msg)
        if not resource.delete and resource.urn in live:
            msg = f"{resource.urn} is in the state twice"
            raise StateError(msg)
        if not resource.delete:
            live.add(resource.urn)
        seen.add(resource.urn)


def secrets_salt(document: dict[str, Any]) -> str | None:
    """The passphrase's salt a deployment was written with."""
    provider = document.get("secrets_providers") or {}
    if not provider:
        return None
    if provider.get("type") != "passphrase":
        msg = f"the state's secrets are kept by '{provider.get('type')}', this engine knows passphrases only"
        raise UserError(msg)
    salt = provider["state"]["salt"]
    return str(salt)


def read_deployment(document: dict[str, Any], crypter: Crypter | None) -> Deployment:
    """The deployment of a `deployment` or `latest` document."""

    def decrypt(text: str) -> str:
        if crypter is None:
            msg = "the state holds secrets: set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE"
            raise UserError(msg)
        return crypter.decrypt(text)

    resources = [Resource.from_json(written, decrypt) for written in document.get("resources") or []]
    pending = [
        Pending(str(written["type"]), Resource.from_json(written["resource"], decrypt))
        for written in document.get("pending_operations") or []
    ]
    check_integrity(resources)
    return Deployment(resources, pending)


def write_deployment(deployment: Deployment, crypter: Crypter) -> dict[str, Any]:
    """The document of a deployment."""
    document = _head(crypter)
    document["resources"] = [resource.to_json(crypter.encrypt) for resource in deployment.resources]
    document["pending_operations"] = [
        {"resource": entry.resource.to_json(crypter.encrypt), "type": entry.kind}
        for entry in deployment.pending
    ]
    return document


def _head(crypter: Crypter) -> dict[str, Any]:
    return {
        "manifest": {
            "time": datetime.datetime.now(datetime.UTC).isoformat().replace("+00:00", "Z"),
            "magic": hashlib.sha256(_VERSION.encode()).hexdigest(),
            "version": _VERSION,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt}},
        "metadata": {},
    }


class Store:
    """The state directory: `.pulumi/stacks/<project>/<stack>.json`, as the CLI's file backend lays it out."""

    def __init__(self, directory: Path, project: str) -> None:
        self._root = directory / ".pulumi"
        self._stacks = self._root / "stacks" / project
        self._selection = self._root / f"selected-{project}"

    def path(self, stack: str) -> Path:
        """Where a stack's state is kept."""
        return self._stacks / f"{stack}.json"

    def stacks(self) -> list[str]:
        """The stacks that exist."""
        return sorted(path.stem for path in self._stacks.glob("*.json"))

    def exists(self, stack: str) -> bool:
        """Whether a stack was made."""
        return self.path(stack).exists()

    def selected(self) -> str | None:
        """The stack commands mean when none is named."""
        try:
            name = self._selection.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return name if self.exists(name) else None

    def select(self, stack: str) -> None:
        """Remember a stack as the one meant from now on."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._selection.write_text(stack + "\n", encoding="utf-8")

    def read(self, stack: str) -> dict[str, Any]:
        """The latest deployment's document; empty for a stack nothing was done with."""
        try:
            document = json.loads(self.path(stack).read_text(encoding="utf-8"))
        except FileNotFoundError:
            msg = f"no stack named '{stack}' found"
            raise UserError(msg) from None
        except ValueError as error:
            msg = f"the state of stack '{stack}' is not JSON: {error}"
            raise StateError(msg) from error
        if document.get("version") != 3:
            msg = f"the state of stack '{stack}' has format {document.get('version')}, not 3"
            raise StateError(msg)
        latest: dict[str, Any] = document["checkpoint"].get("latest") or {}
        return latest

    @contextlib.contextmanager
    def locked(self, stack: str) -> Iterator[None]:
        """Keep others from changing a stack meanwhile; the lock goes with the process, however that ends."""
        path = self._stacks / f".{stack}.lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"stack '{stack}' is being changed by another run; wait for it to end"
                raise UserError(msg) from None
            yield

    def write(self, stack: str, latest: dict[str, Any] | None) -> None:
        """Replace a stack's state."""
        self.write_text(stack, "null" if latest is None else json.dumps(latest, indent=4, ensure_ascii=False))

    def write_text(self, stack: str, latest: str) -> None:
        """Replace a stack's state by a deployment already written as JSON, atomically."""
        head = json.dumps({"stack": f"organization/{self._stacks.name}/{stack}"})[:-1]
        text = f'{{"version": 3, "checkpoint": {head}, "latest": {latest}}}}}\n'
        path = self.path(stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = self._root / "meta.yaml"
        if not meta.exists():
            meta.write_text("version: 1\n", encoding="utf-8")
        replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, sees the old or the new one and nothing between."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Snapshot:
    """The state of a run in progress: what is done already, then what is left of the last run's."""

    def __init__(self, deployment: Deployment, crypter: Crypter, store: Store, stack: str) -> None:
        self._crypter = crypter
        self._store = store
        self._stack = stack
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._base = list(deployment.resources)
        self._gone: set[int] = set()
        self._news: dict[int, Resource] = {}
        # A creation nobody saw the end of may have left something behind: it is shown until somebody looks.
        self._kept = [entry for entry in deployment.pending if entry.kind == "creating"]
        self._pending: dict[int, Pending] = {}
        self._texts: dict[int, tuple[Resource, str]] = {}
        self._version = 0
        self._written = 0

    def resources(self) -> list[Resource]:
        """Every resource there is now, dependencies first."""
        with self._lock:
            return self._resources()

    def _resources(self) -> list[Resource]:
        news = list(self._news.values())
        names = {alias: resource.urn for resource in news for alias in resource.aliases}
        left = [resource for resource in self._base if id(resource) not in self._gone]
        news = [resource.renamed(names) if names else resource for resource in news]
        return news + [resource.renamed(names) if names else resource for resource in left]

    @contextlib.contextmanager
    def operation(self, kind: str, resource: Resource) -> Iterator[None]:
        """Have the state say that an operation runs while it does; on disk before the caller goes on."""
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
        """Note what is done: a resource added, an old one gone, one changed in place; all in one write."""
        with self._lock:
            if drop is not None:
                self._gone.add(id(drop))
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
        """Put a refreshed resource in the old one's place; written with the next write."""
        with self._lock:
            self._base = [new if resource is old else resource for resource in self._base]
            self._touch()

    def strip(self, gone: set[str]) -> None:
        """Take references to resources that no longer exist out of what is left."""
        with self._lock:
            self._base = [_without(resource, gone) for resource in self._resources()]
            self._gone.clear()
            self._news.clear()
            self._texts.clear()
            version = self._touch()
        self._write(version)

    def close(self) -> None:
        """Write what is not written yet and refuse to have left anything inconsistent."""
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
        """The deployment as JSON; resources that did not change are not serialised again."""
        operations = [
            f'{{"resource": {self._fresh_text(entry.resource)}, "type": {json.dumps(entry.kind)}}}'
            for entry in pending
        ]
        fields = {key: json.dumps(value) for key, value in _head(self._crypter).items()}
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


def _without(resource: Resource, gone: set[str]) -> Resource:
    if not resource.needs() & gone:
        return resource
    return resource.clone(
        dependencies=[urn for urn in resource.dependencies if urn not in gone],
        property_dependencies={
            key: [urn for urn in urns if urn not in gone]
            for key, urns in resource.property_dependencies.items()
        },
        deleted_with="" if resource.deleted_with in gone else resource.deleted_with,
        parent="" if resource.parent in gone else resource.parent,
        provider=""
        if resource.provider and parse_reference(resource.provider).urn in gone
        else resource.provider,
    )
