"""The demo of mode `replacement`: a running cluster is migrated from the AWS VPC CNI to Cilium.

The cluster is created through the ordinary APIs, without this program. While the program runs, a prober
outside it watches every PodDisruptionBudget. The checks at the end read the API server and AWS, never the
program's own output.
"""

import subprocess
from collections.abc import Iterator

from lab.demo import comparison
from lab.demo.checks import Check
from lab.demo.comparison import Snapshot
from lab.demo.output import print_heading
from lab.demo.prober import Prober
from lab.demo.running_cluster import create_lab, run_program, take_snapshot
from lab.environment import Places, client_environment
from lab.sample_cluster.clients import Kubectl

STACK = "lab-replacement"
"""The stack that migrates the lab's sample cluster."""


def run(places: Places) -> bool:
    """Replace the CNI of a cluster of twelve nodes; return whether every check passed."""
    kubectl = create_lab(places, STACK)
    before = take_snapshot(kubectl)

    print_heading("What runs in the cluster")
    _print_output(kubectl, "get", "nodes", "-L", "eks.amazonaws.com/nodegroup,topology.kubernetes.io/zone")
    _print_output(kubectl, "get", "deployments,statefulsets,daemonsets,cronjobs,jobs", "-A")
    _print_output(kubectl, "get", "poddisruptionbudgets", "-A")
    return run_program(
        kubectl, STACK, before, _checks, previewed="the plan of the migration", steps="node by node"
    )


def _checks(before: Snapshot, after: Snapshot, prober: Prober) -> Iterator[Check]:
    yield from comparison.replacement_checks(before, after)
    yield from budget_checks(prober)


def budget_checks(prober: Prober) -> Iterator[Check]:
    """Yield one check for all PodDisruptionBudgets together and one for each of them."""
    breaches = prober.breaches
    summary = "; ".join(str(breach) for breach in breaches[:3])
    yield Check(
        "no PodDisruptionBudget violated", summary or f"{prober.changes} pod changes watched", not breaches
    )
    for budget in prober.budgets:
        violated = any(breach.budget == budget.key for breach in breaches)
        observed = f"{budget.expected} pods, at least {budget.desired} required, lowest {budget.lowest}"
        yield Check(f"  {budget.key}", observed, not violated)


def _print_output(kubectl: Kubectl, *words: str) -> None:
    subprocess.run(kubectl.command(*words), env=client_environment(kubectl.places), check=True)
    print(flush=True)
