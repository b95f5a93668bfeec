"""Measures whole tables of verdicts, beside Cilium's own policy engine on flows of the same tables.

`make bench-verdicts` starts it. Each measurement is a process of its own; its start and the reading of the
policies are part of its time. The engine gets a sample, because it judges every flow from the beginning, and
both have to say the same about the sample. Times are seconds of CPU, which other processes disturb least.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eks_cilium.policy.verdict import Evaluator, Flow
from lab.toolchain import Toolchain, default_cache
from tests.benchmarks.pages import replaced
from tests.benchmarks.tables import PORT, Table, table
from tests.program.verdict.oracle import Case, as_asked

SIZES = (100, 300, 1_000)
SAMPLE = 10_000
BEGIN, END = "<!-- verdicts: begin -->", "<!-- verdicts: end -->"
_ENGINE = ("engine: flows", "engine: CPU", "engine: a flow", "engine: memory")
HEADER = ("endpoints", "policies", "flows", "CPU", "a flow", "memory", *_ENGINE)


@dataclass(frozen=True)
class Measured:
    """One process: what it answered and what it took."""

    answer: Any
    flows: int
    seconds: float
    megabytes: float

    @property
    def cells(self) -> tuple[str, ...]:
        each = self.seconds / self.flows * 1e6
        flow = f"{each / 1e3:.2f} ms" if each >= 1e3 else f"{each:.1f} µs"
        return f"{self.flows:,}", f"{self.seconds:.1f} s", flow, f"{self.megabytes:.0f} MB"


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table and perhaps write it; the status is 1 where the two do not agree."""
    parser = argparse.ArgumentParser(prog="make bench-verdicts", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--write", type=Path, help="the page that gets the table between its two markers")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(judged(options.measure)))
        return 0
    oracle = Toolchain(default_cache(), print).oracle()
    rows = [row(size, oracle) for size in options.sizes]
    text = "\n".join(markdown(rows))
    print(text)
    if options.write:
        replaced(options.write, BEGIN, END, text)
    return 0


def row(size: int, oracle: Path) -> tuple[str, ...]:
    """One line of the table. Raises SystemExit where a verdict is not the engine's."""
    made = table(size)
    flows = [made.flow(number) for number in sample(size)]
    ours = run([sys.executable, "-m", "tests.benchmarks.verdicts", "--measure", str(size)], "", size * size)
    asked = json.dumps(as_asked(Case(made.clusters, tuple(flows))))
    theirs = run([str(oracle)], asked, len(flows))
    expected = [[each.get("egress"), each.get("ingress")] for each in theirs.answer["verdicts"]]
    if differing := [
        f"{flow}: ours {found}, the engine's {wanted}"
        for flow, found, wanted in zip(flows, ours.answer["sample"], expected, strict=True)
        if found != wanted
    ]:
        raise SystemExit("\n".join([f"{len(differing)} verdicts are not the engine's:", *differing[:5]]))
    print(f"{size} endpoints: {ours.answer['decisions']}, judged {ours.answer['judging']:.1f} s", flush=True)
    return f"{size:,}", f"{len(made.policies):,}", *ours.cells, *theirs.cells


def sample(size: int) -> list[int]:
    """The numbers of the flows that both judge."""
    return sorted(random.Random(size).sample(range(size * size), min(SAMPLE, size * size)))


def judged(size: int) -> dict[str, Any]:
    """Judge the whole table, in this process."""
    made = table(size)
    evaluator = Evaluator(made.clusters)
    wanted, found = set(sample(size)), []
    decisions: dict[str, int] = {}
    began = time.process_time()
    for number, flow in enumerate(all_flows(made)):
        verdict = evaluator.evaluate(flow)
        decisions[verdict.decision] = decisions.get(verdict.decision, 0) + 1
        if number in wanted:
            found.append([str(verdict.egress.decision), str(verdict.ingress.decision)])
    return {"decisions": decisions, "sample": found, "judging": time.process_time() - began}


def all_flows(made: Table) -> Iterator[Flow]:
    return (Flow(source, destination, PORT) for source in made.pods for destination in made.pods)


def run(command: Sequence[str], given: str, flows: int) -> Measured:
    """Run a process to its end, and ask the kernel what it took."""
    with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as asked:
        asked.write(given)
        asked.seek(0)
        process = subprocess.Popen(command, stdin=asked, stdout=answer)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} ended with status {process.returncode}")
        answer.seek(0)
        taken = used.ru_utime + used.ru_stime
        return Measured(json.load(answer), flows, taken, used.ru_maxrss / 1024)


def markdown(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The table, with a line above it that says on what it was measured."""
    yield f"Measured on a machine with {os.cpu_count()} cores."
    yield ""
    for cells in (HEADER, ("--:",) * len(HEADER), *rows):
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
