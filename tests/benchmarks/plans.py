"""Measures plans of whole clusters, read from pages that a small HTTP server has at hand.

`make bench-plan` starts it. Each plan is made by a process of its own, from the first request to the finished
report; its time, CPU and memory are those of the whole process.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.migration import report
from eks_cilium.migration.facts.reading import read
from eks_cilium.migration.plan.planner import plan
from eks_cilium.migration.report.wording import bounds
from eks_cilium.settings.model.migration import MigrationOptions
from tests.benchmarks.big_account import BigAccount
from tests.benchmarks.big_cluster import NAME, BigCluster
from tests.benchmarks.pages import replaced

SIZES = (500, 1_000, 2_000, 5_000)
BEGIN, END = "<!-- plans: begin -->", "<!-- plans: end -->"
HEADER = ("nodes", "pods", "pages", "time", "CPU", "of it the plan", "memory", "requests", "AWS calls")
OPTIONS = MigrationOptions(surge="10%", parallel="10%")


@dataclass(frozen=True)
class Measured:
    """One plan: what its process took, and what it said."""

    cluster: BigCluster
    page_bytes: int
    seconds: float
    cpu: float
    megabytes: float
    said: dict[str, Any]

    @property
    def cells(self) -> tuple[str, ...]:
        pages = f"{self.page_bytes / 1e6:,.0f} MB"
        time = f"{self.seconds:.1f} s", f"{self.cpu:.1f} s", f"{self.said['planning']:.1f} s"
        counted = str(self.said["requests"]), str(self.said["calls"])
        return (
            f"{self.cluster.nodes:,}",
            f"{self.cluster.pods:,}",
            pages,
            *time,
            f"{self.megabytes:.0f} MB",
            *counted,
        )


def main(arguments: Sequence[str]) -> int:
    """Measure, print the table and perhaps write it."""
    parser = argparse.ArgumentParser(prog="make bench-plan", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--write", type=Path, help="the page that gets the table between its two markers")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(planned(BigCluster(options.measure), options.port)))
        return 0
    found = [measured(size) for size in options.sizes]
    text = "\n".join(markdown(found))
    print(text)
    if options.write:
        replaced(options.write, BEGIN, END, text)
    return 0


def measured(nodes: int) -> Measured:
    """Write the pages of a cluster, serve them, and have a process make the plan."""
    cluster = BigCluster(nodes)
    with tempfile.TemporaryDirectory() as folder:
        size = cluster.write(Path(folder))
        with serving(Path(folder)) as port:
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.plans",
                "--measure",
                str(nodes),
                "--port",
                str(port),
            ]
            began = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"the plan of {nodes} nodes ended with status {process.returncode}")
    cpu = used.ru_utime + used.ru_stime
    return Measured(cluster, size, took, cpu, used.ru_maxrss / 1024, json.loads(said))


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """The port of a process that serves the pages in a folder."""
    command = [sys.executable, "-m", "tests.benchmarks.page_server", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def planned(cluster: BigCluster, port: int) -> dict[str, Any]:
    """Read the cluster and plan, in this process; what a person would want to know of it."""
    gc.disable()
    account = BigAccount(cluster)
    requests: list[str] = []
    transport = _Counting(requests)
    with KubernetesApi(f"http://127.0.0.1:{port}", None, transport=transport) as api:
        facts = read(NAME, api, account)
    began = time.process_time()
    made = plan(facts, OPTIONS)
    document = report.document(made)
    table = report.table(made)
    return {
        "planning": time.process_time() - began,
        "nodes": len(made.nodes),
        "pods": sum(len(node["pods"]) for node in document["nodes"]),
        "lines": table.count("\n"),
        "blockers": [str(blocker) for blocker in made.blockers[:3]],
        "bounds": bounds(made),
        "requests": len(requests),
        "calls": len(account.calls),
    }


class _Counting(httpx.HTTPTransport):
    def __init__(self, requests: list[str]) -> None:
        super().__init__()
        self._requests = requests

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._requests.append(request.url.path)
        return super().handle_request(request)


def markdown(found: Iterable[Measured]) -> Iterator[str]:
    """The table, with a line above it that says on what it was measured, and what bounds the largest."""
    yield f"Measured on a machine with {os.cpu_count()} cores."
    yield ""
    rows = list(found)
    for cells in (HEADER, ("--:",) * len(HEADER), *(each.cells for each in rows)):
        yield f"| {' | '.join(cells)} |"
    yield ""
    largest = rows[-1]
    yield f"The plan of {largest.cluster.nodes:,} nodes says of its estimate: {largest.said['bounds']}."


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
