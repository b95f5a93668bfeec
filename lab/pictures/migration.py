"""The pictures of a plan and of a running migration: the real commands, in a lab of their own."""

import sys
from collections.abc import Sequence

from rich.text import Text

from lab import program
from lab.demo.running_cluster import create_lab
from lab.environment import ROOT, Places, client_environment
from lab.errors import LabError
from lab.pictures import svg, texts
from lab.pictures.screen import Screen
from lab.pictures.terminal import Recording, record
from lab.sample_cluster.spec import ClusterSpec

STACK = "lab-replacement"
COLUMNS, LINES = 120, 30
WIDE = 140
"""Columns of the terminal of the migration, whose rows end with what a node waits for."""
FRAMES = 48
"""Of the animation: each shows what the terminal showed at its moment of the run."""
LAST = 8
"""Frames for which the end stays, before the animation begins again."""
SECONDS = 28.0
_EKS_CILIUM = "from eks_cilium.cli.main import main; main()"
"""The command as this source has it, whatever is installed."""


class NoPictureError(LabError):
    """A command that a picture shows did not end as it should."""


def pictures(places: Places) -> dict[str, str]:
    """The plan of a cluster of six nodes, and its migration."""
    kubectl = create_lab(places, STACK, ClusterSpec(nodes=6))
    plan = _plan(places, kubectl.context)
    return {"plan.svg": plan, "migration.svg": _migration(places)}


def _plan(places: Places, cluster: str) -> str:
    words = ["plan", "--cluster", cluster]
    command = [sys.executable, "-c", _EKS_CILIUM, *words]
    screen = Screen()
    for piece in _recorded(places, command).pieces:
        screen.write(piece.text)
    lines = [line for line in screen.visible(200) if not line.plain.endswith(" ...")]
    drawn = svg.still(lines, title=f"eks-cilium {' '.join(words)}", columns=COLUMNS)
    return texts.stamped(drawn, texts.shown_in(line.plain for line in lines))


def _migration(places: Places) -> str:
    with program.prepared(places, STACK, program.BUILT_IN) as pulumi:
        command = pulumi.command("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", STACK)
        frames = _frames(
            record(command, columns=WIDE, lines=LINES, environment=pulumi.environment, directory=ROOT)
        )
    drawn = svg.animation(frames, title="pulumi up", columns=WIDE, lines=LINES, seconds=SECONDS)
    return texts.stamped(drawn, texts.shown_in(line.plain for frame in frames for line in frame))


def _frames(recording: Recording) -> Sequence[Sequence[Text]]:
    """What the terminal showed at equal distances in time."""
    if recording.status:
        message = f"`pulumi up` ended with {recording.status}"
        raise NoPictureError(message)
    end = recording.pieces[-1].seconds
    moments = [end * (number + 1) / FRAMES for number in range(FRAMES)]
    screen, frames, pieces = Screen(), list[Sequence[Text]](), list(recording.pieces)
    for moment in moments:
        while pieces and pieces[0].seconds <= moment:
            screen.write(pieces.pop(0).text)
        frames.append(screen.visible(LINES))
    return [*frames, *[frames[-1]] * LAST]


def _recorded(places: Places, command: Sequence[str]) -> Recording:
    return record(
        command, columns=COLUMNS, lines=LINES, environment=client_environment(places), directory=ROOT
    )
