"""The demo of mode `mesh`: two clusters with Cilium are made and joined, with policies across them.

What is printed at the end was read from both API servers, the agents and the cloud, not from the program.
"""

import subprocess
from pathlib import Path

from lab import lifecycle, program, report
from lab.demo import mesh_facts
from lab.demo.telling import heading, show
from lab.environment import Places, client_environment

STACK = "lab-mesh"
TRANSIT_STACK = "lab-mesh-transit"
CLUSTERS = {"cluster-1": "lab-cluster-1", "cluster-2": "lab-cluster-2"}
"""The clusters by their names in EKS, each with the stack that makes it."""

WORKLOADS = Path(__file__).parent / "workloads" / "mesh.yaml"


def run(places: Places) -> bool:
    """Join two clusters by VPC peering. Returns whether all is as promised."""
    return _run(places, STACK)


def run_transit(places: Places) -> bool:
    """Join them by a Transit Gateway instead."""
    return _run(places, TRANSIT_STACK)


def _run(places: Places, stack: str) -> bool:
    heading("A fresh lab, and in it two clusters with Cilium, each in a VPC of its own")
    lifecycle.down(places, report.progress)
    lifecycle.up(places, report.progress)
    if not all(make(places, each) for each in CLUSTERS.values()):
        return False
    report.write_kubeconfig(places)
    for cluster in CLUSTERS:
        deploy(places, cluster)
    return join(places, stack, ("cluster-1", "cluster-2"))


def make(places: Places, stack: str) -> bool:
    """Make one cluster by its stack."""
    program.provide_chart(places, report.progress, stack)
    heading(f"pulumi up: {stack}")
    return program.run(places, ["up", "--yes", "--skip-preview", "--stack", stack]) == 0


def deploy(places: Places, cluster: str) -> None:
    """A client and a server for the policies to be about."""
    command = [str(places.binaries / "kubectl"), "--context", cluster, "apply", "-f", str(WORKLOADS)]
    subprocess.run(command, env=client_environment(places), check=True, stdout=subprocess.DEVNULL)


def join(places: Places, stack: str, clusters: tuple[str, str]) -> bool:
    """Preview and make the mesh, read it back, and see that nothing is left to do."""
    heading("pulumi preview: the mesh, and who may reach whom")
    if program.run(places, ["preview", "--stack", stack]):
        return False
    heading("pulumi up: networks, ClusterMesh, policies")
    if program.run(places, ["up", "--yes", "--skip-preview", "--stack", stack]):
        return False
    heading("Read back from both API servers, the agents and the cloud")
    kept = show(mesh_facts.mesh(places, clusters))
    heading("pulumi preview once more: nothing is left to do")
    return not program.run(places, ["preview", "--expect-no-changes", "--stack", stack]) and kept
