"""What the demos `replacement` and `chaining` share: the sample cluster, and the run beside a prober."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from lab import lifecycle, program
from lab.demo import comparison
from lab.demo.checks import Check
from lab.demo.comparison import Snapshot
from lab.demo.output import PREVIEW, PREVIEW_AGAIN, UP, print_checks
from lab.demo.prober import Prober, watching
from lab.environment import Cloud, Places
from lab.progress import print_heading, print_progress
from lab.sample_cluster.clients import Aws, Kubectl
from lab.sample_cluster.create import create_cluster
from lab.sample_cluster.spec import ClusterSpec

_QUICK_PODS = lifecycle.Delays(nodes={"terminationSeconds": 0.6, "cniAgentStartSeconds": 0.3})
"""Agents are rolled pair by pair, twice: a second less for each pair is ten seconds less of a demo."""
_LEAVING = 30.0
"""Seconds in which the nodes leave whose instances the autoscaler ended last."""

Checks = Callable[[Snapshot, Snapshot, Prober], Iterable[Check]]
"""Compares the cluster before and after, with what the prober saw in between."""


def create_lab(places: Places, stack: str, spec: ClusterSpec | None = None) -> Kubectl:
    """Start a fresh lab with a sample cluster in it and the Cilium chart of `stack`; return its kubectl."""
    print_heading(
        "Start a fresh lab and create a cluster on the AWS VPC CNI in it",
        "Look at: none of it is this program's doing; AWS's and Kubernetes' own APIs make the cluster.",
    )
    lifecycle.down(places, print_progress)
    lifecycle.up(places, print_progress, _QUICK_PODS, helm=False)
    program.provide_chart(places, print_progress, stack)
    kubectl = create_cluster(places, spec or ClusterSpec(), print_progress)
    lifecycle.link_helm(places, print_progress)
    return kubectl


def take_snapshot(kubectl: Kubectl) -> Snapshot:
    return comparison.take_snapshot(kubectl, Aws(Cloud.read(kubectl.places.cloud)))


def _later_snapshot(kubectl: Kubectl, before: Snapshot) -> Snapshot:
    """Read the cluster as soon as it has as few nodes as before; as it is after some seconds."""
    deadline = time.monotonic() + _LEAVING
    while len((found := take_snapshot(kubectl)).nodes) > len(before.nodes) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def run_program(
    kubectl: Kubectl,
    stack: str,
    before: Snapshot,
    checks: Checks,
    *,
    previewed: str,
    look: str,
    steps: str,
    beside: AbstractContextManager[object] | None = None,
) -> bool:
    """Preview, update, check, and preview again; return whether all of it succeeded.

    Args:
        kubectl: kubectl for the cluster.
        stack: The stack that changes the cluster.
        before: The cluster before the update.
        checks: Yields the checks to print after the update.
        previewed: What the preview shows, for its heading.
        look: What to look at in it.
        steps: How the update proceeds, for its heading.
        beside: What happens in the cluster during the update; entered before it and left after it.
    """
    places = kubectl.places
    print_heading(f"pulumi preview: {previewed}; nothing is changed yet", look)
    if program.run(places, [*PREVIEW, "--stack", stack]):
        return False
    print_heading(
        f"pulumi up: {steps}, while a prober watches every PodDisruptionBudget",
        "Look at: what each step waits for, such as a budget that allows no eviction yet.",
    )
    with watching(kubectl) as prober, beside or nullcontext():
        if program.run(places, [*UP, "--stack", stack]):
            return False
    print_heading(
        "Before and after: read from the API server and AWS, not from the program",
        "Look at: the lowest number of ready pods of each budget during the update.",
    )
    after = _later_snapshot(kubectl, before)
    print(comparison.table(before, after))
    print()
    passed = print_checks(checks(before, after, prober))
    print_heading("pulumi preview again: no changes are left", "Look at: every resource is unchanged.")
    return not program.run(places, [*PREVIEW_AGAIN, "--stack", stack]) and passed
