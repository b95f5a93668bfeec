"""The demo of all modes: one cluster is migrated to Cilium, a second one is created, and both are joined.

Then everything is removed again. What remains is the first cluster as it was before, on the AWS VPC CNI.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from lab import aws_cli, lifecycle, program
from lab.demo import comparison, mesh, mesh_checks
from lab.demo.checks import Check
from lab.demo.output import UP, print_checks
from lab.environment import Cloud, Places
from lab.progress import print_heading, print_progress
from lab.sample_cluster.clients import Aws
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec

# The stacks, in the order in which they are updated.
MIGRATED, NEW, MESH = "lab-mission-1", "lab-cluster-2", "lab-mission"

CLUSTERS = ("existing", "cluster-2")
SPEC = ClusterSpec(name="existing", nodes=3, groups=1, workloads=("storage", "small", "database"))


def run(places: Places) -> bool:
    """Build everything and remove it again; return whether every check passed."""
    print_heading(
        "Start a fresh lab and create a cluster on the AWS VPC CNI in it",
        "Look at: none of it is this program's doing; AWS's and Kubernetes' own APIs make the cluster.",
    )
    lifecycle.down(places, print_progress)
    lifecycle.up(places, print_progress)
    kubectl = create_cluster(places, SPEC, print_progress)
    aws = Aws(Cloud.read(places.cloud))
    before = comparison.take_snapshot(kubectl, aws)

    print_heading(
        "Cluster 1: replace the AWS VPC CNI with Cilium, node by node",
        "Look at: what each step waits for.",
    )
    if not mesh.update(places, MIGRATED):
        return False
    passed = print_checks(comparison.replacement_checks(before, comparison.take_snapshot(kubectl, aws)))
    print_heading(
        "Cluster 2: create it with Cilium as its only CNI",
        "Look at: Cilium comes before the first node, so that no pod ever has another CNI.",
    )
    if not mesh.update(places, NEW):
        return False
    aws_cli.write_kubeconfig(places)
    for cluster in CLUSTERS:
        mesh.deploy_workloads(places, cluster)
    if not mesh.join(places, MESH, CLUSTERS):
        return False

    print_heading(
        "Remove the mesh and cluster 2, and migrate cluster 1 back to the AWS VPC CNI",
        "Look at: the rollback is the same migration in the other direction.",
    )
    if not _remove_everything(places):
        return False
    print_heading(
        "What is left: read from the API server and AWS, not from the program",
        "Look at: nothing of the mesh or of cluster 2 is left in AWS.",
    )
    after = comparison.take_snapshot(kubectl, aws)
    removed = mesh_checks.removed(places, remaining="existing")
    return print_checks([*removed, *_rollback_checks(before, after)]) and passed


def _remove_everything(places: Places) -> bool:
    for stack in (MESH, NEW):
        if program.run(places, ["destroy", "--yes", "--skip-preview", "--stack", stack]):
            return False
    # The program refuses `destroy` as long as nodes depend on Cilium, so that the rollback comes first.
    with _rollback_configured(places):
        if program.run(places, [*UP, "--stack", MIGRATED]):
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
