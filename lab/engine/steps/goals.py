"""The goal of a registration: one resource as the program declares it, read from the SDK's request.

The SDK sends what the user wrote; the engine adds what follows from the parent (protection, retention,
providers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lab.engine.errors import UserError
from lab.engine.state import urns, values


@dataclass(frozen=True)
class Alias:
    """A former name of a resource: a whole URN, or the parts of it that differed."""

    urn: str = ""
    name: str = ""
    type: str = ""
    stack: str = ""
    project: str = ""
    parent: str = ""
    no_parent: bool = False


@dataclass
class Goal:
    """One resource as the program declares it."""

    type: str
    name: str
    custom: bool
    parent: str = ""
    inputs: values.Properties = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    provider: str = ""
    providers: dict[str, str] = field(default_factory=dict)
    protect: bool | None = None
    retain_on_delete: bool | None = None
    deleted_with: str = ""
    replace_with: list[str] = field(default_factory=list)
    delete_before_replace: bool | None = None
    ignore_changes: list[str] = field(default_factory=list)
    replace_on_changes: list[str] = field(default_factory=list)
    additional_secret_outputs: list[str] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)
    import_id: str = ""
    timeouts: dict[str, float] = field(default_factory=dict)

    def inherit(self, parent: Goal) -> None:
        """Take unset options from the parent."""
        self.deleted_with = self.deleted_with or parent.deleted_with
        if self.protect is None:
            self.protect = parent.protect
        if self.retain_on_delete is None:
            self.retain_on_delete = parent.retain_on_delete


def from_request(request: Any) -> Goal:
    """The goal of a RegisterResource request, with output values converted to plain ones."""
    properties = values.from_struct(request.object)
    by_property = {key: set(entry.urns) for key, entry in request.propertyDependencies.items()}
    if not by_property:
        by_property = {key: set(request.dependencies) for key in properties}
    for key, value in properties.items():
        by_property.setdefault(key, set()).update(values.dependencies_of(value))
    everything = set(request.dependencies).union(*by_property.values())
    defined = request.deleteBeforeReplaceDefined or request.deleteBeforeReplace
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        parent=request.parent,
        inputs=_with_version(request, values.without_outputs(properties)),
        dependencies=sorted(everything),
        property_dependencies={key: sorted(found) for key, found in sorted(by_property.items())},
        provider=request.provider,
        providers=dict(request.providers),
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        deleted_with=request.deletedWith,
        replace_with=list(request.replace_with),
        delete_before_replace=request.deleteBeforeReplace if defined else None,
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        aliases=aliases(request),
        import_id=request.importId,
        timeouts=_timeouts(request.customTimeouts),
    )


def _with_version(request: Any, inputs: values.Properties) -> values.Properties:
    # The state of an explicit provider contains the version that the program asked for.
    if request.version and urns.is_provider(request.type):
        return {**inputs, "version": request.version}
    return inputs


def aliases(request: Any) -> list[Alias]:
    found = [Alias(urn=urn) for urn in request.aliasURNs]
    for entry in request.aliases:
        if entry.WhichOneof("alias") == "urn":
            found.append(Alias(urn=entry.urn))
        else:
            spec = entry.spec
            found.append(
                Alias(
                    name=spec.name,
                    type=spec.type,
                    stack=spec.stack,
                    project=spec.project,
                    parent=spec.parentUrn,
                    no_parent=spec.noParent,
                )
            )
    return found


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def duration(text: str) -> float:
    """The seconds of a duration such as `1h30m`."""
    parts = _DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        msg = f"'{text}' is not a duration such as 20m or 1h30m"
        raise UserError(msg)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _timeouts(message: Any) -> dict[str, float]:
    # Empty unless a timeout is set, as the state file stores it.
    given = {name: getattr(message, name) for name in ("create", "update", "delete")}
    if not any(given.values()):
        return {}
    return {name: values.whole(duration(text)) if text else 0 for name, text in given.items()}
