"""The demo of mode `new-cluster`: an EKS cluster that is born with Cilium as its only CNI."""

from lab import lifecycle, program, report
from lab.demo import facts
from lab.demo.telling import heading, show
from lab.environment import Places


def run(places: Places) -> bool:
    """Bring the cluster up and check it. Returns whether all is as promised."""
    heading("A fresh lab")
    lifecycle.down(places, report.progress)
    cloud = lifecycle.up(places, report.progress)
    program.provide_chart(places, report.progress)
    print(f"  a cloud at {cloud.url}, region {cloud.region}")

    for title, arguments in (
        ("pulumi preview: what will be made", ["preview"]),
        ("pulumi up: making it", ["up", "--yes", "--skip-preview"]),
    ):
        heading(title)
        if program.run(places, arguments):
            return False

    heading("Read back from the API server and the cloud")
    report.write_kubeconfig(places)
    return show(facts.new_cluster(places, report.clusters(places)[0]))
