"""A preview in the JSON format of `pulumi preview --json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.engine.display.record import Record, is_hidden
from lab.engine.state import urns, values

if TYPE_CHECKING:
    from lab.engine.events import Step
    from lab.engine.project.files import Configuration
    from lab.engine.state.resources import Resource


def preview_digest(record: Record, configuration: Configuration) -> dict[str, Any]:
    """The steps, messages and counts of a preview, with secrets masked."""
    return {
        "config": {
            key: "[secret]" if key in configuration.secret_keys else text
            for key, text in sorted(configuration.values.items())
        },
        "steps": [_step(row.step) for row in record.rows if not _unseen(row.step)],
        "diagnostics": [
            {"urn": message.urn, "message": message.text, "severity": str(message.severity)}
            for message in record.messages
        ],
        "duration": int((record.clock() - record.began) * 1_000_000_000),
        "changeSummary": {str(op): count for op, count in sorted(record.counts().items())},
    }


def _unseen(step: Step) -> bool:
    return is_hidden(step) and not urns.is_provider(urns.type_of(step.urn))


def _step(step: Step) -> dict[str, Any]:
    written: dict[str, Any] = {"op": str(step.shown), "urn": step.urn}
    provider = step.resource.provider
    if provider:
        written["provider"] = provider
    if step.old is not None:
        written["oldState"] = _state(step.old)
    if step.new is not None:
        written["newState"] = _state(step.new)
    if step.diff is not None:
        written["diffReasons"] = sorted(step.diff.keys)
        written["replaceReasons"] = list(step.diff.replaces)
    written["detailedDiff"] = _detailed(step)
    return written


def _detailed(step: Step) -> dict[str, Any] | None:
    if step.diff is None or not step.diff.detailed:
        return None
    return {
        path: {"kind": kind, "inputDiff": path in step.diff.input_diffs}
        for path, kind in sorted(step.diff.detailed.items())
    }


def _state(resource: Resource) -> dict[str, Any]:
    blind = resource.clone(inputs=values.masked(resource.inputs), outputs=values.masked(resource.outputs))
    return blind.to_json(str)
