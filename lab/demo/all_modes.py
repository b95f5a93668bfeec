"""The demo of all modes: one cluster is migrated to Cilium, a second one is created, and both are joined.

Then everything is removed again. What remains is the first cluster as it was before, on the AWS VPC CNI.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lab import aws_cli, lifecycle, program
from lab.demo import comparison, mesh, mesh_checks
from lab.demo.checks import Check
from lab.demo.output import print_checks, print_heading
from lab.environment import Cloud, Places
from lab.sample_cluster.clients import Aws
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec

# The stacks, in the order in which they are updated.
MIGRATED, NEW, MESH = "lab-mission-1", "lab-cluster-2", "lab-mission"

CLUSTERS = ("existing", "cluster-2")
SPEC = ClusterSpec(name="existing", nodes=3, groups=1, workloads=("storage", "small", "database"))


def run(places: Places) -> bool:
    """Build everything and remove it again; return whether every check passed."""
    print_heading("Start a fresh lab and create a cluster on the AWS VPC CNI in it")
    lifecycle.down(places, lifecycle.print_progress)
    lifecycle.up(places, lifecycle.print_progress)
    kubectl = create_cluster(places, SPEC, lifecycle.print_progress)
    aws = Aws(Cloud.read(places.cloud))
    before = comparison.take_snapshot(kubectl, aws)

    print_heading("Cluster 1: replace the AWS VPC CNI with Cilium, node by node")
    if not mesh.update(places, MIGRATED):
        return False
    passed = print_checks(comparison.replacement_checks(before, comparison.take_snapshot(kubectl, aws)))
    print_heading("Cluster 2: create it with Cilium as its only CNI")
    if not mesh.update(places, NEW):
        return False
    aws_cli.write_kubeconfig(places)
    for cluster in CLUSTERS:
        mesh.deploy_workloads(places, cluster)
    if not mesh.join(places, MESH, CLUSTERS):
        return False

    print_heading("Remove the mesh and cluster 2, and migrate cluster 1 back to the AWS VPC CNI")
    if not _remove_everything(places):
        return False
    print_heading("What is left: read from the API server and AWS, not from the program")
    after = comparison.take_snapshot(kubectl, aws)
    removed = mesh_checks.removed(places, remaining="existing")
    return print_checks([*removed, *_rollback_checks(before, after)]) and passed


def _remove_everything(places: Places) -> bool:
    for stack in (MESH, NEW):
        if program.run(places, ["destroy", "--yes", "--skip-preview", "--stack", stack]):
            return False
    # The program refuses `destroy` as long as nodes depend on Cilium, so that the rollback comes first.
    with _rollback_configured(places):
        if program.run(places, ["up", "--yes", "--skip-preview", "--stack", MIGRATED]):
            return False
        return program.run(places, ["destroy", "--yes", "--skip-preview", "--stack", MIGRATED]) == 0


@contextmanager
def _rollback_configured(places: Places) -> Iterator[None]:
    """Set the stack file's target to the AWS VPC CNI for the length of a `with` block."""
    file = places.stack_file(MIGRATED)
    original = file.read_text()
    file.write_text(original.replace("target: cilium", "target: aws-vpc-cni"))
    try:
        yield
    finally:
        file.write_text(original)


def _rollback_checks(before: comparison.Snapshot, after: comparison.Snapshot) -> Iterator[Check]:
    yield Check("aws-node on every node again", after.agents("aws-node"), after.has("aws-node"))
    yield Check("no Cilium", "deleted" if not after.has("cilium") else "still there", not after.has("cilium"))
    yield from (
        check for check in comparison.common_checks(before, after) if check.description.startswith("every ")
    )
