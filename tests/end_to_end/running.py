"""A run of the program in the background, which a test interrupts or kills when something has happened."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.environment import Places

TIMEOUT = 900.0


@contextmanager
def in_background(
    command: Sequence[str], environment: Mapping[str, str], places: Places
) -> Iterator["Running"]:
    """Run a command for the length of a `with` block; kill it at its end if it still runs."""
    output = places.directory / f"run-{time.monotonic_ns()}.out"
    process = subprocess.Popen(
        command,
        cwd=places.project,
        env=environment,
        stdout=output.open("wb"),
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    running = Running(process, output)
    try:
        yield running
    finally:
        running.kill()


@dataclass
class Running:
    """A run of the program in the background."""

    process: subprocess.Popen[bytes]
    output: Path

    def output_so_far(self) -> str:
        return self.output.read_text(errors="replace")

    def interrupt(self) -> None:
        """Send the signal that the engine gets on a Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the engine, the program and its providers with SIGKILL, at once."""
        if self.process.returncode is not None:
            return  # another process may have its number by now
        for pid in reversed(descendants(self.process.pid)):
            _kill(pid)
        self.process.wait()

    def pause(self, seconds: float = 0.03) -> None:
        time.sleep(seconds)

    def wait(self, limit: float = TIMEOUT) -> int:
        return self.process.wait(limit)

    def wait_until(self, holds: Callable[[], Any], limit: float = TIMEOUT) -> Any:
        """Wait until `holds` returns something true; fail when the program ends before that."""
        deadline = time.monotonic() + limit
        while not (found := holds()):
            assert self.process.poll() is None, f"the program ended too early:\n{self.output_so_far()}"
            assert time.monotonic() < deadline, (
                f"the condition did not hold within {limit:.0f} s:\n{self.output_so_far()}"
            )
            self.pause()
        return found


def descendants(pid: int) -> list[int]:
    """Return a process and all its descendants, each after its parent."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, ()))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
