"""What a run has decided so far, shared by the planner and the early deletions of a replacement."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Decisions:
    """What this run decided so far, by urn."""

    seen: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    """Resources whose step was decided; the others of the state may still be deleted."""
    replaced: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    condemned: set[int] = field(default_factory=set)
    """Old resources (by identity) whose early deletion was planned already."""
    skipped: set[str] = field(default_factory=set)
    """Resources that were not made because they are no target."""
