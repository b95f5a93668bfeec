"""Ends the engine's children when the engine is gone, however it went.

The engine starts this file as a process of its own and holds the other end of its standard input, where
it writes `+PGID` for each process group it starts and `-PGID` for each that ended. The pipe breaks with
the engine, even on `kill -9`; the groups still listed are killed then. It imports next to nothing, so
that it is there within milliseconds.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow the list of groups until the engine is gone, then kill what is left of it."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
