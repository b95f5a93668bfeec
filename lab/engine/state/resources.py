"""One resource as the state stores it, and its form in a deployment file (version 3)."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.engine.state import values
from lab.engine.state.urns import is_provider, parse_reference

Encrypt = Callable[[str], str]


@dataclass(eq=False)
class Resource:
    """A resource: its inputs, its outputs, and the options for its treatment."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: values.Properties = field(default_factory=dict)
    outputs: values.Properties = field(default_factory=dict)
    parent: str = ""
    protect: bool = False
    external: bool = False
    delete: bool = False
    dependencies: list[str] = field(default_factory=list)
    init_errors: list[str] = field(default_factory=list)
    provider: str = ""
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    pending_replacement: bool = False
    additional_secret_outputs: list[str] = field(default_factory=list)
    # The old URN that the resource continues in this run; the state file stores only the new URN.
    aliases: list[str] = field(default_factory=list)
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    import_id: str = ""
    retain_on_delete: bool = False
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    created: str = ""
    modified: str = ""
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    # Fields of the file that this engine does not use; they are written back unchanged.
    rest: dict[str, Any] = field(default_factory=dict)

    def clone(self, **changes: Any) -> Resource:
        return dataclasses.replace(copy.copy(self), **changes)

    @property
    def is_provider(self) -> bool:
        return is_provider(self.type)

    @property
    def needs_calls(self) -> bool:
        """Whether a provider creates, changes and deletes it."""
        return self.custom and not self.is_provider

    def needs(self) -> set[str]:
        """The URNs of everything that must exist as long as this resource does."""
        found = {*self.dependencies, *(urn for urns in self.property_dependencies.values() for urn in urns)}
        found.update(filter(None, (self.parent, self.deleted_with)))
        if self.provider:
            found.add(parse_reference(self.provider).urn)
        return found

    def renamed(self, new_names: dict[str, str]) -> Resource:
        """The resource with its references changed to the new URNs of renamed resources."""
        if not self.needs() & new_names.keys():
            return self

        def name(urn: str) -> str:
            return new_names.get(urn, urn)

        provider = self.provider
        if provider:
            reference = parse_reference(provider)
            provider = str(reference._replace(urn=name(reference.urn)))
        return self.clone(
            parent=name(self.parent),
            provider=provider,
            deleted_with=name(self.deleted_with),
            dependencies=[name(urn) for urn in self.dependencies],
            property_dependencies={
                key: [name(urn) for urn in urns] for key, urns in self.property_dependencies.items()
            },
        )

    def to_json(self, encrypt: Encrypt) -> dict[str, Any]:
        """The resource in the format of a deployment file: empty fields omitted, secrets encrypted."""
        written: dict[str, Any] = {"urn": self.urn, "custom": self.custom}
        for attribute, key in _OPTIONAL_FIELDS:
            value = getattr(self, attribute)
            if value:
                written[key] = value
        for attribute in ("inputs", "outputs"):
            if attribute in written:
                written[attribute] = _seal(written[attribute], encrypt)
        return {**written, **self.rest}

    @classmethod
    def from_json(cls, written: dict[str, Any], decrypt: Encrypt) -> Resource:
        known = {attribute: written[key] for attribute, key in _FIELDS if key in written}
        rest = {key: value for key, value in written.items() if key not in _KEYS}
        for attribute in ("inputs", "outputs"):
            known[attribute] = _unseal(known.get(attribute) or {}, decrypt)
            if is_provider(known["type"]):
                known[attribute].pop(_DOWNLOAD_NOTES, None)
        return cls(**known, rest={key: rest[key] for key in rest if key not in _NOT_KEPT})


_OPTIONAL_FIELDS = (
    ("delete", "delete"),
    ("id", "id"),
    ("type", "type"),
    ("inputs", "inputs"),
    ("outputs", "outputs"),
    ("parent", "parent"),
    ("protect", "protect"),
    ("external", "external"),
    ("dependencies", "dependencies"),
    ("init_errors", "initErrors"),
    ("provider", "provider"),
    ("property_dependencies", "propertyDependencies"),
    ("pending_replacement", "pendingReplacement"),
    ("additional_secret_outputs", "additionalSecretOutputs"),
    ("custom_timeouts", "customTimeouts"),
    ("import_id", "importID"),
    ("retain_on_delete", "retainOnDelete"),
    ("deleted_with", "deletedWith"),
    ("replace_with", "replaceWith"),
    ("created", "created"),
    ("modified", "modified"),
    ("ignore_changes", "ignoreChanges"),
    ("replace_on_changes", "replaceOnChanges"),
)
_FIELDS = (("urn", "urn"), ("custom", "custom"), *_OPTIONAL_FIELDS)
_KEYS = frozenset(key for _, key in _FIELDS)
# The Pulumi CLI stores the download of a provider among its properties; no provider may receive it.
_DOWNLOAD_NOTES = "__internal"
# Aliases that were already followed, and paths on the machine of the last run, are not kept.
_NOT_KEPT = frozenset({"aliases", "sourcePosition", "stackTrace"})


def _seal(value: Any, encrypt: Encrypt) -> Any:
    if values.is_secret(value):
        return {
            values.SIGNATURE: values.SECRET,
            "ciphertext": encrypt(json.dumps(value["value"], separators=(",", ":"), ensure_ascii=False)),
        }
    if isinstance(value, dict):
        return {key: _seal(item, encrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [_seal(item, encrypt) for item in value]
    return value


def _unseal(value: Any, decrypt: Encrypt) -> Any:
    if values.is_secret(value):
        text = value["plaintext"] if "plaintext" in value else decrypt(value["ciphertext"])
        return values.secret(json.loads(text))
    if isinstance(value, dict):
        return {key: _unseal(item, decrypt) for key, item in value.items()}
    if isinstance(value, list):
        return [_unseal(item, decrypt) for item in value]
    return value


def dependents(root_urns: Iterable[str], resources: Iterable[Resource]) -> list[Resource]:
    """The resources that need any of the roots, directly or indirectly, in the order of the state."""
    reached = set(root_urns)
    found = []
    for resource in resources:
        if resource.needs() & reached:
            reached.add(resource.urn)
            found.append(resource)
    return found
