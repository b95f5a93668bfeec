"""The whole migration as a program runs it, and what has to be true at its end."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from eks_cilium.migration.agents import enforcement, rollout
from eks_cilium.migration.aws_node import affinity, binding, removal
from eks_cilium.migration.batch import rotate_batch
from eks_cilium.migration.capacity import stopped, surge
from eks_cilium.migration.inventory import forgetting, recording
from eks_cilium.migration.options import Limits
from eks_cilium.migration.rotation import restore, steps
from eks_cilium.migration.run import MigrationRun
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import MigrationOptions, Target

from .simulation.world import DAEMON_SETS, Simulation

Report = Callable[[str], None]
QUICK = Limits(volumes=10, load_balancer_timeout=60, termination=60, roll_out=60, poll_interval=1)
IMPATIENT = ("drain_timeout_seconds", "replacement_timeout_seconds", "health_timeout_seconds")


def quiet(_: str) -> None:
    pass


def options(**chosen: object) -> MigrationOptions:
    """Options that may be out of the bounds of the configuration."""
    return MigrationOptions().model_copy(update=dict.fromkeys(IMPATIENT, 60) | chosen)


def run(
    world: World, given: MigrationOptions | None = None, report: Report = quiet, limits: Limits = QUICK
) -> MigrationRun:
    return MigrationRun(world, given or options(), report, limits)


class Stack:
    """One migration as a program runs it: steps in order, those that are done remembered as Pulumi would.

    `forgetful` runs every step of every run again: each of them has to bear that.
    """

    def __init__(
        self,
        simulation: Simulation,
        given: MigrationOptions,
        *,
        report: Report = quiet,
        limits: Limits = QUICK,
        forgetful: bool = False,
        cilium: str | None = "default",
        to_the_end: bool = True,
        in_batches: int = 0,
    ) -> None:
        """`cilium` is the mode of policy enforcement that the values of the release state.

        Programs do not wait `to_the_end` of each instance; for what is between two nodes it is simpler.
        With `in_batches` of so many nodes there is no step for each node.
        """
        self._to_the_end, self._in_batches = to_the_end, in_batches
        self._simulation, self._options, self._report = simulation, given, report
        self._limits, self._forgetful, self._cilium = limits, forgetful, cilium
        self._done: set[str] = set()
        self._ended = False

    def up(self, until: str = "") -> None:
        """One `up`, which ends before the step whose name starts with `until`."""
        world = self._simulation.world()
        self._ended = False
        if stopped.reasons(run(world, self._options)):
            self._done.discard("prepare")
        self._steps(world, self._begin(), until)
        nodes = recording.read(world, self._options.target)
        if nodes is not None:
            rotations = {node.name: self._rotation(node.name) for node in nodes.nodes}
            self._steps(world, self._batches(len(rotations)) if self._in_batches else rotations, until)
        self._steps(world, self._finish(), until)

    def _steps(self, world: World, steps: dict[str, Callable[[World], object]], until: str) -> None:
        for name, step in steps.items():
            if self._stopped(name, until):
                return
            if self._forgetful or name not in self._done:
                result = self._persist(world, step)
                # What was skipped is tried again by the next run: `must_act` of its resource says so.
                if not (isinstance(result, dict) and result.get("skipped")):
                    self._done.add(name)

    def _persist(self, world: World, step: Callable[[World], object]) -> object:
        """As every operation of the program is performed."""
        return run(world, self._options, self._report, self._limits).persist(lambda: step(world))

    def _stopped(self, name: str, until: str) -> bool:
        self._ended = self._ended or (bool(until) and name.startswith(until))
        return self._ended

    def _rotation(self, name: str) -> Callable[[World], object]:
        return lambda world: steps.rotate_node(
            run(world, self._options, self._report, self._limits), name, to_the_end=self._to_the_end
        )

    def _batches(self, nodes: int) -> dict[str, Callable[[World], object]]:
        return {
            f"ip-batch-{first}": partial(self._batch, first)
            for first in range(1, nodes + 1, self._in_batches)
        }

    def _batch(self, first: int, world: World) -> object:
        return rotate_batch(run(world, self._options, self._report, self._limits), first, self._in_batches)

    def _begin(self) -> dict[str, Callable[[World], object]]:
        given, report, target = self._options, self._report, self._options.target
        forward = target is Target.CILIUM
        return {
            "inventory": lambda world: recording.record_inventory(run(world, given, report)),
            "restrict": self._restrict,
            "release of Cilium": lambda _: self._install() if forward else self._bind(),
            "pause": lambda world: enforcement.pause(run(world, given, report)) if forward else None,
            "count": lambda world: rollout.await_count(run(world, given, report)),
            "prepare": lambda world: surge.prepare(run(world, given, report)),
        }

    def _finish(self) -> dict[str, Callable[[World], object]]:
        given, report = self._options, self._report
        restored = {"restore": lambda world: restore.restore(run(world, given, report))}
        if given.target is Target.CILIUM:
            return restored | {
                "remove": lambda world: removal.remove(run(world, given, report)),
                "resume": lambda world: enforcement.resume(run(world, given, report)),
            }
        return restored | {
            "none left": lambda world: rollout.await_none(run(world, given, report)),
            "uninstall Cilium": lambda _: self._uninstall(),
            "release": lambda world: affinity.release(run(world, given, report)),
            "forget": lambda world: forgetting.forget(run(world, given, report)),
        }

    def _restrict(self, world: World) -> None:
        """A forgetful stack does not bind what it has removed: no program would ask for it."""
        gone = self._simulation.api.find(DAEMON_SETS, "kube-system", "aws-node") is None
        if not (gone and self._options.target is Target.CILIUM):
            binding.bind(run(world, self._options, self._report))

    def _install(self) -> None:
        if self._simulation.api.find(DAEMON_SETS, "kube-system", "cilium") is None:
            self._simulation.install_cilium(self._cilium)

    def _bind(self) -> None:
        if self._simulation.api.find(DAEMON_SETS, "kube-system", "cilium"):
            self._simulation.bind_cilium()

    def _uninstall(self) -> None:
        if found := self._simulation.api.find(DAEMON_SETS, "kube-system", "cilium"):
            self._simulation.api.remove(DAEMON_SETS, found)


class Before:
    """The world as it was, to be compared with what a migration left."""

    def __init__(self, simulation: Simulation) -> None:
        simulation.watch()
        self._simulation = simulation
        self.groups = sizes(simulation)
        self.instances = {each for group in simulation.cloud.groups.values() for each in group.members}

    def check(self) -> None:
        """What has to hold however often the run was interrupted."""
        simulation = self._simulation
        assert sizes(simulation) == self.groups, sizes(simulation)
        assert simulation.violations == []
        assert simulation.lost == []
        assert simulation.cloud.undrained == []
        evicted = Counter(uid for _, uid, status in simulation.api.evictions if status == 201)
        assert [uid for uid, times in evicted.items() if times > 1] == []
        ended = Counter(
            call["instance"] for name, call in simulation.cloud.calls if name == "terminate_instance"
        )
        assert [instance for instance, times in ended.items() if times > 1] == []
        for node in simulation.nodes():
            assert not node["spec"].get("unschedulable"), node["metadata"]["name"]
            assert not node["spec"].get("taints"), node["metadata"]["name"]
            assert "eks-cilium.io/rotation" not in node["metadata"].get("annotations", {})

    def check_replaced(self) -> None:
        """All of that, and no instance of before is left."""
        self.check()
        simulation = self._simulation
        now = {each for group in simulation.cloud.groups.values() for each in group.members}
        assert now.isdisjoint(self.instances)


def sizes(simulation: Simulation) -> dict[str, tuple[int, int, int, tuple[str, ...]]]:
    return {
        group.name: (group.minimum, group.maximum, group.desired, tuple(sorted(group.suspended)))
        for group in simulation.cloud.groups.values()
    }
