"""Replaces a batch of nodes beside each other: for clusters with more nodes than a stack has resources for.

Called for each resource `NodeBatch`. Each node is replaced as by a resource of its own, `steps`, as soon as
it has a place. Places are shared by all batches of the process, so the next batch takes those that the end of
this one leaves. A node whose pods wait for a budget lets others go first, and so does a node of a zone that
has more nodes in work than others.

After an error no further node is begun, and those in work are finished. Nodes that an earlier run has begun
and not finished come first, whatever else may be begun, and whichever batch they are of: they take capacity
away until they are replaced, so nodes that are begun before them would wait for it in vain.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.objects import is_cordoned
from eks_cilium.errors import ProgramError
from eks_cilium.migration.facts import pods
from eks_cilium.migration.facts.nodes import node as known_node
from eks_cilium.migration.inventory import marks, recording
from eks_cilium.migration.lanes import Lanes
from eks_cilium.migration.part import selected
from eks_cilium.migration.rotation import before as records
from eks_cilium.migration.rotation import steps
from eks_cilium.migration.rotation.beginning import refuse_to_begin
from eks_cilium.texts import counted, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.migration.facts.model import Budget
    from eks_cilium.migration.inventory.model import Inventory, Outgoing
    from eks_cilium.migration.run import MigrationRun

_MOST_SKIPPED = 5
"""Skipped nodes whose reasons a result has: what a stack keeps stays small."""
_NEXT = 10
"""So many nodes of each group are compared when a place is free, in the order of work."""
_ASKED_AGAIN = 15.0
"""Seconds after which the pods of a node that waits for a budget are read again."""


def rotate_batch(run: MigrationRun, first: int, count: int) -> dict[str, Any]:
    """Replace the nodes at these positions of the inventory, from 1, as far as `migration.only` names them.

    Returns {"nodes", "replaced", "evicted", "deleted": numbers, "skipped": {"nodes": number, node: reason}}.
    Raises the error of the first node that failed, once all nodes in work are finished.
    """
    inventory = recording.required(run.world, run.options.target)
    wanted = selected(inventory.members, run.options.part)
    batch = [node for node in inventory.nodes[first - 1 : first - 1 + count] if node.name in wanted]
    lanes = Lanes.of(inventory.nodes, run.options.parallel)
    nodes = run.world.seen.list("/api/v1/nodes")
    begun = [node for node in _begun(run, inventory, nodes) if node.name in wanted]
    left = {node.name for node in (*inventory.left(nodes), *begun)}
    return _Batch(run, batch, [node for node in batch if node.name in left], begun, lanes).complete()


def _begun(run: MigrationRun, inventory: Inventory, nodes: Sequence[Object]) -> Iterator[Outgoing]:
    """Nodes that a run has begun and not finished: cordoned by it, or gone before it was seen to the end."""
    known = {known_node(obj, {}).instance: obj for obj in nodes}
    recorded = records.by_node(run.world)
    for node in inventory.nodes:
        obj = known.get(node.instance)
        is_begun = node.name in recorded if obj is None else is_cordoned(obj) and marks.is_ours(obj)
        if is_begun:
            yield node


class _Batch:
    def __init__(
        self,
        run: MigrationRun,
        nodes: Sequence[Outgoing],
        left: Sequence[Outgoing],
        begun: Sequence[Outgoing],
        lanes: Lanes,
    ) -> None:
        self._run, self._nodes, self._lanes = run, nodes, lanes
        self._own = {node.name for node in nodes}
        self._waiting, self._begun = [*left], [*begun]
        self._working: dict[str, Outgoing] = {}
        self._results: dict[str, dict[str, Any]] = {}
        self._errors: list[ProgramError | Exception] = []
        self._changing = threading.Lock()

    def complete(self) -> dict[str, Any]:
        polls = self._run.polls(seconds=float("inf"), wakes=True)
        reported = ""
        for _ in polls:
            with polls.asking():
                self._begin_what_may()
            if (line := self._progress()) != reported:
                self._run.report(line)
                reported = line
            if not self._working and (self._errors or not self._waiting):
                break
        if self._errors:
            raise self._errors[0]
        return self._result()

    def _begin_what_may(self) -> None:
        while self._begun:
            self._begin(self._begun.pop(0), places=float("inf"))
        while self._waiting and not self._errors:
            try:
                refuse_to_begin(self._run)
            except ProgramError as error:
                self._errors.append(error)
                return
            if not any(self._begin(node) for node in self._in_turn()):
                return

    def _begin(self, node: Outgoing, *, places: float | None = None) -> bool:
        """Begin a node where a place is free, of so many `places` or of those that there are."""
        locks = self._run.world.locks
        name, most = self._lanes.place_of(node.group)
        if not locks.places.take(name, most if places is None else places, node.name):
            return False
        self._waiting = [each for each in self._waiting if each.name != node.name]
        if result := locks.finished.get(node.name):  # by another batch of this run
            locks.places.leave(name, node.name)
            self._keep(node, result)
            return True
        self._working[node.name] = node
        self._run.world.spawn(lambda: self._rotate(node))
        return True

    def _in_turn(self) -> list[Outgoing]:
        """The nodes that may be next, the best first."""
        in_work = Counter(node.zone for node in self._working.values())
        closed = self._closed_budgets()
        return sorted(self._candidates(), key=lambda node: (self._waits(node, closed), in_work[node.zone]))

    def _candidates(self) -> Iterator[Outgoing]:
        """The next nodes of each group, in the order of work."""
        seen: Counter[str] = Counter()
        for node in self._waiting:
            seen[node.group] += 1
            if seen[node.group] <= _NEXT:
                yield node

    def _closed_budgets(self) -> list[Budget]:
        """Budgets that allow no disruption at the moment."""
        found = self._run.world.seen.each("/apis/policy/v1/poddisruptionbudgets", pods.budget)
        return [budget for budget in found if budget.disruptions_allowed == 0 and budget.expected_pods]

    def _waits(self, node: Outgoing, closed: Sequence[Budget]) -> bool:
        """Whether a pod of a node could not be evicted now."""
        if not closed:
            return False

        def ask() -> tuple[str, float]:
            listed = self._run.world.api.each(
                "/api/v1/pods", pods.pod, fieldSelector=f"spec.nodeName={node.name}"
            )
            waits = any(pod and budget.covers(pod) for pod in listed for budget in closed)
            return ("waits" if waits else ""), _ASKED_AGAIN

        return bool(self._run.world.remembered(f"budgets of {node.name}", ask))

    def _rotate(self, node: Outgoing) -> None:
        try:
            result = steps.rotate_node(self._run.silent(), node.name, to_the_end=False)
        except Exception as error:
            with self._changing:
                self._errors.append(error)
        else:
            with self._changing:
                self._keep(node, result)
            if "skipped" not in result:
                self._run.world.locks.finished[node.name] = result
        finally:
            self._run.world.locks.places.leave(self._lanes.place_of(node.group)[0], node.name)
            self._working.pop(node.name, None)
            self._run.world.wake()

    def _keep(self, node: Outgoing, result: dict[str, Any]) -> None:
        if node.name in self._own:
            self._results[node.name] = result

    def _progress(self) -> str:
        working = sorted(self._working)
        done = len(self._nodes) - len(self._waiting) - len(self._own.intersection(working))
        at = named(working, 3)
        return f"{done}/{len(self._nodes)}" + (f", in work: {at}" if at else "")

    def _result(self) -> dict[str, Any]:
        skipped = {name: each["skipped"] for name, each in self._results.items() if "skipped" in each}
        kept = dict(list(skipped.items())[:_MOST_SKIPPED])
        self._run.report(f"replaced {counted(len(self._nodes) - len(skipped), 'node')}")
        return {
            "nodes": len(self._nodes),
            "replaced": len(self._nodes) - len(skipped),
            "evicted": sum(each.get("evicted", 0) for each in self._results.values()),
            "deleted": sum(each.get("deleted", 0) for each in self._results.values()),
            "skipped": {"nodes": len(skipped), **kept} if skipped else {},
        }
