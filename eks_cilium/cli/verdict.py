"""The command `eks-cilium verdict`: who may reach whom in running clusters, by their network policies."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eks_cilium.cli.output import BLOCKED, FINE, Format, FormatOption, grid, section, show
from eks_cilium.cli.sources import Sources
from eks_cilium.cli.traffic import flows_between
from eks_cilium.errors import UserError
from eks_cilium.policy import report
from eks_cilium.policy.verdict.changes import SelectorChange, changed_verdicts, selector_changes
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.live import LiveCluster, live_cluster
from eks_cilium.policy.verdict.model import Flow, Verdict
from eks_cilium.policy.verdict.ranges import verdicts_on

if TYPE_CHECKING:
    from rich.console import RenderableType

_EPILOG = """\
[bold]Endpoints[/bold] of --from and --to are one of

  CLUSTER/NAMESPACE\\[/LABEL=VALUE,...]  pods; * and ? stand for any text
  203.0.113.10                         an IPv4 address outside of all clusters
  entity:NAME                          as in policies: entity:kube-apiserver

Without --port, every pod is judged at the ports its containers declare.

[bold]Examples[/bold]

  eks-cilium verdict --context cluster-1 --context cluster-2
  eks-cilium verdict --context cluster-1 --context cluster-2 \\
      --from 'cluster-1/shop' --to 'cluster-2/*'
  eks-cilium verdict --context cluster-1 --from 'cluster-1/shop/app=web' \\
      --to 203.0.113.10 --port 443/TCP --expect denied

Exit status: 0 judged, 2 a verdict is not as --expect says, 1 nothing could be judged
or the command line is wrong.

It needs read access to policies, CiliumCIDRGroups, pods, CiliumEndpoints and ConfigMap
kube-system/cilium-config."""

_WRAPPING = ("FROM", "TO", "EGRESS", "INGRESS")
_WHERE, _WHAT = "Which clusters", "Which traffic"

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


@dataclass(frozen=True)
class Judged:
    """The clusters that were read, and what their policies say of the traffic that was asked for."""

    clusters: tuple[LiveCluster, ...]
    evaluator: Evaluator
    verdicts: tuple[Verdict, ...]
    changes: tuple[SelectorChange, ...]
    """Selectors that mean something else from Cilium 1.19 on."""


@app.command(epilog=_EPILOG)
def verdict(
    ctx: typer.Context,
    *,
    context: Annotated[
        list[str],
        typer.Option(
            "--context",
            metavar="NAME",
            help="Context of the kubeconfig that leads to a cluster; repeat it for each cluster of the mesh.",
            rich_help_panel=_WHERE,
        ),
    ],
    kubeconfig_file: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig",
            metavar="FILE",
            help="The kubeconfig that has the contexts.",
            show_default="the files of KUBECONFIG merged, else ~/.kube/config",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ENDPOINT",
            help="Who opens the connection; see Endpoints below.",
            show_default="*/*: every pod",
            rich_help_panel=_WHAT,
        ),
    ] = "*/*",
    destination: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="ENDPOINT",
            help="Who is reached; see Endpoints below.",
            show_default="*/*: every pod",
            rich_help_panel=_WHAT,
        ),
    ] = "*/*",
    port: Annotated[
        list[str] | None,
        typer.Option(
            "--port",
            metavar="PORT/PROTOCOL",
            help="A port such as 8080/TCP, 53/UDP or 8000-8100/TCP; may be repeated.",
            show_default="the ports that the containers declare",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    expect: Annotated[
        Literal["allowed", "denied"] | None,
        typer.Option(
            "--expect", help="End with status 2 where a verdict is another one.", rich_help_panel=_WHAT
        ),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say who may reach whom in running clusters, by their network policies. It changes nothing.

    Reads CiliumNetworkPolicies, CiliumClusterwideNetworkPolicies and NetworkPolicies as Cilium's agents do,
    with the meaning of the version each cluster runs, and names the rule behind every verdict. It judges
    policies, not packets: routes, security groups and proxies are no part of it.
    """
    sources: Sources = ctx.obj or Sources()
    clusters = _clusters((name, live_cluster(sources.objects(kubeconfig_file, name))) for name in context)
    found = judged(clusters, flows_between(clusters, source, destination, port or ()))
    show(
        form,
        text=lambda: _text(found),
        markdown=lambda: report.markdown(found.verdicts),
        document=lambda: report.document(found.verdicts, found.evaluator.not_evaluated, found.changes),
        pretty=lambda: _pretty(found),
    )
    unexpected = expect and any(str(each.decision) != expect for each in found.verdicts)
    raise typer.Exit(BLOCKED if unexpected else FINE)


def judged(clusters: Sequence[LiveCluster], flows: Sequence[Flow]) -> Judged:
    """Judge every flow by the policies of the clusters it begins and ends in."""
    evaluator = Evaluator(each.cluster for each in clusters)
    changes = selector_changes(policy for each in clusters for policy in each.cluster.policies)
    verdicts = tuple(verdict for flow in flows for verdict in verdicts_on(evaluator, flow))
    return Judged(tuple(clusters), evaluator, verdicts, tuple(changes))


def _clusters(by_context: Iterable[tuple[str, LiveCluster]]) -> list[LiveCluster]:
    found: dict[str, LiveCluster] = {}
    contexts: dict[str, str] = {}
    for context, live in by_context:
        name = live.cluster.name
        if name in found:
            raise UserError(
                f"context {context} is a second cluster called {name}, like context {contexts[name]}: "
                "clusters of a mesh have names of their own (cluster.name of Cilium's chart)"
            )
        found[name], contexts[name] = live, context
    return list(found.values())


def _text(found: Judged) -> str:
    blocks = ["\n".join(map(_headline, found.clusters)), report.table(found.verdicts)]
    blocks += ["\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in _notes(found)]
    return "\n\n".join(blocks) + "\n"


def _pretty(found: Judged) -> "Iterator[RenderableType]":
    yield "\n".join(map(_headline, found.clusters))
    if found.verdicts:
        yield grid(report.HEADER, map(_cells, found.verdicts), wrapping=_WRAPPING)
    else:
        yield report.table(found.verdicts)
    for title, lines in _notes(found):
        yield section(f"{title}:", lines)


def _cells(verdict: Verdict) -> tuple[str, ...]:
    """The row of the table, with the rules that nearly match below what each side says."""
    *start, egress, ingress = report.cells_of(verdict)
    return (
        *start,
        "\n".join([egress, *verdict.egress.hints]),
        "\n".join([ingress, *verdict.ingress.hints]),
    )


def _notes(found: Judged) -> Iterator[tuple[str, list[str]]]:
    renamed = [live for live in found.clusters if live.old_names]
    if renamed:
        yield "Identities with another name of their cluster", list(map(_renamed, renamed))
    if found.evaluator.not_evaluated:
        yield "Not judged", list(report.not_evaluated_lines(found.evaluator.not_evaluated))
    if found.changes:
        yield "Read differently from Cilium 1.19 on", list(map(str, found.changes))
        others = changed_verdicts(found.evaluator.clusters, [each.flow for each in found.verdicts])
        if others:
            lines = [f"{old.flow}: {old.decision}, from 1.19 on {new.decision}" for old, new in others]
            yield "Of the traffic above it changes", lines


def _renamed(live: LiveCluster) -> str:
    names = ", ".join(live.old_names)
    return (
        f"{live.cluster.name}: pods have identities of cluster {names}, and selectors see that name; "
        "it changes when their pods are restarted"
    )


def _headline(live: LiveCluster) -> str:
    count = sum(len(workload.names) for workload in live.workloads)
    others = live.unmanaged_pods
    beside = f", {others} pods beside them are not under policies" if others else ""
    cluster = live.cluster
    return (
        f"{cluster.name}: {len(cluster.policies)} policies, {count} pods of {len(live.workloads)} identities"
        f"{beside}; a selector without a cluster means {cluster.selector_scope}; enforcement {cluster.mode}"
        f"{', but policy-audit-mode: nothing is blocked' if cluster.agents.audit else ''}"
    )
