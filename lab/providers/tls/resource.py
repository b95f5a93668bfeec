"""A tls resource: made once, kept in the state, made anew when anything about it changes or it runs out."""
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
    """One table entry."""

    def __init__(self, kind: Kind, now: Callable[[], datetime] = _now) -> None:
        self.token = kind.token
        self._kind = kind
        self._now = now

    def check(
        self, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
    ) -> Checked:
        """Refuse what is not known; fill in defaults."""
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
        """What changed; a certificate near its end is replaced as well."""
        before = {key: value for key, value in (old_inputs or olds).items() if key in self._kind.inputs}
        after = {key: value for key, value in news.items() if key != FILLED_IN}
        changes = changes_between(before, after, lambda name: name not in self._kind.in_place)
        if is_due(olds, news.get("earlyRenewalHours") or 0, self._now()):
            changes.append(Change("readyForRenewal", replaces=True))
        return Difference(changes)

    def create(self, operation: Operation, inputs: Properties, *, preview: bool) -> State:
        """Make it."""
        plain = {key: value for key, value in inputs.items() if key != FILLED_IN}
        if preview:
            return State("", dict.fromkeys(self._kind.outputs, UNKNOWN) | plain)
        identifier, made = self._kind.make(plain, self._now())
        return State(identifier, plain | made)

    def read(
        self, operation: Operation, identifier: str, properties: Properties, inputs: Properties
    ) -> State | None:
        """It is what the state says; there is nowhere else to look, and so nothing to import."""
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
        """Keep all but the inputs that change in place."""
        return olds | {name: news[name] for name in self._kind.in_place if name in news}

    def delete(
        self, operation: Operation, identifier: str, old_inputs: Properties, properties: Properties
    ) -> None:
        """Forget it."""
