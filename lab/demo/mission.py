"""The demo of the whole mission: a running cluster is brought to Cilium, a new one is made, both are joined.

Then everything is taken away again, and what is left is read back: the first cluster as it was, nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lab import lifecycle, program, report
from lab.demo import comparison, mesh, mesh_facts
from lab.demo.facts import Fact
from lab.demo.telling import heading, show
from lab.environment import Cloud, Places
from lab.existing.access import Aws
from lab.existing.making import make
from lab.existing.shape import Shape

MIGRATED, NEW, MESH = "lab-mission-1", "lab-cluster-2", "lab-mission"
"""The stacks, in the order in which they are made."""

CLUSTERS = ("existing", "cluster-2")
SHAPE = Shape(name="existing", nodes=3, groups=1, workloads=("storage", "small", "database"))


def run(places: Places) -> bool:
    """Bring it about and take it away. Returns whether all is as promised."""
    heading("A fresh lab, and in it a cluster on the AWS VPC CNI")
    lifecycle.down(places, report.progress)
    lifecycle.up(places, report.progress)
    kubectl = make(places, SHAPE, report.progress)
    aws = Aws(Cloud.read(places.cloud))
    before = comparison.take(kubectl, aws)

    heading("Cluster 1: Cilium in place of the AWS VPC CNI, node by node")
    if not mesh.make(places, MIGRATED):
        return False
    kept = show(comparison.promises(before, comparison.take(kubectl, aws)))
    heading("Cluster 2: new, with Cilium as its only CNI")
    if not mesh.make(places, NEW):
        return False
    report.write_kubeconfig(places)
    for cluster in CLUSTERS:
        mesh.deploy(places, cluster)
    if not mesh.join(places, MESH, CLUSTERS):
        return False

    heading("Everything away again: the mesh, the new cluster, the migration")
    if not _take_away(places):
        return False
    heading("What is left, read from the API server and the cloud")
    after = comparison.take(kubectl, aws)
    return show([*mesh_facts.gone(places, "existing"), *_as_before(before, after)]) and kept


def _take_away(places: Places) -> bool:
    """Destroy what can be destroyed; a cluster whose nodes need Cilium is brought back first."""
    for stack in (MESH, NEW):
        if program.run(places, ["destroy", "--yes", "--skip-preview", "--stack", stack]):
            return False
    with _going_back(places):
        if program.run(places, ["up", "--yes", "--skip-preview", "--stack", MIGRATED]):
            return False
        return program.run(places, ["destroy", "--yes", "--skip-preview", "--stack", MIGRATED]) == 0


@contextmanager
def _going_back(places: Places) -> Iterator[None]:
    """The stack's file with the other direction in it, for as long as it takes."""
    file = places.stack_file(MIGRATED)
    written = file.read_text()
    file.write_text(written.replace("target: cilium", "target: aws-vpc-cni"))
    try:
        yield
    finally:
        file.write_text(written)


def _as_before(before: comparison.Snapshot, after: comparison.Snapshot) -> Iterator[Fact]:
    yield Fact("aws-node back on every node", after.agents("aws-node"), after.has("aws-node"))
    yield Fact("no Cilium", "gone" if not after.has("cilium") else "still there", not after.has("cilium"))
    yield from (fact for fact in comparison.upheld(before, after) if fact.sentence.startswith("every "))
