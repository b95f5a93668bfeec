"""A tls resource: created once, kept in the state, recreated when an input changes or its time is over."""
# ruff: noqa: ARG002  # the signatures are those of `Resource`

from collections.abc import Callable
from datetime import UTC, datetime

from lab.providers.resource import Change, Checked, Difference, Operation, Resource, State, changes_between
from lab.providers.tls.issuing import is_due
from lab.providers.tls.kinds import Kind
from lab.providers.values import UNKNOWN, Properties

FILLED_IN = "__defaults"


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
        written = {key: value for key, value in inputs.items() if value is not None and key != FILLED_IN}
        failures = list(self._kind.failures(written))
        if failures:
            return Checked(inputs, failures)
        filled = {name: value for name, value in self._kind.defaults.items() if name not in written}
        return Checked(written | filled | {FILLED_IN: sorted(filled)})

    def diff(
        self,
        operation: Operation,
        identifier: str,
        old_inputs: Properties,
        olds: Properties,
        news: Properties,
    ) -> Difference:
        """A certificate close to its end is replaced even if no input changes."""
        before = {key: value for key, value in (old_inputs or olds).items() if key in self._kind.inputs}
        after = {key: value for key, value in news.items() if key != FILLED_IN}
        changes = changes_between(before, after, lambda name: name not in self._kind.in_place)
        if is_due(olds, news.get("earlyRenewalHours") or 0, self._now()):
            changes.append(Change("readyForRenewal", replaces=True))
        return Difference(changes)

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        plain = {key: value for key, value in inputs.items() if key != FILLED_IN}
        if preview:
            return State("", dict.fromkeys(self._kind.outputs, UNKNOWN) | plain)
        identifier, created = self._kind.make(plain, self._now())
        return State(identifier, plain | created)

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
        return olds | {name: news[name] for name in self._kind.in_place if name in news}

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        # There is nothing to delete outside the state.
        ...
