"""Drives resources as an engine does: check, diff, preview, then the operation, in the form of the wire."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from lab.providers.kubernetes.instance import KubernetesInstance
from lab.providers.resource import Checked, Difference, Operation, Resource, State
from lab.providers.values import Properties, decode, encode

SEED = b"seed"


@dataclass
class Clock:
    """A clock that only moves when the provider sleeps; `during` is called in every sleep."""

    now: float = 0.0
    during: Callable[[], None] = field(default=lambda: None)

    def sleep(self, seconds: float) -> None:
        self.during()
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Managed:
    """A resource as the state has it."""

    token: str
    name: str
    identifier: str
    inputs: Properties
    properties: Properties


class Program:
    def __init__(self, instance: KubernetesInstance) -> None:
        self.instance = instance
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def check(self, token: str, name: str, inputs: Properties, olds: Properties | None = None) -> Checked:
        checked = self._resource(token).check(self.operation(token, name), inputs, olds, SEED)
        return replace(checked, inputs=over_the_wire(checked.inputs))

    def checked(
        self, token: str, name: str, inputs: Properties, olds: Properties | None = None
    ) -> Properties:
        checked = self.check(token, name, inputs, olds)
        assert not checked.failures, checked.failures
        return checked.inputs

    def foresee(self, token: str, name: str, inputs: Properties) -> Properties:
        """The properties that a preview of the creation shows."""
        state = self._resource(token).create(
            self.operation(token, name), self.checked(token, name, inputs), preview=True
        )
        return over_the_wire(state.properties)

    def create(self, token: str, name: str, inputs: Properties, clock: Clock | None = None) -> Managed:
        self.foresee(token, name, inputs)
        checked = self.checked(token, name, inputs)
        operation = self.operation(token, name, clock)
        state = self._resource(token).create(operation, checked, preview=False)
        return Managed(token, name, state.identifier, checked, over_the_wire(state.properties))

    def plan(self, managed: Managed, inputs: Properties) -> Difference:
        news = self.checked(managed.token, managed.name, inputs, managed.inputs)
        return self._resource(managed.token).diff(
            self.operation(managed.token, managed.name),
            managed.identifier,
            managed.inputs,
            managed.properties,
            news,
        )

    def update(self, managed: Managed, inputs: Properties, clock: Clock | None = None) -> Managed:
        assert self.plan(managed, inputs).changes, "an engine does not update without a difference"
        news = self.checked(managed.token, managed.name, inputs, managed.inputs)
        for preview in (True, False):
            properties = self._resource(managed.token).update(
                self.operation(managed.token, managed.name, clock),
                managed.identifier,
                managed.inputs,
                managed.properties,
                news,
                preview=preview,
            )
        return replace(managed, inputs=news, properties=over_the_wire(properties))

    def refresh(self, managed: Managed) -> Managed | None:
        state = self._resource(managed.token).read(
            self.operation(managed.token, managed.name),
            managed.identifier,
            managed.properties,
            managed.inputs,
        )
        return state and self._with(managed, state)

    def imported(self, token: str, name: str, identifier: str) -> Managed | None:
        state = self._resource(token).read(self.operation(token, name), identifier, {}, {})
        return state and self._with(Managed(token, name, identifier, {}, {}), state)

    def delete(self, managed: Managed, clock: Clock | None = None) -> None:
        self._resource(managed.token).delete(
            self.operation(managed.token, managed.name, clock),
            managed.identifier,
            managed.inputs,
            managed.properties,
        )

    def operation(self, token: str, name: str, clock: Clock | None = None) -> Operation:
        urn = f"urn:pulumi:test::project::{token}::{name}"
        operation = Operation(urn, token, name, progress=self.lines.append, warn=self.warnings.append)
        return replace(operation, clock=clock, sleep=clock.sleep) if clock else operation

    def _resource(self, token: str) -> Resource:
        return self.instance.resource(token)

    def _with(self, managed: Managed, state: State) -> Managed:
        return replace(
            managed, inputs=over_the_wire(state.inputs or {}), properties=over_the_wire(state.properties)
        )


def over_the_wire(properties: Properties) -> Properties:
    """Properties as the engine returns them: encoded, stored, decoded, with secrets decrypted."""
    return decode(encode(properties))


def changed(difference: Difference) -> set[str]:
    return {change.path for change in difference.changes}


def replaced(difference: Difference) -> set[str]:
    return {change.path for change in difference.changes if change.replaces}


def manifest(api_version: str, kind: str, name: str | None, namespace: str | None, **rest: Any) -> Properties:
    metadata: dict[str, Any] = {
        key: value for key, value in (("name", name), ("namespace", namespace)) if value
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
