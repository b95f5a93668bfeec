"""More threads for the dynamic resources of a process than the four that Pulumi's server has.

`pulumi.dynamic` serves all of them with `ThreadPoolExecutor(max_workers=4)` (pulumi/dynamic/__main__.py) and
has no option for it, so no more than four nodes could be replaced at once. An executor starts its threads one
by one as they are needed, up to a number that it reads each time. Should a later SDK or Python differ, the
number stays as it is: migrations are slower then, and nothing else changes.
"""

from __future__ import annotations

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

WORKERS = 256
"""Threads that mostly wait, for as many nodes as `migration.parallel` may name."""


def widen(workers: int = WORKERS) -> bool:
    """Give the executor that runs the calling thread so many workers; returns whether there is one."""
    me = threading.current_thread()
    for executor in gc.get_objects():
        if type(executor) is ThreadPoolExecutor and me in executor._threads:
            executor._max_workers = max(executor._max_workers, workers)
            # An executor starts threads when it is given work: it has none for what waits already.
            for _ in range(executor._work_queue.qsize()):
                executor._adjust_thread_count()
            return True
    return False
