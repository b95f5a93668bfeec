"""The options of `eks-cilium verdict`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from eks_cilium.cli.output import PRINTING

MOST_FLOWS = 100
"""More rows than that are no table for people: they are grouped."""
MOST_IN_JSON = 500
"""More verdicts with all of their reasons are too much for a program, too."""
_WHERE, _WHAT = "Which clusters", "Which traffic"

ContextsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--context",
        metavar="NAME",
        help="Context of the kubeconfig that leads to a cluster; repeat it for each cluster of the mesh.",
        show_default="the current context",
        rich_help_panel=_WHERE,
    ),
]
KubeconfigFileOption = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="The kubeconfig that has the contexts.",
        show_default="the files of KUBECONFIG merged, else ~/.kube/config",
        rich_help_panel=_WHERE,
    ),
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="ENDPOINT",
        help="Who opens the connection; see Endpoints below.",
        show_default="*/*: every pod",
        rich_help_panel=_WHAT,
    ),
]
DestinationOption = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="ENDPOINT",
        help="Who is reached; see Endpoints below.",
        show_default="*/*: every pod",
        rich_help_panel=_WHAT,
    ),
]
PortsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        metavar="PORT/PROTOCOL",
        help="A port such as 8080/TCP, 53/UDP or 8000-8100/TCP, or EchoRequest/ICMP; may be repeated.",
        show_default="the ports that the containers declare",
        rich_help_panel=_WHAT,
    ),
]
ExpectOption = Annotated[
    Literal["allowed", "denied"] | None,
    typer.Option("--expect", help="End with status 2 where a verdict is another one.", rich_help_panel=_WHAT),
]
WhyOption = Annotated[
    bool,
    typer.Option(
        "--why",
        help="Explain each verdict: what selects the pods, which entry decides, what would change it.",
        rich_help_panel=_WHAT,
    ),
]
RowsOption = Annotated[
    int,
    typer.Option(
        "--rows",
        metavar="NUMBER",
        min=0,
        help=f"Rows of the table that more than {MOST_FLOWS} flows are grouped into; 0 for all.",
        rich_help_panel=PRINTING,
    ),
]
