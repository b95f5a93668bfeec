"""Refreshes the state: reads every resource and stores what the provider returns.

A resource that no longer exists leaves the state. The provider is asked for the difference with the roles
swapped (what was read as old, the state as new), so that the display can show what changed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lab.engine.errors import InitializationError
from lab.engine.events import Op, Step
from lab.engine.providers.diff import Diff
from lab.engine.providers.provider import ReadResult
from lab.engine.run import Run, now
from lab.engine.state import values
from lab.engine.steps.deletes import in_parallel
from lab.engine.steps.executor import Executor, mark_secrets

if TYPE_CHECKING:
    from lab.engine.state.resources import Resource

_INVERTED = {
    "add": "delete",
    "delete": "add",
    "add-replace": "delete-replace",
    "delete-replace": "add-replace",
}


class Refresher(Executor):
    """An executor whose only operation is to read a resource."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, set())
        self._handlers = {Op.REFRESH: self._refresh}
        self.missing: set[str] = set()

    def refresh(self) -> None:
        """Read every resource, then remove those that no longer exist from the state."""
        steps = [
            Step(Op.REFRESH, resource.urn, resource, resource)
            for resource in self._run.previous.resources
            if self._run.options.targeted(resource.urn)
        ]
        in_parallel(self._run, self, steps)
        if self._run.snapshot and self.missing and not self._run.failed:
            self._run.snapshot.strip(self.missing)

    def _refresh(self, step: Step) -> None:
        old = step.resource
        step.result = Op.SAME
        if not old.needs_calls or old.pending_replacement:
            return
        provider = self._run.providers.get(old.provider)
        errors: list[str] = []
        try:
            found = provider.read(old.urn, old.id, old.inputs, old.outputs)
        except InitializationError as error:
            found = ReadResult(error.resource_id, error.properties, error.inputs or None)
            errors = error.reasons
            self._run.warn(old.urn, "\n* ".join(["Refreshed resource is in an unhealthy state:", *errors]))
        if not found.id:
            step.result, step.new = Op.DELETE, None
            self.missing.add(old.urn)
            self._forget(old)
            return
        step.new = self._refreshed(old, found, errors)
        step.diff = self._difference(old, step.new)
        step.result = Op.UPDATE if step.diff.changes else Op.SAME
        if self._run.snapshot:
            self._run.snapshot.substitute(old, step.new)

    def _forget(self, old: Resource) -> None:
        if self._run.snapshot:
            self._run.snapshot.record(drop=old, write=False)

    def _refreshed(self, old: Resource, found: ReadResult, errors: list[str]) -> Resource:
        inputs = old.inputs if found.inputs is None else found.inputs
        new = old.clone(id=found.id, inputs=inputs, init_errors=errors)
        new.outputs = mark_secrets(new, found.outputs)
        if not (values.equal(inputs, old.inputs) and values.equal(new.outputs, old.outputs)):
            new.modified = now()
        return new

    def _difference(self, old: Resource, new: Resource) -> Diff:
        if old.external:
            return Diff(changes=not values.equal(old.outputs, new.outputs))
        provider = self._run.providers.get(old.provider)
        diff = provider.diff(new, old.inputs, old.ignore_changes, preview=self._run.preview)
        detailed = {path: _INVERTED.get(kind, kind) for path, kind in diff.detailed.items()}
        return dataclasses.replace(diff, detailed=detailed)
