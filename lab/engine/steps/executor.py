"""Executes steps: calls the provider, updates the state and reports to the displays.

Steps of one registration run in sequence in the caller's thread; those of different registrations run in
parallel, as many as the run allows.
"""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from lab.engine.errors import EngineError, InitializationError, RunStopped, StepError
from lab.engine.events import Op, Step
from lab.engine.run import Run, now
from lab.engine.state import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.state.resources import Resource


class Executor:
    """Executes the steps of one run; `deleted` holds every URN planned for deletion so far."""

    def __init__(self, run: Run, deleted: set[str]) -> None:
        self._run = run
        self._deleted = deleted
        self._handlers: dict[Op, Callable[[Step], None]] = {
            Op.SAME: self._same,
            Op.CREATE: self._create,
            Op.CREATE_REPLACEMENT: self._create,
            Op.UPDATE: self._update,
            Op.REPLACE: self._announce,
            Op.DELETE: self._delete,
            Op.DELETE_REPLACED: self._delete,
            Op.REMOVE_PENDING: self._remove,
            Op.READ: self._read,
            Op.READ_REPLACEMENT: self._read,
            Op.IMPORT: self._import,
            Op.IMPORT_REPLACEMENT: self._import,
        }

    def execute(self, step: Step) -> None:
        """Execute one step; a failure ends the run."""
        if step.op is Op.SAME:
            self._run.raise_if_stopped()
            self._carry_out(step)
            return
        with self._run.slot():
            self._carry_out(step)

    def _carry_out(self, step: Step) -> None:
        self._run.sink.started(step)
        try:
            self._handlers[step.op](step)
        except EngineError as error:
            self._run.sink.failed(step)
            if not isinstance(error, RunStopped):
                self._run.fail(step.urn, str(error))
            raise RunStopped from error
        if step.new is not None and not step.skipped:
            self._run.news[step.urn] = step.new
        self._run.sink.finished(step)

    # The steps

    def _announce(self, step: Step) -> None:
        """The step only announces what the other steps of a replacement do."""

    def _same(self, step: Step) -> None:
        old, new = step.old, step.resource
        if old is None:
            return
        new.id, new.outputs = old.id, old.outputs
        if new.is_provider:
            # The provider reported no difference in its configuration, so it keeps the old one.
            self._run.providers.configure(new.clone(inputs=old.inputs))
        self._record(add=new, drop=old, write=_differs(old, new))

    def _create(self, step: Step) -> None:
        new = step.resource
        if new.is_provider:
            self._create_provider(new)
        elif new.custom:
            with self._operation("creating", new):
                problem = self._call_create(new)
            if problem:
                self._save_created(step, new)
                raise problem
        new.created = new.modified = now()
        self._save_created(step, new)

    def _call_create(self, new: Resource) -> InitializationError | None:
        provider = self._run.providers.get(new.provider)
        timeout = new.custom_timeouts.get("create", 0)
        try:
            new.id, outputs = provider.create(new.urn, new.inputs, timeout, preview=self._run.preview)
        except InitializationError as error:
            new.id, outputs = error.resource_id, error.properties
            new.init_errors = error.reasons
            new.outputs = mark_secrets(new, outputs)
            return error
        new.outputs = mark_secrets(new, outputs)
        return None

    def _create_provider(self, new: Resource) -> None:
        new.id = values.UNKNOWN if self._run.preview else str(uuid.uuid4())
        new.outputs = new.inputs
        self._run.providers.configure(new)

    def _save_created(self, step: Step, new: Resource) -> None:
        # The old resource leaves the state, or stays in it until it is deleted.
        old = step.old
        if old is not None and step.keeps_old:
            old.delete = True
            self._record(add=new, changed=old)
        else:
            self._record(add=new, drop=old)

    def _update(self, step: Step) -> None:
        old, new = _both(step)
        new.id, new.created, new.modified = old.id, old.created, old.modified
        problem: InitializationError | None = None
        if new.is_provider:
            new.outputs = new.inputs
            self._run.providers.configure(new)
        elif new.custom:
            with self._operation("updating", new):
                problem = self._call_update(old, new)
        else:
            new.outputs = old.outputs
        if new.custom:
            new.modified = now()
        self._record(add=new, drop=old)
        if problem:
            raise problem

    def _call_update(self, old: Resource, new: Resource) -> InitializationError | None:
        provider = self._run.providers.get(new.provider)
        timeout = new.custom_timeouts.get("update", 0)
        try:
            outputs = provider.update(
                old.clone(urn=new.urn, type=new.type),
                new.inputs,
                timeout,
                new.ignore_changes,
                preview=self._run.preview,
            )
        except InitializationError as error:
            new.init_errors = error.reasons
            new.outputs = mark_secrets(new, error.properties)
            return error
        new.outputs = mark_secrets(new, outputs)
        return None

    def _delete(self, step: Step) -> None:
        old = step.resource
        if old.protect and step.op is Op.DELETE:
            msg = (
                f'unable to delete resource "{old.urn}"\n'
                "as it is currently marked for protection. To unprotect the resource, remove the `protect` "
                "flag from the resource in your Pulumi program and run `pulumi up`"
            )
            raise StepError(old.urn, msg)
        if not self._run.preview:
            with self._operation("deleting", old):
                self._call_delete(old)
        if step.keeps_old:
            old.pending_replacement = True
            self._record(changed=old)
        else:
            self._record(drop=old)

    def _call_delete(self, old: Resource) -> None:
        kept = old.external or old.retain_on_delete or old.deleted_with in self._deleted
        if old.needs_calls and not kept:
            provider = self._run.providers.get(old.provider)
            provider.delete(old, old.custom_timeouts.get("delete", 0))

    def _remove(self, step: Step) -> None:
        self._record(drop=step.resource)

    def _read(self, step: Step) -> None:
        new, old = step.resource, step.old
        if values.is_unknown(new.id):
            new.outputs = {}
        else:
            with self._operation("reading", new):
                found = self._run.providers.get(new.provider).read(new.urn, new.id, new.inputs, new.inputs)
            if not found.id:
                raise StepError(new.urn, f"resource '{new.id}' does not exist")
            new.id, new.outputs = found.id, mark_secrets(new, found.outputs)
        if old is not None:
            new.created, new.modified = old.created, old.modified
        if step.op is Op.READ_REPLACEMENT and old is not None:
            old.delete = True
            self._record(add=new, changed=old)
        else:
            self._record(add=new, drop=old)

    def _import(self, step: Step) -> None:
        new = step.resource
        with self._operation("importing", new):
            found = self._run.providers.get(new.provider).read(new.urn, new.import_id, {}, {})
        if not found.id:
            raise StepError(new.urn, f"resource '{new.import_id}' does not exist")
        if found.inputs is None:
            raise StepError(new.urn, f"the provider of {new.type} cannot import resources")
        new.id, new.inputs = found.id, found.inputs
        new.outputs = mark_secrets(new, found.outputs)
        new.created = new.modified = now()
        self._save_created(step, new)

    # The state

    def _operation(self, kind: str, resource: Resource) -> AbstractContextManager[None]:
        snapshot = self._run.snapshot
        return snapshot.operation(kind, resource) if snapshot else nullcontext()

    def _record(
        self,
        *,
        add: Resource | None = None,
        drop: Resource | None = None,
        changed: Resource | None = None,
        write: bool = True,
    ) -> None:
        if self._run.snapshot:
            self._run.snapshot.record(add=add, drop=drop, changed=changed, write=write)


def _both(step: Step) -> tuple[Resource, Resource]:
    if step.old is None or step.new is None:
        msg = f"step {step.op} of {step.urn} needs an old and a new resource"
        raise ValueError(msg)
    return step.old, step.new


def mark_secrets(resource: Resource, outputs: values.Properties) -> values.Properties:
    """Mark the outputs that the program named as secret and those with a secret input of the same key."""
    hidden = {key for key in outputs if values.is_secret(resource.inputs.get(key))}
    return values.mark_keys(outputs, hidden.union(resource.additional_secret_outputs))


def _differs(old: Resource, new: Resource) -> bool:
    # Metadata of an unchanged resource may still differ in the state file.
    return old.to_json(str) != new.to_json(str)
