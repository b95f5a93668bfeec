"""Runs a command in a terminal of a fixed size and records what it writes, with the time of each piece."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65_536


@dataclass(frozen=True)
class Piece:
    """Text that a command wrote."""

    seconds: float
    """After the command was started."""
    text: str


@dataclass(frozen=True)
class Recording:
    """All that a command wrote, and how it ended."""

    pieces: tuple[Piece, ...]
    status: int


def record(
    command: Sequence[str], *, columns: int, lines: int, environment: Mapping[str, str], directory: Path
) -> Recording:
    """Run a command to its end in a terminal of `columns` x `lines`; its output is shown as it comes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    size = {"COLUMNS": str(columns), "LINES": str(lines), "TERM": "xterm-256color"}
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={**environment, **size}, cwd=directory
    )
    os.close(theirs)
    pieces = []
    while data := _read(ours):
        text = data.decode(errors="replace")
        pieces.append(Piece(time.monotonic() - started, text))
        print(text, end="", flush=True)
    os.close(ours)
    return Recording(tuple(pieces), process.wait())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, _CHUNK)
    except OSError:  # Linux's way to say that the last process has closed it
        return b""
