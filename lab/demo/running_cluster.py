"""What the demos on a running cluster share: the cluster, the program beside a prober, what became of it."""

from collections.abc import Callable, Iterable

from lab import lifecycle, program, report
from lab.demo import comparison
from lab.demo.comparison import Snapshot
from lab.demo.facts import Fact
from lab.demo.prober import Prober, watching
from lab.demo.telling import heading, show
from lab.environment import Cloud, Places
from lab.existing.access import Aws, Kubectl
from lab.existing.making import make
from lab.existing.shape import Shape

Promises = Callable[[Snapshot, Snapshot, Prober], Iterable[Fact]]
"""What has to hold, from the cluster before and after, and from who watched in between."""


def begin(places: Places, stack: str) -> Kubectl:
    """A fresh lab with a cluster on the AWS VPC CNI, and the chart that `stack` asks for."""
    heading("A fresh lab, and in it a cluster on the AWS VPC CNI")
    lifecycle.down(places, report.progress)
    lifecycle.up(places, report.progress)
    program.provide_chart(places, report.progress, stack)
    return make(places, Shape(), report.progress)


def look(kubectl: Kubectl) -> Snapshot:
    """The cluster as it is now."""
    return comparison.take(kubectl, Aws(Cloud.read(kubectl.places.cloud)))


def carry_out(
    kubectl: Kubectl, stack: str, before: Snapshot, promises: Promises, *, shown: str, pace: str
) -> bool:
    """Preview, run, compare, preview again. Returns whether all is as promised and nothing is left to do.

    Args:
        kubectl: The cluster.
        stack: The stack that works on it.
        before: What the cluster was.
        promises: What has to hold in the end.
        shown: What the preview shows.
        pace: What the program does one after the other.
    """
    places = kubectl.places
    heading(f"pulumi preview: {shown}, before anything is touched")
    if program.run(places, ["preview", "--stack", stack]):
        return False
    heading(f"pulumi up: {pace}, with a prober watching every budget")
    with watching(kubectl) as prober:
        if program.run(places, ["up", "--yes", "--skip-preview", "--stack", stack]):
            return False
    heading("Before and after, read from the API server and AWS")
    after = look(kubectl)
    print(comparison.table(before, after))
    print()
    kept = show(promises(before, after, prober))
    heading("pulumi preview once more: nothing is left to do")
    return not program.run(places, ["preview", "--expect-no-changes", "--stack", stack]) and kept
