"""Does the same for several items beside each other: evictions of one drain, and Auto Scaling groups.

An API server takes a part of a second for an eviction: it writes the pod and the budget before it deletes the
pod, and begins again after half a second where the disruption controller wrote the budget meanwhile
(pkg/registry/core/pod/storage/eviction.go, EvictionsRetry). EKS carries out one update of a node group at a
time, and takes a minute or more for it. What must not happen at the same time is kept apart by locks of
budgets, workloads and groups. Called by the drain, by `capacity.surge` and by `rotation.restore`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eks_cilium.errors import ProgramError
    from eks_cilium.runtime.context import World

Item = TypeVar("Item")
Result = TypeVar("Result")

_EVICTIONS = 8
_GROUPS = 10
"""AWS limits requests for a whole account."""
_AFTER_EVICTIONS = 0.02
"""Seconds after which it is looked whether all are done."""
_AFTER_GROUPS = 1.0


def each(
    world: World,
    items: Sequence[Item],
    act: Callable[[Item], None],
    *,
    most: int = _EVICTIONS,
    rest: float = _AFTER_EVICTIONS,
) -> None:
    """Call `act` for each item, so many at once at the `most`; return when all are done.

    After an error no further item is begun. The first error is raised when those in work are done, which is
    looked for after a `rest` in seconds.
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

    for _ in range(min(len(items), most) - 1):
        working.append(None)
        world.spawn(work)
    working.append(None)
    work()
    while working:
        world.time.sleep(rest)
    if errors:
        raise errors[0]


def each_group(
    world: World,
    names: Iterable[str],
    act: Callable[[str], Result],
    *,
    expected: tuple[type[ProgramError], ...] = (),
) -> tuple[dict[str, Result], dict[str, ProgramError]]:
    """What `act` returned for each group, and the `expected` errors; both in the order of the names.

    Any other error ends it as in `each`.
    """
    given = tuple(names)
    results: dict[str, Result] = {}
    failed: dict[str, ProgramError] = {}

    def act_and_keep(name: str) -> None:
        try:
            results[name] = act(name)
        except expected as error:
            failed[name] = error

    each(world, given, act_and_keep, most=_GROUPS, rest=_AFTER_GROUPS)
    return (
        {name: results[name] for name in given if name in results},
        {name: failed[name] for name in given if name in failed},
    )
