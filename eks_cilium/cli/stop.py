"""The command `eks-cilium stop`: asks the run on a cluster to begin nothing further, or withdraws that."""

import getpass
import socket
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eks_cilium.cli.commands import about_a_cluster, new_app
from eks_cilium.cli.output import BLOCKED, FINE, Format, FormatOption, section, show
from eks_cilium.cli.sources import ClusterAccess, Sources
from eks_cilium.migration.control import stop as requests
from eks_cilium.migration.control.stop import StopRequest
from eks_cilium.runtime.lease import holding

if TYPE_CHECKING:
    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.runtime.lease import Holding

_EPILOG = """\
[bold]What it does[/bold]

The run at work finishes the nodes or workloads it has begun, begins no other, and ends with a message that
names who asked. Later runs begin none either, also when a pipeline starts them by itself, until the request
is withdrawn with --undo. Then `pulumi up` continues where the last run stopped.

[bold]Examples[/bold]

  eks-cilium stop --cluster production --reason 'error rate of shop'
  eks-cilium stop --cluster production --undo

Exit status: 0 asked, or withdrawn, 2 there was no request to withdraw, 1 it could not be written
or the command line is wrong.

It needs `get`, `patch` and `create` of ConfigMaps in kube-system, and `get` of Leases there."""

app = new_app()

_REQUEST = "What to ask"
_Undo = Annotated[
    bool, typer.Option("--undo", help="Withdraw the request instead.", rich_help_panel=_REQUEST)
]
_Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Shown to the users of the run.", rich_help_panel=_REQUEST),
]


@app.command(epilog=_EPILOG)
@about_a_cluster
def stop(
    ctx: typer.Context,
    *,
    access: ClusterAccess,
    undo: _Undo = False,
    reason: _Reason = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """Ask the run on a cluster to begin no further node or workload, from anywhere."""
    sources: Sources = ctx.obj or Sources()
    with sources.api(access) as api:
        request = requests.withdraw(api) if undo else _asked(api, sources, reason)
        run = holding(api, sources.time.now())
    lines = _lines_of_withdrawal(request) if undo else _lines_of_request(access.cluster, request, run)
    show(
        form,
        text=lambda: "\n".join(lines) + "\n",
        markdown=lambda: "\n".join(f"- {line}" for line in lines) + "\n",
        document=lambda: _document(access.cluster, request, run, undo=undo),
        pretty=lambda: [section(lines[0], lines[1:])],
    )
    raise typer.Exit(BLOCKED if undo and request is None else FINE)


def _asked(api: "KubernetesApi", sources: Sources, reason: str) -> StopRequest:
    by = f"{getpass.getuser()}@{socket.gethostname()}"
    asked = StopRequest(by, sources.time.now().isoformat(timespec="seconds"), reason)
    requests.request(api, asked)
    return asked


def _lines_of_request(cluster: str, request: StopRequest | None, run: "Holding | None") -> list[str]:
    return [
        f"{request}, on cluster {cluster}.",
        f"{run}: it finishes what it has begun."
        if run and not run.is_expired
        else "No run is at work; the next begins nothing.",
        f"To withdraw it: eks-cilium stop --undo --cluster {cluster}",
    ]


def _lines_of_withdrawal(request: StopRequest | None) -> list[str]:
    if request is None:
        return ["No request was in force."]
    return [f"Withdrawn: {request}.", "Run `pulumi up` to go on."]


def _document(
    cluster: str, request: StopRequest | None, run: "Holding | None", *, undo: bool
) -> dict[str, Any]:
    return {
        "schema": "eks-cilium/stop/v1",
        "cluster": cluster,
        "inForce": not undo,
        "request": None
        if request is None
        else {"by": request.by, "at": request.at, "reason": request.reason},
        "run": None if run is None else {"holder": run.holder, "since": run.since},
    }
