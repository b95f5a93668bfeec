"""Kills the engine's children if the engine dies, even by `kill -9`.

The engine starts this file as a separate process and holds the other end of its standard input, where it
writes `+PGID` for each process group it starts and `-PGID` for each that ended. The pipe closes with the
engine; the groups still listed are then killed. The file imports only the standard library, so that it starts
within milliseconds.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow the list of process groups until the engine ends, then kill those that are left."""
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
