"""The cache of built files: every entry is complete or absent, even if several processes ask at once.

Two processes may need the same tool at the same time, and a build may be killed. So an entry is built in a
directory beside its final place, under a lock on its name, and renamed when it is complete. The file of the
lock holds how far its holder is, which those that wait report as if they built the entry themselves.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

Report = Callable[[str], None]
Make = Callable[[Path, Report], None]
"""Writes an entry, a file or a directory, and reports a line whenever that takes time."""

_POLL = 0.2


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
    report: Report
    sleep: Callable[[float], None] = time.sleep

    def entry(self, kind: str, key: str) -> Path:
        return self.root / kind / key

    def obtain(self, kind: str, key: str, make: Make) -> Path:
        """The path of an entry; if it does not exist, `make` writes it first."""
        final = self.entry(kind, key)
        if final.exists():
            return final
        with self._lock(kind, key) as progress:
            if not final.exists():
                self._make(final, make, progress)
        return final

    def _make(self, final: Path, make: Make, progress: TextIO) -> None:
        def report(line: str) -> None:
            _replace(progress, line)
            self.report(line)

        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{final.name}.partial")
        _remove(partial)
        make(partial, report)
        partial.rename(final)

    @contextmanager
    def _lock(self, kind: str, key: str) -> Iterator[TextIO]:
        """Hold the lock of an entry; yields its file."""
        locks = self.root / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / f"{kind}-{key}").open("a") as file:
            if not _locked(file):
                self._wait(file, f"waiting for another process that is building {kind} {key}")
            _replace(file, "")
            yield file

    def _wait(self, file: TextIO, reported: str) -> None:
        """Wait for the lock and report what its holder reports."""
        self.report(reported)
        while not _locked(file):
            line = Path(file.name).read_text()  # not through `file`, whose buffer is older
            if line and line != reported:
                self.report(line)
                reported = line
            self.sleep(_POLL)


def _locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _replace(file: TextIO, line: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(line)
    file.flush()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
