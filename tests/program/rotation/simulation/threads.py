"""A clock for several threads: when all of them sleep, it advances to the earliest time one waits for."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .api_server import Clock


class SharedClock(Clock):
    """As if every thread were a process of its own, and every request instant."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition(threading.RLock())
        self._running = 0
        self._asleep: dict[int, float] = {}

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._changed:
            yield

    def run(self, *tasks: Callable[[], object]) -> list[BaseException]:
        """Run tasks beside each other; what they raised."""
        errors: list[BaseException] = []

        def work(task: Callable[[], object]) -> None:
            try:
                task()
            except BaseException as error:
                errors.append(error)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        threads = [threading.Thread(target=work, args=(task,)) for task in tasks]
        self._running = len(threads)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        return errors

    def spawn(self, task: Callable[[], object]) -> None:
        """Run one more task beside those that run."""
        if self._running == 0:
            super().spawn(task)
            return

        def work() -> None:
            try:
                task()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        with self._changed:
            self._running += 1
        threading.Thread(target=work).start()

    def sleep(self, seconds: float) -> None:
        if self._running == 0:
            super().sleep(seconds)
            return
        me = threading.get_ident()
        with self._changed:
            wake = self._asleep[me] = self.seconds + seconds
            while self.seconds < wake:
                if len(self._asleep) == self._running:
                    self._move_on()
                else:
                    self._changed.wait()
            self._asleep.pop(me, None)

    def _move_on(self) -> None:
        super().sleep(min(self._asleep.values()) - self.seconds)
        for thread, wake in list(self._asleep.items()):
            if wake <= self.seconds:
                del self._asleep[thread]
        self._changed.notify_all()
