"""The demo of mode `replacement`: a running cluster is migrated from the AWS VPC CNI to Cilium.

The cluster is created through the ordinary APIs, without this program. While the program runs, a prober
outside it watches every PodDisruptionBudget, and in the middle load makes an emulated Cluster Autoscaler grow
a group and shrink it again. The checks at the end read the API server, AWS and their logs, not the program.
"""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime

from lab.demo import comparison
from lab.demo.autoscaling import autoscaled, growth_of
from lab.demo.checks import Check
from lab.demo.comparison import Snapshot
from lab.demo.prober import Prober
from lab.demo.running_cluster import create_lab, run_program, take_snapshot
from lab.disturbances.load import NAMESPACE
from lab.environment import Places, client_environment
from lab.evidence.audit import AuditLog
from lab.evidence.pods import ended_otherwise
from lab.progress import print_heading
from lab.sample_cluster.clients import Kubectl
from lab.sample_cluster.spec import ClusterSpec

STACK = "lab-replacement"
"""The stack that migrates the lab's sample cluster."""

_IDLE = 45.0
"""Seconds for which a node is idle before the autoscaler removes it: the agents have been restarted by then.

Kubernetes keeps the pods of a removed node for a minute, which would hold that restart up; an end-to-end test
has it so.
"""


def run(places: Places) -> bool:
    """Replace the CNI of a cluster of twelve nodes; return whether every check passed."""
    kubectl = create_lab(places, STACK, ClusterSpec(spare=6, autoscaled=True))
    before, since = take_snapshot(kubectl), datetime.now(UTC)

    print_heading(
        "What runs in the cluster",
        "Look at: the budgets. Every eviction of the migration has to be allowed by them.",
    )
    _print_output(kubectl, "get", "nodes", "-L", "eks.amazonaws.com/nodegroup,topology.kubernetes.io/zone")
    _print_output(
        kubectl, "get", "deployments,statefulsets,daemonsets,cronjobs,jobs,poddisruptionbudgets", "-A"
    )
    growth = growth_of(kubectl, before, "general", unneeded=_IDLE)
    audit = AuditLog(places.directory / "clusters" / kubectl.context / "audit.jsonl", since)

    def checks(before: Snapshot, after: Snapshot, prober: Prober) -> Iterator[Check]:
        yield from comparison.replacement_checks(before, after)
        yield from budget_checks(prober)
        yield from growth.checks()
        yield from eviction_checks(audit, after)

    return run_program(
        kubectl,
        STACK,
        before,
        checks,
        previewed="the plan of the migration",
        look="Look at: one row for each node, what each budget makes it wait for, and what to know before.",
        steps="node by node",
        beside=autoscaled(growth),
    )


def eviction_checks(audit: AuditLog, after: Snapshot) -> Iterator[Check]:
    """Yield what the audit log says about the end of pods."""
    daemon_sets = {
        name.removeprefix("DaemonSet ") for name in after.workloads if name.startswith("DaemonSet")
    }
    ended = ended_otherwise(
        audit,
        {*daemon_sets, "kube-system/aws-node"},
        scaled=[NAMESPACE],
        run_to_completion=["batch/clean-up"],
    )
    evicted = len(audit.evictions())
    yield Check("no pod ended outside an eviction", "; ".join(ended[:3]) or f"{evicted} evicted", not ended)
    unallowed = audit.unallowed_evictions()
    observed = (
        "; ".join(unallowed[:3]) or f"{len(audit.forbidden_evictions())} refused by budgets and asked again"
    )
    yield Check("every eviction allowed by its budget", observed, not unallowed)


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
