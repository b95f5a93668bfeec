"""The picture of a running migration: the real command, in a lab of its own."""

from collections.abc import Sequence

from rich.text import Text

from lab import program
from lab.demo.running_cluster import create_lab
from lab.environment import ROOT, Places
from lab.errors import LabError
from lab.pictures import svg, texts
from lab.pictures.screen import Screen
from lab.pictures.terminal import Recording, record
from lab.sample_cluster.spec import ClusterSpec

STACK = "lab-replacement"
COLUMNS, LINES = 140, 30
"""Of the terminal: rows end with what a node waits for."""
FRAMES = 48
"""Of the animation: each shows what the terminal showed at its moment of the run."""
LAST = 8
"""Frames for which the end stays, before the animation begins again."""
SECONDS = 28.0


class NoPictureError(LabError):
    """A command that a picture shows did not end as it should."""


def picture(places: Places) -> str:
    """The migration of a cluster of six nodes."""
    create_lab(places, STACK, ClusterSpec(nodes=6))
    with program.prepared(places, STACK, program.BUILT_IN) as pulumi:
        command = pulumi.command("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", STACK)
        frames = _frames(
            record(command, columns=COLUMNS, lines=LINES, environment=pulumi.environment, directory=ROOT)
        )
    drawn = svg.animation(frames, title="pulumi up", columns=COLUMNS, lines=LINES, seconds=SECONDS)
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
