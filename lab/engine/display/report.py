"""The text after a run: the plan, diagnostics, outputs, counts and duration."""

from __future__ import annotations

from typing import Any

from lab.engine.display.operations import summary
from lab.engine.display.property_changes import output_lines, step_lines
from lab.engine.display.record import Message, Record, is_hidden
from lab.engine.display.text import clean, indented, seconds
from lab.engine.display.tree import plan_tree
from lab.engine.events import Op, Severity
from lab.engine.state import urns


def plan_lines(record: Record, *, difference: bool) -> list[str]:
    if not difference:
        return plan_tree(record)
    lines: list[str] = []
    for row in record.rows:
        if row.step.shown is not Op.SAME and not is_hidden(row.step):
            lines += step_lines(row.step)
    return lines


def diagnostics(record: Record, stack_name: str) -> list[str]:
    """Warnings and errors by resource; other messages were printed when they arrived."""
    by_urn: dict[str, list[Message]] = {}
    for message in record.messages:
        if message.severity in (Severity.WARNING, Severity.ERROR):
            by_urn.setdefault(message.urn, []).append(message)
    if not by_urn:
        return []
    lines = ["Diagnostics:"]
    for urn, messages in by_urn.items():
        type_ = urns.short_type(urns.type_of(urn)) if urn else urns.STACK_TYPE
        lines.append(f"  {type_} ({urns.name_of(urn) if urn else stack_name}):")
        for message in messages:
            text = clean(message.text).strip()
            lines += indented(f"{message.severity}: {text}", "    ").splitlines()
        lines.append("")
    return lines


def ending(
    record: Record,
    old_outputs: dict[str, Any],
    outputs: dict[str, Any] | None,
    *,
    planned: bool,
    show_secrets: bool,
) -> list[str]:
    """Outputs (none after a failure), counts and, unless only planned, the duration."""
    lines: list[str] = []
    if outputs is not None and (
        shown := output_lines(old_outputs, outputs, planned=planned, show_secrets=show_secrets)
    ):
        lines += ["Outputs:", *(f"  {line}" for line in shown), ""]
    lines += ["Resources:", *(f"    {line}" for line in summary(record.counts(), planned=planned))]
    if not planned:
        lines += ["", f"Duration: {seconds(record.clock() - record.began)}"]
    return lines
