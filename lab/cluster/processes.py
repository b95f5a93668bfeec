"""Processes of a control plane, each with a log and a record on disk.

The record identifies the process by pid and start time, so that a stop after a crash cannot kill another
process with the same pid. Each process has its own process group, so that a Ctrl-C in the terminal reaches
only the owner. Its standard input is the lifeline: a pipe that breaks when the owner dies.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import StartError

_LIFELINE = {"EKS_CILIUM_LIFELINE": "stdin"}
_RECORD = ".process.json"
_POLL = 0.05
_LOG_LINES = 12


@dataclass(frozen=True)
class Identity:
    """A process, distinguished from a later one with the same pid."""

    name: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Return whether the process runs; a zombie does not."""
        return start_time(self.pid) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Signal its process group, if it still exists."""
        if self.alive():
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return


class Lifeline:
    """A pipe whose reading end the children hold; it breaks when it is closed or its owner dies."""

    def __init__(self) -> None:
        self.reading_end, self._writing_end = os.pipe()

    def close(self) -> None:
        """Close the pipe: children that watch it exit."""
        os.close(self.reading_end)
        os.close(self._writing_end)


class Process:
    """One running component with its log and record."""

    def __init__(self, directory: Path, name: str, command: list[str], lifeline: Lifeline) -> None:
        self.log = directory / f"{name}.log"
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                command,
                stdin=lifeline.reading_end,
                stdout=log,
                stderr=log,
                cwd=directory,
                env=os.environ | _LIFELINE,
                start_new_session=True,
            )
        self.identity = Identity(name, self._popen.pid, start_time(self._popen.pid) or "")
        _record(directory, name).write_text(json.dumps(asdict(self.identity)))

    @property
    def ended(self) -> int | None:
        """Return its exit code, or None while it runs."""
        return self._popen.poll()

    def check(self) -> None:
        """Raise with the end of its log when the process has ended."""
        if self.ended is not None:
            raise StartError(f"{self.identity.name} ended with code {self.ended}:\n{self.last_lines()}")

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def reap(self) -> None:
        """Reap the process after its end, so that no zombie remains."""
        self._popen.wait()


def recorded(directory: Path) -> list[Identity]:
    """Return the processes recorded in a directory or below it."""
    return [Identity(**json.loads(path.read_text())) for path in sorted(directory.rglob(f"*{_RECORD}"))]


def forget(directory: Path) -> None:
    """Delete the records in a directory and below."""
    for path in list(directory.rglob(f"*{_RECORD}")):
        path.unlink(missing_ok=True)


def stop(identities: Iterable[Identity], patience: float) -> None:
    """Terminate processes, wait up to `patience` seconds for all of them together, then kill the rest."""
    going = [identity for identity in identities if identity.alive()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for identity in going:
            identity.signal(number)
        wait_until(lambda: not any(identity.alive() for identity in going), patience)


def wait_until(condition: Callable[[], bool], limit: float) -> bool:
    """Poll a condition for at most `limit` seconds; return whether it became true."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def start_time(pid: int) -> str | None:
    """Return when a process started, in a system-specific unit; None if it has ended."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The second field is the program's name in parentheses and may contain any character.
        fields = stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return _start_time_by_ps(pid) if not Path("/proc/self").exists() else None
    state, started = fields[0], fields[19]
    return None if state in {"Z", "X"} else started


def _start_time_by_ps(pid: int) -> str | None:
    asked = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = asked.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started


def _record(directory: Path, name: str) -> Path:
    return directory / f"{name}{_RECORD}"
