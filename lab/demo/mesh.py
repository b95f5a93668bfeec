"""The demo of mode `mesh`: two clusters with Cilium are created and joined, with policies across them.

The checks at the end read both API servers, the agents and AWS, never the program's own output.
"""

import subprocess
from pathlib import Path

from lab import aws_cli, lifecycle, program
from lab.demo import mesh_checks
from lab.demo.output import PREVIEW, PREVIEW_AGAIN, UP, print_checks
from lab.environment import Places, client_environment
from lab.progress import print_heading, print_progress

STACK = "lab-mesh"
TRANSIT_STACK = "lab-mesh-transit"
CLUSTERS = {"cluster-1": "lab-cluster-1", "cluster-2": "lab-cluster-2"}
"""The clusters by their EKS names, each with the stack that creates it."""

WORKLOADS = Path(__file__).parent / "workloads" / "mesh.yaml"


def run(places: Places) -> bool:
    """Join two clusters by VPC peering; return whether every check passed."""
    return _run(places, STACK)


def run_transit(places: Places) -> bool:
    """Join two clusters by a Transit Gateway; return whether every check passed."""
    return _run(places, TRANSIT_STACK)


def _run(places: Places, stack: str) -> bool:
    print_heading(
        "Start a fresh lab and create two clusters with Cilium in it, each in its own VPC",
        "Look at: Cilium comes before the first node, so that no pod ever has another CNI.",
    )
    lifecycle.down(places, print_progress)
    lifecycle.up(places, print_progress)
    if not all(update(places, each) for each in CLUSTERS.values()):
        return False
    aws_cli.write_kubeconfig(places)
    for cluster in CLUSTERS:
        deploy_workloads(places, cluster)
    return join(places, stack, ("cluster-1", "cluster-2"))


def update(places: Places, stack: str) -> bool:
    """Run `pulumi up` on one stack; return whether it succeeded."""
    program.provide_chart(places, print_progress, stack)
    print_heading(f"pulumi up: {stack}")
    return program.run(places, [*UP, "--stack", stack]) == 0


def deploy_workloads(places: Places, cluster: str) -> None:
    """Deploy a client and a server, which the mesh's policies select."""
    command = [str(places.binaries / "kubectl"), "--context", cluster, "apply", "-f", str(WORKLOADS)]
    subprocess.run(command, env=client_environment(places), check=True, stdout=subprocess.DEVNULL)


def join(places: Places, stack: str, clusters: tuple[str, str]) -> bool:
    """Preview, update, check, and preview again; return whether all of it succeeded."""
    print_heading(
        "pulumi preview: the mesh, and which pods may reach which",
        "Look at: who may reach whom, judged before anything is created.",
    )
    if program.run(places, [*PREVIEW, "--stack", stack]):
        return False
    print_heading(
        "pulumi up: networks, ClusterMesh, policies",
        "Look at: networks first, then the releases, then the policies once every agent is connected.",
    )
    if program.run(places, [*UP, "--stack", stack]):
        return False
    print_heading(
        "Checks: read from both API servers, the agents and AWS, not from the program",
        "Look at: what agents themselves say of the other cluster.",
    )
    passed = print_checks(mesh_checks.mesh(places, clusters))
    print_heading("pulumi preview again: no changes are left", "Look at: every resource is unchanged.")
    return not program.run(places, [*PREVIEW_AGAIN, "--stack", stack]) and passed
