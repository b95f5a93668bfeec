"""The decisions of a run, shared by the planner, deletions and replacements."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Decisions:
    """The decisions so far, by URN."""

    seen: set[str] = field(default_factory=set)
    # Resources whose step is decided; the others in the state may still be deleted.
    decided: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    # Old resources (by identity) whose deletion before a replacement is already planned.
    deleted_early: set[int] = field(default_factory=set)
    # Resources that were not created because they are no target.
    skipped: set[str] = field(default_factory=set)
