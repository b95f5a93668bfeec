"""Which old resource a new one continues, by its name or by an alias that the program declares for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.engine.state import urns

if TYPE_CHECKING:
    from lab.engine.steps.goals import Alias, Goal


class Aliases:
    """Which old resource a new one continues: names used in this run, old names taken over."""

    def __init__(self, stack: str, project: str) -> None:
        self._stack = stack
        self._project = project
        self.taken: dict[str, str] = {}
        """Old urn to the new one that continues it."""
        self.former: dict[str, str] = {}
        """New urn to the old one it continues."""

    def candidates(self, goal: Goal) -> list[str]:
        """Every urn the resource may have had before, the likeliest first."""
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
        """Record that a resource continues an old one."""
        self.taken[old_urn] = urn
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
        """The child's urn under its parent's old name; a name made from the parent's follows it."""
        prefix = urns.name_of(parent)
        if name.startswith(prefix):
            name = urns.name_of(former_parent) + name.removeprefix(prefix)
        return urns.make(self._stack, self._project, former_parent, type_, name)
