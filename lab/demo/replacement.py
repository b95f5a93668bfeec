"""The demo of mode `replacement`: a running cluster goes from the AWS VPC CNI to Cilium, its workloads up.

The cluster is made as AWS and people make one. A prober watches every disruption budget from outside while
the program runs, and what is printed at the end was read from the API server and AWS, not from the program.
"""

import subprocess
from collections.abc import Iterator

from lab.demo import comparison
from lab.demo.comparison import Snapshot
from lab.demo.facts import Fact
from lab.demo.prober import Prober
from lab.demo.running_cluster import begin, carry_out, look
from lab.demo.telling import heading
from lab.environment import Places, client_environment
from lab.existing.access import Kubectl

STACK = "lab-replacement"
"""The stack whose file describes the migration of the lab's existing cluster."""


def run(places: Places) -> bool:
    """Replace the CNI of a cluster with twelve nodes. Returns whether all is as promised."""
    kubectl = begin(places, STACK)
    before = look(kubectl)

    heading("What runs in it")
    _print(kubectl, "get", "nodes", "-L", "eks.amazonaws.com/nodegroup,topology.kubernetes.io/zone")
    _print(kubectl, "get", "deployments,statefulsets,daemonsets,cronjobs,jobs", "-A")
    _print(kubectl, "get", "poddisruptionbudgets", "-A")
    return carry_out(kubectl, STACK, before, _promises, shown="the migration", pace="node by node")


def _promises(before: Snapshot, after: Snapshot, prober: Prober) -> Iterator[Fact]:
    yield from comparison.promises(before, after)
    yield from watched(prober)


def watched(prober: Prober) -> Iterator[Fact]:
    """Yield what the prober saw of each budget."""
    breaches = prober.breaches
    told = "; ".join(str(breach) for breach in breaches[:3])
    yield Fact("no budget ever broken", told or f"{prober.changes} changes of pods seen", not breaches)
    for budget in prober.budgets:
        broken = any(breach.budget == budget.key for breach in breaches)
        seen = f"{budget.expected} pods, {budget.desired} wanted, never under {budget.lowest}"
        yield Fact(f"  {budget.key}", seen, not broken)


def _print(kubectl: Kubectl, *words: str) -> None:
    subprocess.run(kubectl.command(*words), env=client_environment(kubectl.places), check=True)
    print(flush=True)
