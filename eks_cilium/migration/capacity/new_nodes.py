"""Waits until the extra nodes of all groups run pods on the new CNI, and says which groups cannot grow.

Called by `surge` after it has raised the sizes.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from eks_cilium.migration.agents.cni_gate import CniGate
from eks_cilium.migration.aws_node import rewrites
from eks_cilium.migration.capacity import autoscaler, dead, groups, stopped
from eks_cilium.runtime.errors import TimedOutError
from eks_cilium.runtime.fleet import AT_LEISURE
from eks_cilium.settings.model.migration import Capacity
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.migration.run import MigrationRun

_MOST_REPLACED = 2
"""New instances of a group that are replaced in one wait because they died. More than that is no accident."""


class NewNodes:
    """The extra nodes of some groups, which are waited for together."""

    def __init__(self, run: MigrationRun, names: Sequence[str]) -> None:
        self._run, self._names = run, names
        self._serving: dict[str, list[str]] = {}
        self._missing: dict[str, str] = {}
        self._replaced: Counter[str] = Counter()

    def wait(self) -> dict[str, TimedOutError]:
        """Wait for the nodes; returns the groups that cannot grow.

        The time counts anew after a dead instance was replaced. Raises TimedOutError where instances are
        there and their agents are not ready: that is no matter of one group.
        """
        seconds, reported = self._run.options.replacement_timeout_seconds, ""
        polls = self._run.polls(seconds=seconds, wakes=True)
        for _ in polls:
            with polls.asking():
                gate = self._read()
                if not self._missing:
                    return {}
                if self._replace_dead(gate):
                    polls.restart()
            sentence = polls.unanswered or "; ".join(self._missing.values())
            if sentence != reported:
                self._run.report(sentence)
            reported = sentence
        if not self._missing:
            raise TimedOutError("new nodes", seconds, polls.unanswered, topic=Topic.NO_SPARE_CAPACITY)
        errors = {
            name: TimedOutError(f"new nodes of {name}", seconds, line, topic=Topic.GROUP_CANNOT_GROW)
            for name, line in self._missing.items()
        }
        return {name: error for name, error in errors.items() if self._is_given_up(name, error)}

    def ready(self, names: Sequence[str]) -> list[str]:
        """The extra nodes of these groups that run pods on the new CNI, by name."""
        return sorted(node for name in names for node in self._serving.get(name, ()))

    def _read(self) -> CniGate:
        """Read what is missing of each group; returns the reading of all nodes that it is from."""
        rewrites.refuse(self._run)
        gate = CniGate(self._run.world, self._run.options.target)
        sentences = {name: self._missing_of(name, gate) for name in self._names}
        self._missing = {name: sentence for name, sentence in sentences.items() if sentence}
        return gate

    def _missing_of(self, name: str, gate: CniGate) -> str:
        now = groups.progress(self._run, name, groups.age_for(self._run, name, gate))
        if not now.old:
            return ""
        # Growth by others is not waited for, and what they took away does not come back.
        base = min(now.base, now.before.desired)
        needed = base + now.planned(len(now.old)) - len(now.old)
        nodes = [gate.nodes[member.instance] for member in now.new if not gate.not_serving(member)]
        old = [gate.nodes[member.instance] for member in now.old if member.instance in gate.nodes]
        autoscaler.keep(self._run.world, (*old, *nodes))
        self._serving[name] = [str(node["metadata"]["name"]) for node in nodes]
        if len(nodes) >= needed:
            return ""
        waiting = [sentence for member in now.new if (sentence := gate.not_serving(member))]
        why = waiting[0] if waiting else groups.why_instances_are_missing(self._run.world, now, 0)
        return f"group {name}: {len(nodes)} of {needed} new nodes are ready; {why}"

    def _replace_dead(self, gate: CniGate) -> bool:
        ended = 0
        for name in self._missing:
            if self._replaced[name] < _MOST_REPLACED:
                new = groups.progress(self._run, name, AT_LEISURE).new
                count = dead.replace_new(self._run, name, new, gate)
                self._replaced[name] += count
                ended += count
        return ended > 0

    def _is_given_up(self, name: str, error: TimedOutError) -> bool:
        """Whether a group has not even one extra node, with which its migration could go on."""
        now, gate = groups.progress(self._run, name), CniGate(self._run.world, self._run.options.target)
        if not stopped.cannot_grow(now, gate):
            raise error
        if (
            len(self._serving.get(name, ())) > now.base - len(now.old)
            and now.options.capacity is Capacity.SURGE
        ):
            self._run.report(f"{error.missing}; the migration goes on with those")
            return False
        return True
