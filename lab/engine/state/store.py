"""The state files of a project, in the layout of the Pulumi CLI's file backend."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

from lab.engine.errors import StateError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Store:
    """The state directory with one file per stack: `.pulumi/stacks/<project>/<stack>.json`."""

    def __init__(self, directory: Path, project: str) -> None:
        self._root = directory / ".pulumi"
        self._stacks = self._root / "stacks" / project
        self._selection = self._root / f"selected-{project}"

    def path(self, stack: str) -> Path:
        return self._stacks / f"{stack}.json"

    def stacks(self) -> list[str]:
        return sorted(path.stem for path in self._stacks.glob("*.json"))

    def exists(self, stack: str) -> bool:
        return self.path(stack).exists()

    def selected(self) -> str | None:
        """The stack that commands use when none is given."""
        try:
            name = self._selection.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return None
        return name if self.exists(name) else None

    def select(self, stack: str) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._selection.write_text(stack + "\n", encoding="utf-8")

    def read(self, stack: str) -> dict[str, Any]:
        """The latest deployment; empty for a new stack."""
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
        """Prevent other runs from changing a stack; the lock ends with the process."""
        path = self._stacks / f".{stack}.lock"
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                msg = f"stack '{stack}' is being changed by another run; wait for it to end"
                raise UserError(msg) from None
            yield

    def write(self, stack: str, latest: dict[str, Any] | None) -> None:
        self.write_text(stack, "null" if latest is None else json.dumps(latest, indent=4, ensure_ascii=False))

    def write_text(self, stack: str, latest: str) -> None:
        """Atomically replace a stack's state by a deployment in JSON."""
        head = json.dumps({"stack": f"organization/{self._stacks.name}/{stack}"})[:-1]
        text = f'{{"version": 3, "checkpoint": {head}, "latest": {latest}}}}}\n'
        path = self.path(stack)
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = self._root / "meta.yaml"
        if not meta.exists():
            meta.write_text("version: 1\n", encoding="utf-8")
        replace_file(path, text)


def replace_file(path: Path, text: str) -> None:
    """Write a file atomically: after a crash it holds either the old or the new text."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
