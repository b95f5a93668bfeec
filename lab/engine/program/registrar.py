"""Handles registrations, reads and outputs for the monitor: plans them, executes them, returns results."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lab.engine.errors import RunStopped, StepError
from lab.engine.state import values
from lab.engine.state.urns import STACK_TYPE
from lab.engine.steps.executor import Executor
from lab.engine.steps.planner import Plan, Planner

if TYPE_CHECKING:
    from lab.engine.events import Step
    from lab.engine.run import Run
    from lab.engine.state.resources import Resource
    from lab.engine.steps.goals import Goal


class Registrar:
    def __init__(self, run: Run) -> None:
        self._run = run
        self.planner = Planner(run)
        self.executor = Executor(run, self.planner.decisions.deleted)
        self._planning = threading.Lock()
        self._stack: Resource | None = None
        self._stack_outputs: values.Properties = {}

    def register(self, goal: Goal) -> Resource:
        """Bring a resource to its goal and return it with its outputs."""
        with self._planning:
            plan = self._planned(goal)
        self._execute(plan.steps)
        if plan.imported:
            return self._after_import(plan)
        if goal.type == STACK_TYPE:
            self._stack = plan.new
        return plan.new

    def is_skipped(self, urn: str) -> bool:
        """Whether a resource was not created because it is no target."""
        return urn in self.planner.decisions.skipped

    def read(self, goal: Goal, identifier: str) -> Resource:
        """Read a resource that the program does not manage."""
        with self._planning:
            step = self._planned_read(goal, identifier)
        self._execute([step])
        return step.resource

    def outputs(self, urn: str, outputs: values.Properties) -> None:
        """Store a component's outputs; those of the stack wait for the end of the run."""
        resource = self._run.news.get(urn)
        if resource is None:
            raise StepError(urn, f"outputs of a resource that was not registered: {urn}")
        if resource.type == STACK_TYPE:
            self._stack_outputs = outputs
            return
        self._set_outputs(resource, outputs)

    def finish_stack(self, *, complete: bool) -> values.Properties:
        """Set the stack's outputs; after a failure the new ones are added to the old ones."""
        stack = self._stack
        if stack is None:
            return {}
        outputs = self._stack_outputs if complete else {**stack.outputs, **self._stack_outputs}
        self._set_outputs(stack, outputs)
        return outputs

    def _set_outputs(self, resource: Resource, outputs: values.Properties) -> None:
        outputs = values.mark_keys(outputs, resource.additional_secret_outputs)
        changed = not values.equal(resource.outputs, outputs)
        resource.outputs = outputs
        if changed and self._run.snapshot:
            self._run.snapshot.record(changed=resource)
        self._run.sink.outputs(resource)

    def _planned(self, goal: Goal) -> Plan:
        self._run.raise_if_stopped()
        try:
            return self.planner.begin(goal)
        except StepError as error:
            self._run.fail(error.urn, str(error))
            raise RunStopped from error

    def _after_import(self, plan: Plan) -> Resource:
        """Compare an imported resource with its goal and update it where they differ."""
        imported = plan.steps[0].resource
        with self._planning:
            try:
                plan.old, plan.steps = imported, []
                plan.new.created, plan.new.modified = imported.created, imported.modified
                self.planner.decide(plan)
            except StepError as error:
                self._run.fail(error.urn, str(error))
                raise RunStopped from error
        self._execute(plan.steps)
        return plan.new if plan.steps else imported

    def _planned_read(self, goal: Goal, identifier: str) -> Step:
        self._run.raise_if_stopped()
        try:
            return self.planner.read(goal, identifier)
        except StepError as error:
            self._run.fail(error.urn, str(error))
            raise RunStopped from error

    def _execute(self, steps: list[Step]) -> None:
        for step in steps:
            self.executor.execute(step)
