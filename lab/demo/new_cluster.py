"""The demo of mode `new-cluster`: an EKS cluster whose only CNI is Cilium, from its first node on."""

from lab import lifecycle, program, report
from lab.demo import checks
from lab.demo.output import print_checks, print_heading
from lab.environment import Places


def run(places: Places) -> bool:
    """Create the cluster and return whether every check passed."""
    print_heading("Start a fresh lab")
    lifecycle.down(places, report.progress)
    cloud = lifecycle.up(places, report.progress)
    program.provide_chart(places, report.progress)
    print(f"  The lab's cloud answers at {cloud.url}, region {cloud.region}.")

    for title, arguments in (
        ("pulumi preview: what will be created", ["preview"]),
        ("pulumi up: create the cluster", ["up", "--yes", "--skip-preview"]),
    ):
        print_heading(title)
        if program.run(places, arguments):
            return False

    print_heading("Checks: read with kubectl and the AWS CLI, not from the program")
    report.write_kubeconfig(places)
    return print_checks(checks.new_cluster(places, report.clusters(places)[0]))
