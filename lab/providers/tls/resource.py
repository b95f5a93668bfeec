"""A tls resource: created once, kept in the state, recreated when an input changes or its time is over."""
# ruff: noqa: ARG002  # the signatures are those of `Resource`

from collections.abc import Callable
from datetime import UTC, datetime

from lab.providers.resource import Change, Checked, Difference, Operation, Resource, State, changes_between
from lab.providers.tls.issuing import is_due
from lab.providers.tls.kinds import Kind
from lab.providers.values import UNKNOWN, Properties


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class TlsResource(Resource):
    def __init__(self, kind: Kind, now: Callable[[], datetime] = _now) -> None:
        self.token = kind.token
        self._kind = kind
        self._now = now

    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Inputs as they were given: the official provider fills in no defaults before it creates."""
        written = {key: value for key, value in inputs.items() if value is not None}
        return Checked(written, list(self._kind.failures(written)))

    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """A certificate close to its end is replaced even if no input changes."""
        known = {key: value for key, value in (old_inputs or olds).items() if key in self._kind.inputs}
        before, after = self._kind.defaults | known, self._kind.defaults | news
        changes = changes_between(before, after, lambda name: name not in self._kind.in_place)
        if is_due(olds, news.get("earlyRenewalHours") or 0, self._now()):
            changes.append(Change("readyForRenewal", replaces=True))
        return Difference(changes)

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        filled = self._kind.defaults | inputs
        if preview:
            return State("", dict.fromkeys((*self._kind.outputs, "id"), UNKNOWN) | filled)
        identifier, created = self._kind.make(filled, self._now())
        return State(identifier, {**filled, **created, "id": identifier})

    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        # The state is the only copy, so it is also the result, and an import is impossible.
        return State(identifier, properties, inputs) if properties else None

    def update(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
        *,
        preview: bool,
    ) -> Properties:
        filled = self._kind.defaults | news
        return olds | {name: filled[name] for name in self._kind.in_place if name in filled}

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        # There is nothing to delete outside the state.
        ...
