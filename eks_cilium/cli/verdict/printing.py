"""How `eks-cilium verdict` prints what it found: as text, for a terminal, as Markdown and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cli.output import grid, section
from eks_cilium.policy import report
from eks_cilium.policy.objects.checking import clusters_named
from eks_cilium.policy.verdict.changes import SelectorChange, changed_verdicts
from eks_cilium.policy.why import Explanation, rendering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from eks_cilium.policy.verdict.evaluation import Evaluator
    from eks_cilium.policy.verdict.live import LiveCluster
    from eks_cilium.policy.verdict.model import Verdict

_WRAPPING = ("FROM", "TO", "EGRESS", "INGRESS")


@dataclass(frozen=True)
class Judged:
    """The clusters that were read, and what their policies say of the traffic that was asked for."""

    clusters: tuple[LiveCluster, ...]
    evaluator: Evaluator
    verdicts: tuple[Verdict, ...]
    changes: tuple[SelectorChange, ...]
    """Selectors that mean something else from Cilium 1.19 on."""
    explanations: tuple[Explanation, ...] = ()
    """For each of the verdicts, where they are to be explained."""


def text(found: Judged) -> str:
    """The report for a pipe or a file: lines that are never broken."""
    explained = ["\n".join(rendering.lines(each)) for each in found.explanations]
    table = explained or [report.table(found.verdicts)]
    blocks = ["\n".join(map(headline, found.clusters)), *table]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in _notes(found)]
    return "\n\n".join(blocks) + "\n"


def markdown(found: Judged) -> str:
    """The verdicts as a table for reviews, and below it what explains them."""
    explained = ["\n".join(["```text", *rendering.lines(each), "```"]) for each in found.explanations]
    return "\n".join([report.markdown(found.verdicts), *(f"{block}\n" for block in explained)])


def document(found: Judged) -> dict[str, Any]:
    """The verdicts as a JSON document; each with its explanation under `why` where there is one."""
    made: dict[str, Any] = report.document(found.verdicts, found.evaluator.not_evaluated, found.changes)
    for verdict, explanation in zip(made["verdicts"], found.explanations, strict=False):
        verdict["why"] = rendering.document(explanation)
    return made


def pretty(found: Judged) -> Iterator[RenderableType]:
    """The parts of the report for a terminal."""
    yield "\n".join(map(headline, found.clusters))
    if not found.verdicts:
        yield report.table(found.verdicts)
    elif not found.explanations:
        yield grid(report.HEADER, map(_cells, found.verdicts), wrapping=_WRAPPING, judges=True)
    for explanation in found.explanations:
        title, *lines = rendering.lines(explanation)
        yield section(title, [line.removeprefix("  ") for line in lines], judges=True)
    for title, about in _notes(found):
        yield section(f"{title}:", about, judges=True)


def _cells(verdict: Verdict) -> tuple[str, ...]:
    """The row of the table, with the rules that nearly match below what each side says."""
    *start, egress, ingress = report.cells_of(verdict)
    return (
        *start,
        "\n".join([egress, *verdict.egress.hints]),
        "\n".join([ingress, *verdict.ingress.hints]),
    )


def notes(
    clusters: Sequence[LiveCluster], evaluator: Evaluator, changes: Sequence[SelectorChange]
) -> Iterator[tuple[str, list[str]]]:
    """What a reader of verdicts has to know besides them, each as a title and lines."""
    renamed = [live for live in clusters if live.old_names]
    if renamed:
        yield "Identities with another name of their cluster", list(map(_renamed, renamed))
    differing = [f"{live.cluster.name}: {line}" for live in clusters for line in live.differing]
    if differing:
        yield "Options that differ between nodes", differing
    unread = [f"{live.cluster.name}: {kind}" for live in clusters for kind in live.unread]
    if unread:
        yield "Not read, for want of a right; verdicts may depend on it", unread
    malformed = [f"{live.cluster.name}: {line}" for live in clusters for line in live.malformed]
    if malformed:
        yield "Not read, for they are not of the shape of their kind; verdicts may depend on it", malformed
    others = list(_other_clusters(clusters))
    if others:
        yield "Not read: clusters that policies name; their pods are not in this report", others
    if evaluator.not_evaluated:
        yield "Not judged", list(report.not_evaluated_lines(evaluator.not_evaluated))
    if changes:
        yield "Read differently from Cilium 1.19 on", list(map(str, changes))


def _notes(found: Judged) -> Iterator[tuple[str, list[str]]]:
    yield from notes(found.clusters, found.evaluator, found.changes)
    if found.changes:
        others = changed_verdicts(found.evaluator.clusters, [each.flow for each in found.verdicts])
        if others:
            lines = [f"{old.flow}: {old.decision}, from 1.19 on {new.decision}" for old, new in others]
            yield "Of the traffic above it changes", lines


def _other_clusters(clusters: Sequence[LiveCluster]) -> Iterator[str]:
    known = {name for live in clusters for name in (live.cluster.name, *live.old_names)}
    for live in clusters:
        named: dict[str, str] = {}
        for policy in live.cluster.policies:
            named |= dict.fromkeys(clusters_named(policy) - known - set(named), str(policy))
        yield from (f"{live.cluster.name}: {name}, first in {policy}" for name, policy in named.items())


def _renamed(live: LiveCluster) -> str:
    names = ", ".join(live.old_names)
    return (
        f"{live.cluster.name}: pods have identities of cluster {names}, and selectors see that name; "
        "it changes when their pods are restarted"
    )


def headline(live: LiveCluster) -> str:
    """A line about a cluster: how much was read, and how its agents enforce it."""
    count = sum(len(workload.names) for workload in live.workloads)
    others = live.unmanaged_pods
    beside = f", {others} pods beside them are not under policies" if others else ""
    cluster = live.cluster
    return (
        f"{cluster.name}: {len(cluster.policies)} policies, {count} pods of {len(live.workloads)} identities"
        f"{beside}; a selector without a cluster means {cluster.selector_scope}; enforcement {cluster.mode}"
        f"{', but policy-audit-mode: nothing is blocked' if cluster.agents.audit else ''}"
        f"{'; enableDefaultDeny does not count' if not cluster.agents.non_default_deny else ''}"
        f"{f'; identities have labels by {cluster.agents.labels!r}' if cluster.agents.labels else ''}"
    )
