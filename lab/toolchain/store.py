"""The cache of built files: every entry is complete or absent, even if several processes ask at once.

Two processes may need the same tool at the same time, and a build may be killed. So an entry is built in a
directory beside its final place, under a lock on its name, and renamed when it is complete.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


def default_cache() -> Path:
    """The default directory: outside every checkout, shared by all of them."""
    if chosen := os.environ.get("EKS_CILIUM_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "eks-cilium"


@dataclass(frozen=True)
class Store:
    """Entries `<root>/<kind>/<key>`, each built once."""

    root: Path
    report: Callable[[str], None]

    def entry(self, kind: str, key: str) -> Path:
        return self.root / kind / key

    def obtain(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The path of an entry; if it does not exist, `make` writes it (a file or a directory) first."""
        final = self.entry(kind, key)
        if final.exists():
            return final
        with self._lock(kind, key):
            if not final.exists():
                self._make(final, make)
        return final

    def _make(self, final: Path, make: Callable[[Path], None]) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{final.name}.partial")
        _remove(partial)
        make(partial)
        partial.rename(final)

    @contextmanager
    def _lock(self, kind: str, key: str) -> Iterator[None]:
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / f"{kind}-{key}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.report(f"waiting for another process that is building {kind} {key}")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
