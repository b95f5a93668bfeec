"""Conversions shared by several provider requests and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto import provider_pb2

from lab.engine.providers.diff import Diff
from lab.engine.providers.provider import Failure
from lab.engine.state import values

if TYPE_CHECKING:
    from collections.abc import Mapping


def bare(properties: values.Properties) -> Any:
    """Properties for configuration calls, which support neither secrets nor references."""
    return values.to_struct(
        values.without_references(values.without_secrets(values.without_outputs(properties)))
    )


def failures(answer: Any) -> list[Failure]:
    return [Failure(failure.property, failure.reason) for failure in answer.failures]


def diff(answer: Any, *, same: bool) -> Diff:
    """The provider's difference; if it does not know, there is one unless the inputs are the `same`."""
    unknown = answer.changes == provider_pb2.DiffResponse.DIFF_UNKNOWN
    kinds = provider_pb2.PropertyDiff.Kind
    return Diff(
        changes=not same if unknown else answer.changes == provider_pb2.DiffResponse.DIFF_SOME,
        replaces=tuple(answer.replaces),
        diffs=tuple(answer.diffs),
        stables=tuple(answer.stables),
        delete_before_replace=answer.deleteBeforeReplace,
        detailed={
            path: kinds.Name(entry.kind).lower().replace("_", "-")
            for path, entry in answer.detailedDiff.items()
        },
        input_diffs=frozenset(path for path, entry in answer.detailedDiff.items() if entry.inputDiff),
    )


def variables(package: str, inputs: Mapping[str, Any]) -> dict[str, str]:
    """The configuration in the old form that some providers still read: `package:config:key`."""
    plain = values.without_secrets(values.without_outputs(inputs))
    return {
        f"{package}:config:{key}": value
        for key, value in plain.items()
        if isinstance(value, str) and key != "version"
    }
