"""Finds the old resource that a new one continues, by name or by an alias declared in the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine.state import urns

if TYPE_CHECKING:
    from lab.engine.steps.goals import Alias, Goal


class Aliases:
    """The renames of this run."""

    def __init__(self, stack: str, project: str) -> None:
        self._stack = stack
        self._project = project
        self.continued_by: dict[str, str] = {}
        """Old urn to the new one that continues it."""
        self.former: dict[str, str] = {}
        """New urn to the old one it continues."""

    def candidates(self, goal: Goal) -> list[str]:
        """All URNs that the resource may have had before, most likely first."""
        own = [self._resolve(goal, alias) for alias in goal.aliases]
        parents = self.former.get(goal.parent)
        if parents is None:
            return list(dict.fromkeys(own))
        found = [*own, self._under(goal.type, goal.name, goal.parent, parents)]
        for urn in own:
            old = urns.parse(urn)
            found.append(self._under(old.type, old.name, goal.parent, parents))
        return list(dict.fromkeys(found))

    def take(self, old_urn: str, urn: str) -> None:
        self.continued_by[old_urn] = urn
        self.former[urn] = old_urn

    def _resolve(self, goal: Goal, alias: Alias) -> str:
        if alias.urn:
            return alias.urn
        parent = self.former.get(alias.parent, alias.parent) or goal.parent
        if alias.no_parent or (parent and urns.type_of(parent) == urns.STACK_TYPE):
            parent = ""
        return urns.make(
            alias.stack or self._stack,
            alias.project or self._project,
            parent,
            alias.type or goal.type,
            alias.name or goal.name,
        )

    def _under(self, type_: str, name: str, parent: str, former_parent: str) -> str:
        # A name that starts with the parent's name is renamed with the parent.
        prefix = urns.name_of(parent)
        if name.startswith(prefix):
            name = urns.name_of(former_parent) + name.removeprefix(prefix)
        return urns.make(self._stack, self._project, former_parent, type_, name)
