"""A large cluster is migrated at a width of 10%: budgets, requests, memory and state stay within bounds.

200 nodes and 3,000 pods; `EKS_CILIUM_NODES` makes it smaller.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.demo.comparison import Snapshot, replacement_checks
from lab.demo.prober import Prober, watching
from lab.evidence.pods import ended_otherwise
from lab.sample_cluster.spec import ClusterSpec
from tests.benchmarks.migration import services
from tests.end_to_end.running import Running, descendants
from tests.end_to_end.sample_cluster import violations
from tests.end_to_end.sample_cluster.cluster import ENGINEER, ExistingCluster, MakeExisting

pytestmark = [pytest.mark.lab, pytest.mark.endurance, pytest.mark.timeout(7200)]

NODES = int(os.environ.get("EKS_CILIUM_NODES", "200"))
PODS = 15 * NODES
REQUESTS_A_NODE, CALLS_A_NODE = 25, 12
STATE_A_NODE = 2048
GROWTH = 1.15
"""By how much the memory of a process may grow from the first fifth of the nodes to the last."""
OF_EVERY_NODE = ("aws-node", "cilium", "cilium-envoy", "kube-proxy", "ebs-csi-node")


@dataclass
class Sizes:
    """What was measured beside the run, each time with the number of nodes that were done."""

    memory: list[tuple[int, int]] = field(default_factory=list)
    """Bytes of the largest process of the program."""
    state: list[tuple[int, int]] = field(default_factory=list)
    """Bytes of the stack's state."""

    def add(self, done: int, running: Running, state: Path) -> None:
        self.memory.append((done, max(map(_resident, descendants(running.process.pid)))))
        self.state.append((done, state.stat().st_size))


@dataclass
class Migrated:
    existing: ExistingCluster
    prober: Prober
    after: Snapshot
    sizes: Sizes
    pods: int
    output: str


@pytest.fixture(scope="module")
def migrated(make_existing: MakeExisting) -> Migrated:
    existing = make_existing(
        ClusterSpec(nodes=NODES, groups=3, instance_type="m7i.xlarge", workloads=()),
        parallel="10%",
        surge="10%",
    )
    pods = services.create(existing.kubectl, PODS)
    existing = existing.from_now()
    sizes = Sizes()
    words = ("up", "--yes", "--skip-preview", "--parallel", str(NODES))
    with watching(existing.kubectl) as prober, existing.started(*words) as running:
        while running.process.poll() is None:
            sizes.add(len(existing.calls.terminated()), running, existing.state_file)
            running.pause(5)
        output = running.output_so_far()
        assert running.wait() == 0, output[-4000:]
    return Migrated(existing, prober, existing.now(), sizes, pods, output)


def test_the_cluster_passes_all_checks(migrated: Migrated) -> None:
    checks = replacement_checks(migrated.existing.before, migrated.after)

    assert [check for check in checks if not check.passed] == []


def test_no_pdb_was_violated_and_pods_were_only_evicted(migrated: Migrated) -> None:
    audit = migrated.existing.audit

    assert migrated.prober.breaches == []
    assert audit.unallowed_evictions() == []
    assert violations.no_pod_evicted_twice(audit) == []
    assert ended_otherwise(audit, [f"kube-system/{name}" for name in OF_EVERY_NODE]) == []


def test_every_node_was_drained_and_terminated_once(migrated: Migrated) -> None:
    existing = migrated.existing

    assert violations.each_node_cordoned_once(existing.audit, sorted(existing.before.nodes)) == []
    assert violations.each_instance_terminated_once(existing.calls, existing.before) == []


def test_requests_grow_with_nodes_and_pods_alone(migrated: Migrated) -> None:
    existing = migrated.existing
    asked = len(existing.audit.asked_by(ENGINEER)) - len(existing.audit.evictions())
    calls = [call for call in existing.calls.calls() if call.principal == ENGINEER]

    assert asked / NODES <= REQUESTS_A_NODE
    assert len(calls) / NODES <= CALLS_A_NODE


def test_the_memory_of_the_process_stays_the_same(migrated: Migrated) -> None:
    early = [size for done, size in migrated.sizes.memory if NODES * 0.1 < done <= NODES * 0.3]
    late = [size for done, size in migrated.sizes.memory if done > NODES * 0.8]

    assert max(late) <= max(early) * GROWTH


def test_the_state_grows_little_with_each_node(migrated: Migrated) -> None:
    # Before the first node of all is done, and after the last, everything else has its place in the state.
    begun = [(done, size) for done, size in migrated.sizes.state if 0 < done < NODES]
    (first, small), (last, large) = begun[0], begun[-1]

    assert (large - small) / (last - first) < STATE_A_NODE


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
