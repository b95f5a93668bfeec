"""The demo of mode `replacement`: a running cluster goes from the AWS VPC CNI to Cilium, its workloads up.

The cluster is made as AWS and people make one. A prober watches every disruption budget from outside while
the program runs, and what is printed at the end was read from the API server and AWS, not from the program.
"""

import subprocess
from collections.abc import Iterator

from lab import lifecycle, program, report
from lab.demo import comparison
from lab.demo.facts import Fact
from lab.demo.prober import Prober, watching
from lab.demo.telling import heading, show
from lab.environment import Cloud, Places, client_environment
from lab.existing.access import Aws, Kubectl
from lab.existing.making import make
from lab.existing.shape import Shape

STACK = "lab-replacement"
"""The stack whose file describes the migration of the lab's existing cluster."""


def run(places: Places) -> bool:
    """Replace the CNI of a cluster with twelve nodes. Returns whether all is as promised."""
    heading("A fresh lab, and in it a cluster on the AWS VPC CNI")
    lifecycle.down(places, report.progress)
    lifecycle.up(places, report.progress)
    version = program.configured_cilium_version(places, STACK)
    if version:
        lifecycle.provide_chart(places, version, report.progress)
    kubectl = make(places, Shape(), report.progress)
    aws = Aws(Cloud.read(places.cloud))
    before = comparison.take(kubectl, aws)

    heading("What runs in it")
    _print(kubectl, "get", "nodes", "-L", "eks.amazonaws.com/nodegroup,topology.kubernetes.io/zone")
    _print(kubectl, "get", "deployments,statefulsets,daemonsets,cronjobs,jobs", "-A")
    _print(kubectl, "get", "poddisruptionbudgets", "-A")

    heading("pulumi preview: the migration, before anything is touched")
    if program.run(places, ["preview", "--stack", STACK]):
        return False
    heading("pulumi up: node by node, with a prober watching every budget")
    with watching(kubectl) as prober:
        if program.run(places, ["up", "--yes", "--skip-preview", "--stack", STACK]):
            return False
    heading("Before and after, read from the API server and AWS")
    after = comparison.take(kubectl, aws)
    print(comparison.table(before, after))
    print()
    kept = show([*comparison.promises(before, after), *watched(prober)])
    heading("pulumi preview once more: nothing is left to do")
    return not program.run(places, ["preview", "--expect-no-changes", "--stack", STACK]) and kept


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
