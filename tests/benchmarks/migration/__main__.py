"""`python -m tests.benchmarks.migration`: measure the programs beside each other; `make bench` calls it.

--nodes 12 --only "this program"     a smaller comparison
--json FILE                          what was measured, for --beside of another run
--beside FILE                        add what was measured before, of programs that are not measured now
--write docs/performance.md          the table goes between the page's two markers, the plot beside the page
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lab import lifecycle
from lab.environment import Places
from lab.errors import LabError
from lab.progress import print_progress
from tests.benchmarks.migration import page
from tests.benchmarks.migration.contestants import Contestant, contestants
from tests.benchmarks.migration.measuring import Measured, log_of, measure

PODS_A_NODE = 10


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table and perhaps write it; the status is 1 where a program did not finish."""
    options = _options(arguments)
    places = Places.default()
    try:
        runs = [_measured(places, each, options.nodes) for each in _chosen(options.only)]
    finally:
        lifecycle.down(places, print_progress)
    runs = _in_order([*runs, *_before(options.beside)])
    text = "\n".join(page.markdown(runs))
    print(text)
    if options.write:
        options.write.write_text(page.write(options.write.read_text(), text))
        (options.write.parent / page.PLOT).write_text(page.plot(runs))
    if options.json:
        options.json.write_text(json.dumps([asdict(run) for run in runs], indent=1))
    return 0 if all(run.ended_well for run in runs) else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.migration", description=__doc__)
    parser.add_argument("--nodes", type=int, default=60)
    parser.add_argument("--only", action="append", default=[], help="a part of a program's name and width")
    parser.add_argument("--write", type=Path, help="the page that gets the table between its two markers")
    parser.add_argument("--json", type=Path, help="a file for what was measured")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="such a file")
    return parser.parse_args(arguments)


def _before(files: Sequence[Path]) -> list[Measured]:
    return [Measured(**run) for file in files for run in json.loads(file.read_text())]


def _in_order(runs: Sequence[Measured]) -> list[Measured]:
    """The first run of each program in each width, in the order of the contestants."""
    first = {(run.name, run.at_once): run for run in reversed(runs)}
    return [first[key] for each in contestants() if (key := (each.name, each.at_once)) in first]


def _chosen(only: Sequence[str]) -> list[Contestant]:
    return [
        each
        for each in contestants()
        if not only or any(part in f"{each.name} at {each.at_once}" for part in only)
    ]


def _measured(places: Places, contestant: Contestant, nodes: int) -> Measured:
    print(f"{contestant.name}, {contestant.at_once} at once", flush=True)
    run = measure(places, contestant, nodes, PODS_A_NODE * nodes)
    print(f"  {' | '.join(page.cells(run))}", flush=True)
    if not run.ended_well or run.ended_otherwise:
        print(f"  {run.ended_otherwise[:5]}; its output: {log_of(places, contestant)}")
    return run


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except LabError as error:
        raise SystemExit(f"error: {error}") from None
