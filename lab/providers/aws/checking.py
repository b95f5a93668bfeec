"""Checks the inputs of a resource type: refuses them by property path, and fills in names and defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

from lab.providers.aws import sdk
from lab.providers.aws.table import Input, ResourceType
from lab.providers.resource import Checked, Failure, Operation, automatic_name
from lab.providers.values import Properties, Unknown, property_path

# Set by Pulumi in the inputs of a state; no program writes them.
FILLED_IN = "__defaults"


def check(
    kind: ResourceType, operation: Operation, inputs: Properties, olds: Properties | None, seed: bytes
) -> Checked:
    """Return the inputs with defaults filled in, or all problems at once."""
    written = {key: value for key, value in inputs.items() if value is not None and key != FILLED_IN}
    failures = list(refusals(kind, written))
    if failures:
        return Checked(inputs, failures)
    filled = fill_in(kind, operation, written, olds or {}, seed)
    normal = {key: _normal(kind.all_inputs[key], value) for key, value in (written | filled).items()}
    return Checked(normal | {FILLED_IN: sorted(filled)})


def _normal(described: Input, value: Any) -> Any:
    return value if isinstance(value, Unknown) else described.normal(value)


def refusals(kind: ResourceType, written: Properties) -> Iterator[Failure]:
    """Missing properties, and those that are unknown or that only the real AWS provider supports."""
    declared = kind.all_inputs
    for name, described in declared.items():
        if described.required and name not in written:
            yield Failure(name, f"{kind.token} needs the property '{name}'")
    for name, value in written.items():
        if name not in declared:
            yield Failure(name, _unknown_property(kind, name))
        else:
            yield from _nested_refusals(kind.token, declared[name], name, value)


def _unknown_property(kind: ResourceType, name: str) -> str:
    if name in sdk.inputs(kind.token):
        return f"the lab does not offer the property '{name}' of {kind.token} (AWS's provider does)"
    return f"{kind.token} has no property '{name}'"


def _nested_refusals(token: str, described: Input, path: str, value: Any) -> Iterator[Failure]:
    if described.fields is None or isinstance(value, Unknown):
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nested_refusals(token, described, property_path(path, index), item)
        return
    if not isinstance(value, Mapping):
        yield Failure(path, f"'{path}' of {token} must be an object")
        return
    for key, item in value.items():
        inner = property_path(path, key)
        if key in described.fields:
            yield from _nested_refusals(token, described.fields[key], inner, item)
        else:
            yield Failure(inner, f"'{inner}' of {token} is not known to the lab")


def fill_in(
    kind: ResourceType, operation: Operation, written: Properties, olds: Properties, seed: bytes
) -> Properties:
    """Values of absent properties that the provider decides, not the cloud."""
    filled = {
        name: described.default
        for name, described in kind.all_inputs.items()
        if described.default is not None and name not in written
    }
    if kind.name and kind.name not in written:
        filled[kind.name] = _name(kind, operation, written, olds, seed)
    return filled


def _name(
    kind: ResourceType, operation: Operation, written: Properties, olds: Properties, seed: bytes
) -> Any:
    # A generated name is kept; otherwise a new one is generated.
    assert kind.name is not None
    if kind.name in olds and kind.name in olds.get(FILLED_IN, ()):
        return olds[kind.name]
    fresh = automatic_name(operation, seed, longest=kind.longest_name)
    prefix = written.get(f"{kind.name}Prefix")
    return f"{prefix}{fresh.rsplit('-', 1)[-1]}" if isinstance(prefix, str) else fresh
