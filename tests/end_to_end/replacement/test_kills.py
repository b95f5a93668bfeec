"""A migration of three nodes, killed with SIGKILL after each new line of progress, and then started again.

Each run gets one line further than the run before, so that every step is left half done once. In the end the
cluster has to be as after an undisturbed migration, and no step may have been done twice.
"""

import re
from dataclasses import dataclass, field

import pytest

from lab.demo.comparison import replacement_checks
from lab.demo.prober import watching
from lab.sample_cluster.spec import ClusterSpec
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ExistingCluster, MakeExisting, Running

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

PROGRESS = re.compile(r"eks-cilium:(?P<kind>\w+) (?P<name>\S+) (?P<what>.+)|Release \S+ (?P<release>created)")
ONLY_READING = ("reading ", "read ", "creating ")
MOST_RUNS = 120


@dataclass
class Killed:
    """The cluster, and the lines of progress after which a run was killed."""

    existing: ExistingCluster
    boundaries: list[str] = field(default_factory=list)

    def run(self) -> bool:
        """Run the program until it prints a new line of progress; return whether it completed instead."""
        with self.existing.started("up", "--yes", "--skip-preview") as running:
            while running.process.poll() is None:
                new = next((line for line in _boundaries(running) if line not in self.boundaries), None)
                if new is not None:
                    running.kill()
                    self.boundaries.append(new)
                    return False
                running.pause()
            assert running.process.returncode == 0, running.output_so_far()
        return True


def _boundaries(running: Running) -> list[str]:
    """Return the lines of progress, without the numbers that differ from run to run."""
    found = []
    for match in PROGRESS.finditer(running.output_so_far()):
        what = match["release"] or match["what"]
        if not what.startswith(ONLY_READING):
            step = re.sub(r"\d+(\.\d+)?s?|\(.*\)|:.*", "#", what)
            found.append(f"{match['kind'] or 'Release'} {match['name'] or ''}: {step}")
    return found


@pytest.fixture(scope="module")
def killed(make_existing: MakeExisting) -> Killed:
    existing = make_existing(ClusterSpec(nodes=3, workloads=("small",)), surge=1, parallel=1)
    killed = Killed(existing)
    with watching(existing.kubectl) as prober:
        for _ in range(MOST_RUNS):
            if killed.run():
                break
        else:
            pytest.fail(f"not done after {MOST_RUNS} runs: {killed.boundaries}")
        assert prober.breaches == []
    return killed


def test_every_step_was_interrupted(killed: Killed) -> None:
    # Guards the fixture: it would kill nothing if it did not recognize the lines of progress any more.
    kinds = {boundary.partition(" ")[0] for boundary in killed.boundaries}

    assert kinds >= {
        "NodeInventory",
        "AwsNodeAffinity",
        "Release",
        "PolicyPause",
        "Surge",
        "NodeRotation",
        "CapacityRestore",
        "AwsNodeRemoval",
        "PolicyResume",
    }
    for step in ("cordoned", "evicted", "terminated", "replaced"):
        nodes = [each for each in killed.boundaries if each.startswith("NodeRotation") and step in each]
        assert len(nodes) == 3, (step, killed.boundaries)


def test_the_cluster_is_as_after_an_undisturbed_migration(killed: Killed) -> None:
    before, after = killed.existing.before, killed.existing.now()

    assert [check for check in replacement_checks(before, after) if not check.passed] == []


def test_nothing_was_done_twice(killed: Killed) -> None:
    audit, before = killed.existing.audit, killed.existing.before

    assert violations.each_node_cordoned_once(audit, sorted(before.nodes)) == []
    assert violations.no_pod_evicted_twice(audit) == []
    assert violations.only_evicted(audit) == []
    assert violations.deleted_after_last_node(audit, "aws-node") == []
    assert violations.each_instance_terminated_once(killed.existing.calls, before) == []


def test_a_preview_finds_nothing_to_do(killed: Killed) -> None:
    again = killed.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
