"""The demo of mode `new-cluster`: an EKS cluster whose only CNI is Cilium, from its first node on."""

from lab import aws_cli, lifecycle, program
from lab.demo import checks
from lab.demo.output import print_checks, print_heading
from lab.environment import Places


def run(places: Places) -> bool:
    """Create the cluster and return whether every check passed."""
    print_heading("Start a fresh lab")
    lifecycle.down(places, lifecycle.print_progress)
    cloud = lifecycle.up(places, lifecycle.print_progress)
    program.provide_chart(places, lifecycle.print_progress)
    print(f"  The lab's cloud answers at {cloud.url}, region {cloud.region}.")

    for title, arguments in (
        ("pulumi preview: what will be created", ["preview"]),
        ("pulumi up: create the cluster", ["up", "--yes", "--skip-preview"]),
    ):
        print_heading(title)
        if program.run(places, arguments):
            return False

    print_heading("Checks: read with kubectl and the AWS CLI, not from the program")
    aws_cli.write_kubeconfig(places)
    return print_checks(checks.new_cluster(places, aws_cli.clusters(places)[0]))
