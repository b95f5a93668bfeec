"""The plan as a tree: the operation on each resource, under its component."""

from __future__ import annotations

from lab.engine.display.operations import WORDS
from lab.engine.display.property_changes import changed_keys
from lab.engine.display.record import Record, is_hidden
from lab.engine.display.text import columns
from lab.engine.events import Op, Step
from lab.engine.state import urns

_HALVES = {Op.CREATE_REPLACEMENT, Op.DELETE_REPLACED}


def plan_tree(record: Record) -> list[str]:
    """The lines of the tree: every resource with a change, and its parents."""
    steps = _step_per_resource(record)
    wanted = _with_parents(steps, {urn for urn, step in steps.items() if step.shown is not Op.SAME})
    if not wanted:
        return []
    children: dict[str, list[str]] = {}
    for urn in (urn for urn in steps if urn in wanted):
        parent = steps[urn].resource.parent
        children.setdefault(parent if parent in wanted else "", []).append(urn)
    rows: list[tuple[str, ...]] = [("", "Type", "Name", "Plan", "Info")]
    _add(rows, steps, children, "", "")
    return [f" {line}" for line in columns(rows)]


def _step_per_resource(record: Record) -> dict[str, Step]:
    # Of a replacement, the replacing step is shown and its halves are not.
    steps: dict[str, Step] = {}
    for row in record.rows:
        step = row.step
        if is_hidden(step) or (step.op in _HALVES and step.urn in steps):
            continue
        steps[step.urn] = step
    return steps


def _with_parents(steps: dict[str, Step], urns_: set[str]) -> set[str]:
    wanted: set[str] = set()
    for leaf in urns_:
        urn = leaf
        while urn in steps and urn not in wanted:
            wanted.add(urn)
            urn = steps[urn].resource.parent
    return wanted


def _add(
    rows: list[tuple[str, ...]],
    steps: dict[str, Step],
    children: dict[str, list[str]],
    parent: str,
    indent: str,
) -> None:
    members = children.get(parent, [])
    for index, urn in enumerate(members):
        last = index == len(members) - 1
        branch = "" if parent == "" else ("└─ " if last else "├─ ")
        rows.append(_row(steps[urn], indent + branch))
        below = indent if parent == "" else indent + ("   " if last else "│  ")
        _add(rows, steps, children, urn, below)


def _row(step: Step, indent: str) -> tuple[str, ...]:
    words = WORDS[step.shown]
    keys = changed_keys(step)
    info = f"[diff: {','.join(keys)}]" if keys else ""
    type_ = urns.short_type(urns.type_of(step.urn))
    return (words.sign.strip(), indent + type_, urns.name_of(step.urn), words.plan, info)
