"""A migration of three nodes, killed with -9 after every line of progress it tells, and run again each time.

Every run gets one line further than all before it: whatever can be left half done, is. In the end the cluster
has to be what one undisturbed migration would have made of it, and no step may have been done twice.
"""

import re
from dataclasses import dataclass, field

import pytest

from lab.demo.comparison import promises
from lab.demo.prober import watching
from lab.existing.shape import Shape
from tests.end_to_end.existing import claims
from tests.end_to_end.existing.making import Existing, MakeExisting, Running

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(2400)]

PROGRESS = re.compile(r"eks-cilium:(?P<kind>\w+) (?P<name>\S+) (?P<what>.+)|Release \S+ (?P<release>created)")
ONLY_READING = ("reading ", "read ", "creating ")
MOST_RUNS = 120


@dataclass
class Killed:
    """The migration, and where its runs were ended."""

    existing: Existing
    boundaries: list[str] = field(default_factory=list)

    def run(self) -> bool:
        """Run the program until it says something for the first time; whether it came to its end instead."""
        with self.existing.started("up", "--yes", "--skip-preview") as running:
            while running.process.poll() is None:
                new = next((line for line in _boundaries(running) if line not in self.boundaries), None)
                if new is not None:
                    running.kill()
                    self.boundaries.append(new)
                    return False
                running.pause()
            assert running.process.returncode == 0, running.says()
        return True


def _boundaries(running: Running) -> list[str]:
    """What has been told, without the numbers that differ from run to run."""
    found = []
    for match in PROGRESS.finditer(running.says()):
        what = match["release"] or match["what"]
        if not what.startswith(ONLY_READING):
            told = re.sub(r"\d+(\.\d+)?s?|\(.*\)|:.*", "#", what)
            found.append(f"{match['kind'] or 'Release'} {match['name'] or ''}: {told}")
    return found


@pytest.fixture(scope="module")
def killed(make_existing: MakeExisting) -> Killed:
    existing = make_existing(Shape(nodes=3, workloads=("small",)), surge=1, parallel=1)
    story = Killed(existing)
    with watching(existing.kubectl) as prober:
        for _ in range(MOST_RUNS):
            if story.run():
                break
        else:
            pytest.fail(f"not done after {MOST_RUNS} runs: {story.boundaries}")
        assert prober.breaches == []
    return story


def test_every_step_was_interrupted(killed: Killed) -> None:
    """Guards the test itself: lines of progress that are not recognized any more would interrupt nothing."""
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


def test_the_cluster_is_what_an_undisturbed_migration_leaves(killed: Killed) -> None:
    before, after = killed.existing.before, killed.existing.now()

    assert [fact for fact in promises(before, after) if not fact.holds] == []


def test_nothing_was_done_twice(killed: Killed) -> None:
    audit, before = killed.existing.audit, killed.existing.before

    assert claims.each_node_cordoned_once(audit, sorted(before.nodes)) == []
    assert claims.no_pod_evicted_twice(audit) == []
    assert claims.only_evicted(audit) == []
    assert claims.deleted_after_last_node(audit, "aws-node") == []
    assert claims.each_instance_terminated_once(killed.existing.calls, before) == []


def test_a_preview_finds_nothing_to_do(killed: Killed) -> None:
    again = killed.existing.pulumi("preview", "--expect-no-changes")

    assert again.code == 0, again.output
