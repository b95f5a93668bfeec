"""Headings of steps, and lines of progress on standard error: `make demo` and `python -m lab` print them.

What takes long is reported again and again as `title ... 40s`: on a terminal in place of the line before, in
a log only from time to time.
"""

import sys
import time
from collections.abc import Callable
from shutil import get_terminal_size
from typing import TextIO

AGAIN = " ... "
"""Between what is done and how far it is, in a line that follows others of the same title."""
_INTERVAL = 20.0
_ONE_LINE_UP = "\x1b[1A\x1b[2K"


class Progress:
    """Writes lines to a stream, indented. `clock` returns seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._last = ""
        self._written: dict[str, float] = {}
        """When a line of each title was written last."""

    def __call__(self, line: str) -> None:
        """Write a line; one that only says how far the same work is may replace another, or be left out."""
        title, again, _ = line.partition(AGAIN)
        in_place = bool(again) and title == self._last and self._stream.isatty()
        if again and not in_place and self._clock() - self._written.get(title, float("-inf")) < _INTERVAL:
            return
        self._last, self._written[title] = title, self._clock()
        self._stream.write(self._in_place(line) if in_place else f"  {line}\n")
        self._stream.flush()

    def _in_place(self, line: str) -> str:
        """The line in place of the one before, not longer than the terminal is wide: it would be two."""
        return f"{_ONE_LINE_UP}  {line}"[: len(_ONE_LINE_UP) + get_terminal_size().columns - 1] + "\n"


print_progress = Progress(sys.stderr)
"""Progress of this process. Standard output is for results that may be piped."""


def print_heading(title: str, look: str = "") -> None:
    """Print the title of a step, and below it what to look at."""
    print(f"\n{title}\n{'-' * len(title)}", flush=True)
    if look:
        print(f"{look}\n", flush=True)
