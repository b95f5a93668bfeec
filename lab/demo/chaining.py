"""The demo of mode `chaining`: Cilium comes on top of the AWS VPC CNI, and every pod is restarted for it.

A prober watches every disruption budget from outside while the program runs, and what is printed at the end
was read from the API server and AWS, not from the program.
"""

from collections.abc import Iterator

from lab.demo.comparison import Snapshot
from lab.demo.facts import Fact
from lab.demo.prober import Prober
from lab.demo.replacement import watched
from lab.demo.running_cluster import begin, carry_out, look
from lab.environment import Places
from lab.existing.crowd import gather

STACK = "lab-chaining"
"""The stack whose file describes the chain in the lab's existing cluster."""

_CROWD = 160
"""With what else runs in the cluster, more than 200 pods."""


def run(places: Places) -> bool:
    """Chain Cilium in a cluster with twelve nodes. Returns whether all is as promised."""
    kubectl = begin(places, STACK)
    gather(kubectl, _CROWD)
    before = look(kubectl)
    print(f"  {len(before.ordinary_pods)} pods with addresses of the VPC run on {len(before.nodes)} nodes")
    return carry_out(kubectl, STACK, before, _promises, shown="every workload", pace="workload by workload")


def _promises(before: Snapshot, after: Snapshot, prober: Prober) -> Iterator[Fact]:
    yield from promises(before, after)
    yield from watched(prober)


def promises(before: Snapshot, after: Snapshot) -> Iterator[Fact]:
    """Yield what a chain promises of the cluster it leaves behind."""
    replaced = before.instances - after.instances
    yield Fact("no node replaced", f"{len(replaced)} of {len(before.instances)}", not replaced)
    yield Fact(
        "aws-node as before", after.agents("aws-node"), after.agents("aws-node") == before.agents("aws-node")
    )
    without = [pod for pod in after.ordinary_pods if pod not in after.endpoints]
    left = [pod for pod in without if not pod.startswith("batch/")]
    seen = f"{len(after.ordinary_pods) - len(without)} of {len(after.ordinary_pods)}, the rest of Jobs"
    yield Fact("every refreshable pod managed", ", ".join(left[:3]) or seen, not left)
    short = [
        name
        for name, (ready, wanted) in before.workloads.items()
        if after.workloads.get(name, (0, 0))[0] < min(ready, wanted)
    ]
    yield Fact(
        "every workload as ready as before",
        ", ".join(short[:3]) or f"{len(before.workloads)} workloads",
        not short,
    )
