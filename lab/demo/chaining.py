"""The demo of mode `chaining`: Cilium comes on top of the AWS VPC CNI, and every pod is restarted for it.

A prober watches every disruption budget from outside while the program runs, and what is printed at the end
was read from the API server and AWS, not from the program.
"""

from collections.abc import Iterator

from lab import lifecycle, program, report
from lab.demo import comparison
from lab.demo.comparison import Snapshot
from lab.demo.facts import Fact
from lab.demo.prober import watching
from lab.demo.replacement import watched
from lab.demo.telling import heading, show
from lab.environment import Cloud, Places
from lab.existing.access import Aws
from lab.existing.crowd import gather
from lab.existing.making import make
from lab.existing.shape import Shape

STACK = "lab-chaining"
"""The stack whose file describes the chain in the lab's existing cluster."""

_CROWD = 160
"""With what else runs in the cluster, more than 200 pods."""


def run(places: Places) -> bool:
    """Chain Cilium in a cluster with twelve nodes. Returns whether all is as promised."""
    heading("A fresh lab, and in it a cluster on the AWS VPC CNI")
    lifecycle.down(places, report.progress)
    lifecycle.up(places, report.progress)
    version = program.configured_cilium_version(places, STACK)
    if version:
        lifecycle.provide_chart(places, version, report.progress)
    kubectl = make(places, Shape(), report.progress)
    gather(kubectl, _CROWD)
    aws = Aws(Cloud.read(places.cloud))
    before = comparison.take(kubectl, aws)
    print(f"  {len(before.ordinary_pods)} pods with addresses of the VPC run on {len(before.nodes)} nodes")

    heading("pulumi preview: every workload, before anything is touched")
    if program.run(places, ["preview", "--stack", STACK]):
        return False
    heading("pulumi up: workload by workload, with a prober watching every budget")
    with watching(kubectl) as prober:
        if program.run(places, ["up", "--yes", "--skip-preview", "--stack", STACK]):
            return False
    heading("Before and after, read from the API server and AWS")
    after = comparison.take(kubectl, aws)
    print(comparison.table(before, after))
    print()
    kept = show([*promises(before, after), *watched(prober)])
    heading("pulumi preview once more: nothing is left to do")
    return not program.run(places, ["preview", "--expect-no-changes", "--stack", STACK]) and kept


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
