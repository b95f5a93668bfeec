"""The command `eks-cilium status`: where a migration or a refresh stands, from what it recorded there."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from eks_cilium.cli.commands import about_a_cluster, new_app
from eks_cilium.cli.output import BLOCKED, FINE, Format, FormatOption, section, show
from eks_cilium.cli.sources import ClusterAccess, Sources
from eks_cilium.migration.control import status as standings
from eks_cilium.migration.report.wording import duration
from eks_cilium.texts import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.migration.control.progress import Failure
    from eks_cilium.migration.control.status import Refresh, Standing, Status

_EPILOG = """\
[bold]Phases[/bold] of a node in work

  capacity   it is not cordoned yet: its pods need nodes first
  drain      its pods are evicted under their budgets
  release    load balancers and volumes release it
  gone       its instance is terminating
  health     it is deleted; its workloads have to be as healthy as before

[bold]Examples[/bold]

  eks-cilium status --cluster production
  eks-cilium status --cluster production --output json

Exit status: 0 nothing holds the migration up, 2 a stop is requested or a node was given up,
1 the cluster could not be read or the command line is wrong.

It writes nothing. It needs `list` of nodes, and `get` of ConfigMaps and Leases in kube-system. The time left
is estimated from the nodes that were replaced on this cluster."""

app = new_app()


@app.command(epilog=_EPILOG)
@about_a_cluster
def status(
    ctx: typer.Context,
    *,
    access: ClusterAccess,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say where the migration of a cluster stands. It changes nothing."""
    sources: Sources = ctx.obj or Sources()
    with sources.api(access) as api:
        found = standings.read(access.cluster, api, sources.time.now())
    parts = list(_sections(found))
    show(
        form,
        text=lambda: f"{_headline(found)}\n" + "".join(_plain(title, lines) for title, lines in parts),
        markdown=lambda: f"# {_headline(found)}\n" + "".join(_listed(title, lines) for title, lines in parts),
        document=lambda: _document(found),
        pretty=lambda: [_headline(found), *(section(f"{title}:", lines) for title, lines in parts)],
    )
    raise typer.Exit(FINE if found.is_clear else BLOCKED)


def _headline(found: "Status") -> str:
    at = found.standing
    if at is None:
        return f"Cluster {found.cluster}: {_of_refresh(found.refresh)}"
    counts = f"{at.done} of {at.nodes} nodes done, {len(at.in_work)} in work, {at.left} left"
    if at.done == at.nodes:
        return f"Cluster {found.cluster}, to {at.target}: {counts}"
    time = "time left unknown" if at.seconds_left is None else f"about {duration(at.seconds_left)} left"
    return f"Cluster {found.cluster}, to {at.target}: {counts}; {time}"


def _of_refresh(at: "Refresh | None") -> str:
    if at is None:
        return "no migration is recorded"
    listed = counted(at.workloads, "workload")
    return f"the pods of {listed} are to run on Cilium, by a list of {at.recorded}; {len(at.in_work)} in work"


def _sections(found: "Status") -> "Iterator[tuple[str, list[str]]]":
    when = "" if found.is_running else " when the last run ended"
    if found.standing and found.standing.in_work:
        yield (
            f"In work{when}",
            [f"{each.node}: {each.phase} since {each.since}" for each in found.standing.in_work],
        )
    if found.refresh and found.refresh.in_work:
        yield f"Restarting{when}", [*found.refresh.in_work]
    yield "Run", [str(found.run) if found.run else "none is at work"]
    if found.stop:
        undo = f"to withdraw it: eks-cilium stop --undo --cluster {found.cluster}"
        yield "Stop", [str(found.stop), undo]
    if found.standing and found.standing.failures:
        yield "Given up", [_failure(each) for each in found.standing.failures]
    if found.policies_paused:
        yield "Policies", ["paused: Cilium enforces none until the migration is over"]


def _failure(each: "Failure") -> str:
    return f"{each.node} in phase {each.phase} at {each.at}: {' '.join(each.reason.split())}"


def _plain(title: str, lines: list[str]) -> str:
    return f"\n{title}:\n" + "".join(f"  {line}\n" for line in lines)


def _listed(title: str, lines: list[str]) -> str:
    return f"\n## {title}\n\n" + "".join(f"- {line}\n" for line in lines)


def _document(found: "Status") -> dict[str, Any]:
    """The status for other programs: keys may be added, but are never renamed or removed."""
    return {
        "schema": "eks-cilium/status/v1",
        "cluster": found.cluster,
        "clear": found.is_clear,
        "migration": _migration(found.standing) if found.standing else None,
        "refresh": _refresh(found.refresh) if found.refresh else None,
        "run": None
        if found.run is None
        else {
            "holder": found.run.holder,
            "since": found.run.since,
            "renewed": found.run.renewed,
            "expired": found.run.is_expired,
        },
        "stop": asdict(found.stop) if found.stop else None,
        "policiesPaused": found.policies_paused,
    }


def _refresh(at: "Refresh") -> dict[str, Any]:
    return {"recorded": at.recorded, "workloads": at.workloads, "inWork": list(at.in_work)}


def _migration(at: "Standing") -> dict[str, Any]:
    return {
        "target": str(at.target),
        "recorded": at.recorded,
        "nodes": at.nodes,
        "done": at.done,
        "left": at.left,
        "inWork": [asdict(each) for each in at.in_work],
        "estimatedSecondsLeft": None if at.seconds_left is None else round(at.seconds_left),
        "givenUp": [
            {"node": each.node, "phase": each.phase, "at": each.at, "reason": each.reason}
            for each in at.failures
        ],
    }
