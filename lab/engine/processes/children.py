"""Child processes of the engine: providers and the program, each the leader of its own process group.

Ctrl-C in a terminal therefore reaches only the engine. `Children` ends every process it started; if the
engine itself is killed, the reaper process does so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

# Receives ("stdout" or "stderr", one line) of what a child prints.
Report = Callable[[str, str], None]


class Child:
    """A running child process whose output goes line by line to a report."""

    def __init__(
        self, process: subprocess.Popen[str], report: Report, forget: Callable[[Child], None]
    ) -> None:
        self._process = process
        self._report = report
        self._forget = forget
        self._readers: list[threading.Thread] = []
        self._relay("stderr", process.stderr)

    @property
    def group(self) -> int:
        return self._process.pid

    @property
    def stdin(self) -> IO[str]:
        if self._process.stdin is None:
            msg = "the child was started without an input"
            raise ValueError(msg)
        return self._process.stdin

    def first_line(self) -> str:
        """The first line that the child prints; empty if it ends without output."""
        output = self._process.stdout
        return output.readline().strip() if output else ""

    def relay(self) -> None:
        """Pass everything printed to standard output from now on to the report."""
        self._relay("stdout", self._process.stdout)

    def _relay(self, name: str, stream: IO[str] | None) -> None:
        reader = threading.Thread(target=_relay, args=(name, stream, self._report), daemon=True)
        reader.start()
        self._readers.append(reader)

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code once the child has ended and its output was read; None if it still runs."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        for reader in self._readers:
            reader.join(timeout=2)
        return code

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and to every process it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, number)

    def end(self, grace: float = 2.0) -> None:
        """Ask the child to end and kill it after `grace` seconds, together with every process it started."""
        self.signal(signal.SIGTERM)
        self.wait(grace)
        self.signal(signal.SIGKILL)
        self.wait()
        self._forget(self)


class Children:
    """Starts child processes and ensures that all of them end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, Child] = {}
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def start(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        report: Report,
        listen: bool = False,
    ) -> Child:
        """Start a child; with `listen` the caller can write to its standard input.

        Raises:
           OSError: the command does not exist.
        """
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE if listen else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        child = Child(process, report, self._ended)
        with self._lock:
            self._running[child.group] = child
            self._notify_reaper(f"+{child.group}")
        return child

    def end(self, children: Iterable[Child]) -> None:
        threads = [threading.Thread(target=child.end) for child in children]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self) -> None:
        """End all running children, then the reaper."""
        with self._lock:
            left = list(self._running.values())
        self.end(left)
        if self._reaper.stdin:
            self._reaper.stdin.close()
        self._reaper.wait()

    def kill(self) -> None:
        for child in list(self._running.values()):
            child.signal(signal.SIGKILL)

    def _ended(self, child: Child) -> None:
        with self._lock:
            if self._running.pop(child.group, None):
                self._notify_reaper(f"-{child.group}")

    def _notify_reaper(self, line: str) -> None:
        if self._reaper.stdin:
            print(line, file=self._reaper.stdin, flush=True)


def _relay(name: str, stream: IO[str] | None, report: Report) -> None:
    if stream is None:
        return
    for line in stream:
        report(name, line.rstrip("\n"))
