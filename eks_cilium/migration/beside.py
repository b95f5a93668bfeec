"""Does the same for several Auto Scaling groups beside each other, since each of them waits for AWS alone.

EKS carries out one update of a node group at a time, and takes a minute or more for it. Called by
`capacity.surge` to widen groups and by `rotation.restore` to restore them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eks_cilium.errors import ProgramError
    from eks_cilium.migration.run import Run

Result = TypeVar("Result")

_AT_ONCE = 10
"""AWS limits requests for a whole account."""


def each(
    run: Run,
    names: Iterable[str],
    act: Callable[[str], Result],
    *,
    expected: tuple[type[ProgramError], ...] = (),
) -> tuple[dict[str, Result], dict[str, ProgramError]]:
    """What `act` returned for each name, and the `expected` errors by name; both in the order of the names.

    After any other error no further name is begun; it is raised once those in work have ended.
    """
    return _Work(run, tuple(names), act, expected).complete()


class _Work(Generic[Result]):
    def __init__(
        self,
        run: Run,
        names: tuple[str, ...],
        act: Callable[[str], Result],
        expected: tuple[type[ProgramError], ...],
    ) -> None:
        self._run, self._names, self._act, self._expected = run, names, act, expected
        self._waiting, self._working = [*names], 0
        self._results: dict[str, Result] = {}
        self._failed: dict[str, ProgramError] = {}
        self._errors: list[Exception] = []
        self._changing = threading.Lock()

    def complete(self) -> tuple[dict[str, Result], dict[str, ProgramError]]:
        for _ in self._run.polls(seconds=float("inf"), wakes=True):
            while self._waiting and self._working < _AT_ONCE and not self._errors:
                self._begin(self._waiting.pop(0))
            if not self._working and (self._errors or not self._waiting):
                break
        if self._errors:
            raise self._errors[0]
        results = {name: self._results[name] for name in self._names if name in self._results}
        return results, {name: self._failed[name] for name in self._names if name in self._failed}

    def _begin(self, name: str) -> None:
        with self._changing:
            self._working += 1
        self._run.world.spawn(lambda: self._do(name))

    def _do(self, name: str) -> None:
        try:
            result = self._act(name)
        except self._expected as error:
            self._failed[name] = error
        except Exception as error:
            self._errors.append(error)
        else:
            self._results[name] = result
        finally:
            with self._changing:
                self._working -= 1
            self._run.world.wake()
