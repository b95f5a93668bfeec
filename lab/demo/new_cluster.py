"""The demo of mode `new-cluster`: an EKS cluster whose only CNI is Cilium, from its first node on."""

from lab import aws_cli, lifecycle, program
from lab.demo import checks
from lab.demo.output import PREVIEW, UP, print_checks
from lab.environment import Places
from lab.progress import print_heading, print_progress


def run(places: Places) -> bool:
    """Create the cluster and return whether every check passed."""
    print_heading("Start a fresh lab", "Look at: nothing exists yet, in AWS or on this machine.")
    lifecycle.down(places, print_progress)
    cloud = lifecycle.up(places, print_progress)
    program.provide_chart(places, print_progress)
    print(f"  The lab's cloud answers at {cloud.url}, region {cloud.region}.")

    for title, look, arguments in (
        (
            "pulumi preview: what will be created",
            "Look at: the order of Cilium and the node groups.",
            PREVIEW,
        ),
        ("pulumi up: create the cluster", "Look at: Cilium is installed before the first node starts.", UP),
    ):
        print_heading(title, look)
        if program.run(places, arguments):
            return False

    print_heading(
        "Checks: read with kubectl and the AWS CLI, not from the program",
        "Look at: no trace of the AWS VPC CNI, and Cilium on every node.",
    )
    aws_cli.write_kubeconfig(places)
    return print_checks(checks.new_cluster(places, aws_cli.clusters(places)[0]))
