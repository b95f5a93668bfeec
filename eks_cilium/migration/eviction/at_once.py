"""Sends the requests of one drain at once, so that the pods of a node do not wait for each other.

An API server takes a part of a second for an eviction: it writes the pod and the budget before it deletes the
pod, and begins again after half a second where the disruption controller wrote the budget meanwhile
(pkg/registry/core/pod/storage/eviction.go, EvictionsRetry). Called by the drain; what must not happen at the
same time is kept apart by locks of budgets and workloads.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eks_cilium.runtime.context import World

Item = TypeVar("Item")

_MOST = 8
_LOOKED_AGAIN = 0.02
"""Seconds after which it is looked whether all are done."""


def each(world: World, items: Sequence[Item], act: Callable[[Item], None]) -> None:
    """Call `act` for each item, several at once; return when all are done.

    After an error no further item is begun. The first error is raised when those in work are done.
    """
    waiting, working, errors = deque(items), deque[None](), list[Exception]()

    def work() -> None:
        try:
            while waiting and not errors:
                act(waiting.popleft())
        except IndexError:
            pass  # another thread took the last one
        except Exception as error:
            errors.append(error)
        finally:
            working.pop()

    for _ in range(min(len(items), _MOST) - 1):
        working.append(None)
        world.spawn(work)
    working.append(None)
    work()
    while working:
        world.time.sleep(_LOOKED_AGAIN)
    if errors:
        raise errors[0]
