"""The deletions at the end of a run: resources that the program no longer registers, and replaced ones.

They run in levels: resources of one level do not depend on each other, and dependents are deleted before what
they depend on. A failed deletion ends the run, so that what it depends on stays.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lab.engine.errors import RunStopped
from lab.engine.events import Op, Step

if TYPE_CHECKING:
    from lab.engine.run import Run
    from lab.engine.state.resources import Resource
    from lab.engine.steps.decisions import Decisions
    from lab.engine.steps.executor import Executor


def plan_deletes(run: Run, decisions: Decisions) -> list[Step]:
    """A step for every old resource to be deleted."""
    steps = []
    for resource in run.previous.resources:
        step = _step(resource, decisions)
        if step is None or not run.options.targeted(resource.urn):
            continue
        decisions.deleted.add(resource.urn)
        steps.append(step)
        # A missing provider is reported before the first deletion instead of in the middle.
        if resource.provider:
            run.providers.get(resource.provider)
    _refuse_untargeted_dependents(run, steps)
    return steps


def _step(resource: Resource, decisions: Decisions) -> Step | None:
    urn = resource.urn
    if resource.delete:
        return None if id(resource) in decisions.deleted_early else Step(Op.DELETE_REPLACED, urn, resource)
    if urn in decisions.decided:
        return None
    if resource.pending_replacement:
        return Step(Op.REMOVE_PENDING, urn, resource)
    return Step(Op.DELETE, urn, resource)


def _refuse_untargeted_dependents(run: Run, steps: list[Step]) -> None:
    # With targets, a resource that a remaining one still needs must not be deleted.
    if not run.options.targets:
        return
    deleted = {id(step.old) for step in steps}
    urns = {step.urn for step in steps if step.op is Op.DELETE}
    for resource in run.previous.resources:
        if id(resource) not in deleted and resource.needs() & urns:
            run.error(
                resource.urn, f"'{resource.urn}' will be destroyed but was not specified in --target list"
            )
    if run.failed:
        run.stop()
        raise RunStopped


def levels(steps: list[Step]) -> list[list[Step]]:
    """The steps in order: the members of a level may be deleted at once, after the previous level."""
    waiting = list(steps)
    ordered: list[list[Step]] = []
    while waiting:
        needed = {urn for step in waiting for urn in step.resource.needs()}
        level = [step for step in waiting if step.urn not in needed]
        if not level:
            # Only the old and the new resource of one URN can seem to need each other.
            level = waiting
        ordered.append(level)
        chosen = {id(step) for step in level}
        waiting = [step for step in waiting if id(step) not in chosen]
    return ordered


def execute_deletes(run: Run, executor: Executor, steps: list[Step]) -> None:
    for level in levels(steps):
        in_parallel(run, executor, level)
        run.raise_if_stopped()


def in_parallel(run: Run, executor: Executor, steps: list[Step]) -> None:
    """Execute independent steps, as many at a time as the run allows, and wait for all."""
    waiting = iter(steps)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                step = next(waiting, None)
            if step is None:
                return
            try:
                executor.execute(step)
            except RunStopped:
                return

    threads = [threading.Thread(target=work) for _ in range(min(run.options.parallel, len(steps)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
