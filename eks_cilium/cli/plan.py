"""The command `eks-cilium plan`: reads a running cluster and prints what a migration would do."""

from typing import TYPE_CHECKING, Annotated

import typer

from eks_cilium.cli.commands import about_a_cluster, new_app
from eks_cilium.cli.migration_options import (
    DEFAULTS,
    ONLY,
    exceptions_help,
    migration_options,
    option_of,
)
from eks_cilium.cli.output import BLOCKED, FINE, PRINTING, Format, FormatOption, grid, section, show
from eks_cilium.cli.sources import ClusterAccess, Sources
from eks_cilium.migration import report
from eks_cilium.migration.options import CiliumChoices
from eks_cilium.migration.plan.planner import plan as plan_of
from eks_cilium.migration.report.table import ON_THE_RIGHT, pods_of, rows, sections
from eks_cilium.migration.report.wording import bounds, headline, verdict_of
from eks_cilium.settings.model.migration import Capacity, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from eks_cilium.migration.plan.model import Plan

_EPILOG = f"""\
[bold]Exceptions[/bold] that --allow takes; * and ? in a PATTERN stand for any text

{exceptions_help()}

[bold]Examples[/bold]

  eks-cilium plan --cluster production --region eu-central-1
  eks-cilium plan --cluster production --surge 3 --parallel 2 --pods
  eks-cilium plan --cluster production --only nodes=2
  eks-cilium plan --cluster production --allow 'barePods=debug/*'
  eks-cilium plan --cluster production --target aws-vpc-cni --format json

Exit status: 0 nothing blocks the plan, 2 something does, 1 no plan could be made
or the command line is wrong.

It needs what `aws eks get-token` needs and read access to the cluster; it writes nothing."""

app = new_app()

_WRAPPING = ("GROUP", "BUDGETS")
_WHAT = "What to plan"

_Target = Annotated[Target, option_of("target", _WHAT)]
_Capacity = Annotated[Capacity, option_of("capacity", _WHAT)]
_Surge = Annotated[str, option_of("surge", _WHAT, "NODES")]
_Parallel = Annotated[str, option_of("parallel", _WHAT, "NODES")]
_Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="EXCEPTION",
        help="Permit something that blocks the plan otherwise; may be repeated. See Exceptions below.",
        rich_help_panel=_WHAT,
    ),
]
_Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="PART",
        help=f"Plan a canary, a part of the nodes: {ONLY}.",
        rich_help_panel=_WHAT,
    ),
]
_PrefixDelegation = Annotated[
    bool,
    typer.Option(
        "--prefix-delegation",
        help="Plan for cilium.prefixDelegation: nodes then have addresses for many more pods.",
        show_default="as in the installed Cilium, else without",
        rich_help_panel=_WHAT,
    ),
]
_Pods = Annotated[
    bool,
    typer.Option(
        "--pods", help="Show the pods of every node, in the table and in JSON.", rich_help_panel=PRINTING
    ),
]


@app.command(epilog=_EPILOG)
@about_a_cluster
def plan(
    ctx: typer.Context,
    *,
    access: ClusterAccess,
    target: _Target = DEFAULTS.target,
    capacity: _Capacity = DEFAULTS.capacity,
    surge: _Surge = DEFAULTS.surge,  # type: ignore[assignment] # on a command line all is text
    parallel: _Parallel = DEFAULTS.parallel,  # type: ignore[assignment] # as above
    allow: _Allow = None,
    only: _Only = None,
    prefix_delegation: _PrefixDelegation = False,
    form: FormatOption = Format.TABLE,
    pods: _Pods = False,
) -> None:
    """Print what a migration of a running cluster would do, node by node. It changes nothing.

    The plan is the one `pulumi preview` shows: the order of the nodes, what happens to their pods, which
    PodDisruptionBudgets make a drain wait, how long it takes, what blocks it and what to know before.
    """
    chosen = {"target": target, "capacity": capacity, "surge": surge, "parallel": parallel}
    options = migration_options(chosen, allow or (), only or ())
    sources: Sources = ctx.obj or Sources()
    facts = sources.facts(access)
    cilium = CiliumChoices(prefix_delegation=True) if prefix_delegation else None
    found = plan_of(facts, options, cilium=cilium)
    show(
        form,
        text=lambda: report.table(found, pods=pods),
        markdown=lambda: report.markdown(found),
        document=lambda: report.document(found, pods=pods),
        pretty=lambda: _pretty(found, pods=pods),
    )
    raise typer.Exit(FINE if found.clean else BLOCKED)


def _pretty(found: "Plan", *, pods: bool) -> "Iterator[RenderableType]":
    header, *nodes = rows(found)
    yield from filter(None, (headline(found), bounds(found)))
    if nodes:
        yield grid(header, nodes, wrapping=_WRAPPING, on_the_right=ON_THE_RIGHT)
    else:
        yield "No node is to be replaced."
    if pods:
        yield from (
            section(f"{node.position}. {node.node}", pods_of(node) or ["no pods"]) for node in found.nodes
        )
    for title, lines in sections(found):
        yield section(f"{title}:", lines)
    yield section(verdict_of(found), (), "bold green" if found.clean else "bold red")
