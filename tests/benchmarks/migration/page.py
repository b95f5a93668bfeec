"""The table and the plot of docs/performance.md, from what was measured."""

import os
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from tests.benchmarks.migration.measuring import Measured

BEGIN, END = "<!-- migrations: begin -->", "<!-- migrations: end -->"
PLOT = "migrations.svg"
_HEADER = (
    "program",
    "nodes at once",
    "whole run",
    "replacing",
    "floor",
    "over the floor",
    "requests a node",
    "AWS calls a node",
    "ended without eviction",
    "budget violations",
    "unavailable",
    "CPU: machine, program",
)
_COLOURS = ("#d1495b", "#edae49", "#66a182", "#2e86ab", "#00798c", "#7b2d8b")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 860, 360, 46, 16, 40
_LEGEND = 250


def markdown(runs: Sequence[Measured]) -> Iterator[str]:
    """Yield the lines of the table, with those that say on what and with which times it was measured."""
    first = runs[0]
    yield (
        f"Measured on a machine with {os.cpu_count()} cores: {first.nodes} nodes in 3 groups and 3 zones, "
        f"{first.pods} pods. In the middle a launch took {_middle(runs, 'launch'):.0f} s, a pod "
        f"{_middle(runs, 'stop'):.1f} s to stop and {_middle(runs, 'start'):.1f} s to be ready."
    )
    yield ""
    yield _row(_HEADER)
    yield _row(["---", *["--:"] * (len(_HEADER) - 1)])
    yield from (_row(cells(run)) for run in runs)
    yield ""
    yield f"![Old nodes left over time]({PLOT})"


def cells(run: Measured) -> tuple[str, ...]:
    """Return one row of the table."""
    return (
        run.name if run.ended_well else f"{run.name}, ended with an error",
        run.at_once,
        f"{run.whole:.0f} s",
        f"{run.replacing:.0f} s",
        f"{run.floor:.0f} s",
        f"{run.replacing / run.floor:.2f} x",
        f"{run.requests_a_node:.1f}",
        f"{run.calls_a_node:.1f}",
        str(len(run.ended_otherwise)),
        str(run.breaches),
        f"{run.unavailable:.0f} s",
        f"{run.busy:.0%}, {run.own:.0%}",
    )


def write(page: str, text: str) -> str:
    """Return a page with what is between its two markers replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}\n{END}{after}"


def plot(runs: Sequence[Measured]) -> str:
    """Return an SVG of how many old nodes were left over time."""
    end = max(run.whole for run in runs)
    most = max(run.nodes for run in runs)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
            "<style>text { font: 12px system-ui, sans-serif; fill: #57606a; }</style>",
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="#ffffff"/>',
            *_axes(end, most),
            *(_curve(run, colour, end, most) for run, colour in zip(runs, _COLOURS, strict=False)),
            *_legend(runs),
            "</svg>",
            "",
        ]
    )


def _axes(end: float, most: int) -> Iterator[str]:
    line = '<path d="M{} {}H{}" stroke="#d0d7de"/>'
    for count in range(0, most + 1, max(most // 4, 1)):
        y = _y(count, most)
        yield line.format(_LEFT, y, _WIDTH - 16)
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{count}</text>'
    step = next((seconds for seconds in (30, 60, 120, 300, 600) if end / seconds <= 10), 1200)
    for seconds in range(0, int(end) + 1, step):
        x = _x(seconds, end)
        y = _HEIGHT - _BOTTOM + 18
        yield f'<text x="{x:.1f}" y="{y}" text-anchor="middle">{seconds / 60:g} min</text>'
    yield f'<text x="{_LEFT}" y="{_HEIGHT - 6}">time since the start, old nodes left</text>'


def _curve(run: Measured, colour: str, end: float, most: int) -> str:
    steps = [f"M{_x(0, end):.1f} {_y(run.nodes, most):.1f}"]
    steps += [f"H{_x(at, end):.1f}V{_y(count, most):.1f}" for at, count in run.left]
    steps.append(f"H{_x(run.whole, end):.1f}")
    return f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _legend(runs: Sequence[Measured]) -> Iterator[str]:
    for number, (run, colour) in enumerate(zip(runs, _COLOURS, strict=False)):
        x, y = _WIDTH - _LEGEND, _TOP + 24 + 20 * number
        text = f"{run.name}, {run.at_once} at once: {run.whole:.0f} s"
        yield f'<path d="M{x} {y - 4}h18" stroke="{colour}" stroke-width="3"/>'
        yield f'<text x="{x + 26}" y="{y}">{escape(text)}</text>'


def _x(seconds: float, end: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 16) * seconds / end


def _y(count: int, most: int) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - count / most)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _middle(runs: Sequence[Measured], name: str) -> float:
    values = sorted(run.times[name] for run in runs)
    return values[len(values) // 2]
