"""Requests of one drain are sent at once, and the first error counts when all are done."""

import threading
from dataclasses import replace

import pytest

from eks_cilium.errors import RefusedError
from eks_cilium.migration.eviction import at_once
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.context import World

from .simulation.world import Simulation

LONGEST = 10.0


def with_threads() -> World:
    return replace(Simulation().world(), spawn=lambda act: threading.Thread(target=act).start(), time=Time())


def test_requests_do_not_wait_for_each_other() -> None:
    world = with_threads()
    all_there = threading.Barrier(8, timeout=LONGEST)

    at_once.each(world, range(8), lambda _: all_there.wait() and None)


def test_each_is_done_once_whatever_their_number() -> None:
    world = with_threads()
    for count in (0, 1, 7, 8, 9, 100):
        done: list[int] = []

        at_once.each(world, range(count), done.append)

        assert sorted(done) == list(range(count))


def test_after_an_error_those_in_work_are_done_and_no_other_is_begun() -> None:
    world = Simulation().world()
    done: list[int] = []

    def act(item: int) -> None:
        if item == 2:
            raise RefusedError("not now", status=403)
        done.append(item)

    with pytest.raises(RefusedError, match="not now"):
        at_once.each(world, range(20), act)

    assert done == [0, 1]
