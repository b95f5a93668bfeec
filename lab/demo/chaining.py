"""The demo of mode `chaining`: Cilium is added to a cluster on the AWS VPC CNI, and its pods are restarted.

While the program runs, a prober outside it watches every PodDisruptionBudget. The checks at the end read the
API server and AWS, never the program's own output.
"""

from collections.abc import Iterator

from lab.demo.checks import Check
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober
from lab.demo.replacement import budget_checks
from lab.demo.running_cluster import create_lab, run_program, take_snapshot
from lab.environment import Places
from lab.sample_cluster.many_pods import run_pods

STACK = "lab-chaining"
"""The stack that chains Cilium in the lab's sample cluster."""

# With the sample cluster's own workloads, more than 200 pods.
_EXTRA_PODS = 160


def run(places: Places) -> bool:
    """Chain Cilium in a cluster of twelve nodes; return whether every check passed."""
    kubectl = create_lab(places, STACK)
    run_pods(kubectl, _EXTRA_PODS)
    before = take_snapshot(kubectl)
    print(f"  {len(before.ordinary_pods)} pods with VPC addresses run on {len(before.nodes)} nodes.")
    return run_program(
        kubectl,
        STACK,
        before,
        _checks,
        previewed="every workload that will be restarted",
        look="Look at: how each workload is restarted, and which features this mode limits.",
        steps="workload by workload",
    )


def _checks(before: Snapshot, after: Snapshot, prober: Prober) -> Iterator[Check]:
    yield from chaining_checks(before, after)
    yield from budget_checks(prober)


def chaining_checks(before: Snapshot, after: Snapshot) -> Iterator[Check]:
    """Yield what has to be true of a cluster after Cilium was chained."""
    replaced = before.instances - after.instances
    yield Check("no node replaced", f"{len(replaced)} of {len(before.instances)} replaced", not replaced)
    yield Check(
        "aws-node unchanged", after.agents("aws-node"), after.agents("aws-node") == before.agents("aws-node")
    )
    unmanaged = [pod for pod in after.ordinary_pods if pod not in after.endpoints]
    # The stack file has `jobs: leave`: running Jobs of namespace batch are not restarted.
    unexpected = [pod for pod in unmanaged if not pod.startswith("batch/")]
    managed = len(after.ordinary_pods) - len(unmanaged)
    yield Check(
        "every pod outside Jobs managed by Cilium",
        ", ".join(unexpected[:3]) or f"{managed} of {len(after.ordinary_pods)} pods; the rest belong to Jobs",
        not unexpected,
    )
    short = [
        name
        for name, (ready, wanted) in before.workloads.items()
        if after.workloads.get(name, (0, 0))[0] < min(ready, wanted)
    ]
    yield Check(
        "every workload as ready as before",
        ", ".join(short[:3]) or f"{len(before.workloads)} workloads",
        not short,
    )
