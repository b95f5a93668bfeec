"""The demo of mode `mesh`: two clusters with Cilium are created and joined, with policies across them.

The checks at the end read both API servers, the agents and AWS, never the program's own output.
"""

import subprocess
from pathlib import Path

from lab import aws_cli, lifecycle, program
from lab.demo import mesh_checks
from lab.demo.output import print_checks, print_heading
from lab.environment import Places, client_environment

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
    print_heading("Start a fresh lab and create two clusters with Cilium in it, each in its own VPC")
    lifecycle.down(places, lifecycle.print_progress)
    lifecycle.up(places, lifecycle.print_progress)
    if not all(update(places, each) for each in CLUSTERS.values()):
        return False
    aws_cli.write_kubeconfig(places)
    for cluster in CLUSTERS:
        deploy_workloads(places, cluster)
    return join(places, stack, ("cluster-1", "cluster-2"))


def update(places: Places, stack: str) -> bool:
    """Run `pulumi up` on one stack; return whether it succeeded."""
    program.provide_chart(places, lifecycle.print_progress, stack)
    print_heading(f"pulumi up: {stack}")
    return program.run(places, ["up", "--yes", "--skip-preview", "--stack", stack]) == 0


def deploy_workloads(places: Places, cluster: str) -> None:
    """Deploy a client and a server, which the mesh's policies select."""
    command = [str(places.binaries / "kubectl"), "--context", cluster, "apply", "-f", str(WORKLOADS)]
    subprocess.run(command, env=client_environment(places), check=True, stdout=subprocess.DEVNULL)


def join(places: Places, stack: str, clusters: tuple[str, str]) -> bool:
    """Preview, update, check, and preview again; return whether all of it succeeded."""
    print_heading("pulumi preview: the mesh, and which pods may reach which")
    if program.run(places, ["preview", "--stack", stack]):
        return False
    print_heading("pulumi up: networks, ClusterMesh, policies")
    if program.run(places, ["up", "--yes", "--skip-preview", "--stack", stack]):
        return False
    print_heading("Checks: read from both API servers, the agents and AWS, not from the program")
    passed = print_checks(mesh_checks.mesh(places, clusters))
    print_heading("pulumi preview again: no changes are left")
    return not program.run(places, ["preview", "--expect-no-changes", "--stack", stack]) and passed
