"""The sign, words and colour of each operation."""

from __future__ import annotations

from dataclasses import dataclass

from lab.engine.events import Op


@dataclass(frozen=True)
class Words:
    sign: str
    colour: str
    plan: str
    doing: str
    done: str
    counted: str


WORDS = {
    Op.SAME: Words(" ", "dim", "", "", "unchanged", "unchanged"),
    Op.CREATE: Words("+", "green", "create", "creating", "created", "created"),
    Op.UPDATE: Words("~", "yellow", "update", "updating", "updated", "updated"),
    Op.DELETE: Words("-", "red", "delete", "deleting", "deleted", "deleted"),
    Op.REPLACE: Words("+-", "magenta", "replace", "replacing", "replaced", "replaced"),
    Op.CREATE_REPLACEMENT: Words(
        "++", "green", "create replacement", "creating replacement", "created replacement", ""
    ),
    Op.DELETE_REPLACED: Words("--", "red", "delete original", "deleting original", "deleted original", ""),
    Op.READ: Words(">", "cyan", "read", "reading", "read", "read"),
    Op.READ_REPLACEMENT: Words(">>", "cyan", "read", "reading for replacement", "read for replacement", ""),
    Op.REFRESH: Words("~", "yellow", "refresh", "refreshing", "refreshed", "refreshed"),
    Op.REMOVE_PENDING: Words("-", "red", "remove", "removing", "removed", ""),
    Op.IMPORT: Words("=", "cyan", "import", "importing", "imported", "imported"),
    Op.IMPORT_REPLACEMENT: Words("=>", "cyan", "import", "importing replacement", "imported replacement", ""),
}

# The operations that a summary counts, in display order.
COUNTED = tuple(op for op, words in WORDS.items() if words.counted and op is not Op.SAME)


def summary(counts: dict[Op, int], *, planned: bool) -> list[str]:
    """The lines of a summary: `+ 3 to create`, `12 unchanged`."""
    lines = []
    for op in COUNTED:
        if counts.get(op):
            words = WORDS[op]
            lines.append(f"{words.sign} {counts[op]} " + (f"to {words.plan}" if planned else words.counted))
    if sum(counts.get(op, 0) for op in COUNTED) > 1:
        changes = [op for op in COUNTED if op not in (Op.READ, Op.REFRESH)]
        total = sum(counts.get(op, 0) for op in changes)
        if total > 1 and sum(1 for op in changes if counts.get(op)) > 1:
            lines[-1] += f". {total} {'changes' if planned else 'changes performed'}"
    if counts.get(Op.SAME):
        lines.append(f"{counts[Op.SAME]} unchanged")
    return lines
