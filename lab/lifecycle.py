"""Start and stop the lab. Used by `python -m lab`, the demos and the tests.

The lab is one process, the cloud; control planes and node players are its children. The cloud runs in its own
session, so that a Ctrl-C in the terminal that started it does not end it.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.cluster import stop_by_directory
from lab.environment import ROOT, Cloud, Places
from lab.errors import LabAlreadyRunningError, LabNotRunningError, StartFailedError
from lab.toolchain import Toolchain

Report = Callable[[str], None]

START_TIMEOUT = 60.0
"""Seconds for the cloud to answer. It takes two on an idle machine."""

STOP_TIMEOUT = 60.0
"""Seconds for the cloud to stop its control planes before all of them are killed."""


@dataclass(frozen=True)
class Delays:
    """Seconds that the cloud and the nodes of a lab take, where they differ from the defaults."""

    cloud: Mapping[str, float] = field(default_factory=dict)
    """By the names of `lab.cloud.timing.Timing`."""
    nodes: Mapping[str, float] = field(default_factory=dict)
    """By the names in `lab/nodeplayer/settings/settings.go`."""


def up(places: Places, report: Report, delays: Delays | None = None, *, helm: bool = True) -> Cloud:
    """Build what is missing, start the cloud and return how to reach it.

    Without `helm` the caller calls `link_helm` before it needs Helm: its build goes on beside a new cluster.

    Raises:
        LabAlreadyRunningError: a lab is running in this folder.
        ToolchainError: a tool could not be built, for example because Go is missing or too old.
        StartFailedError: the cloud did not start; the message names its log.
    """
    if is_running(places):
        message = f"a lab is already running in {places.directory}; stop it with `python -m lab down`"
        raise LabAlreadyRunningError(message)
    shutil.rmtree(places.directory, ignore_errors=True)
    places.directory.mkdir(parents=True)
    if delays is not None:
        (places.directory / "timing.json").write_text(json.dumps(dict(delays.cloud)))
        (places.directory / "nodes.json").write_text(json.dumps(dict(delays.nodes)))
    link_clients(places, Toolchain(places.cache, report))
    if helm:
        link_helm(places, report)
    report("starting the cloud")
    return start_cloud(places)


def link_clients(places: Places, toolchain: Toolchain) -> None:
    """Build what clusters run, and link clients into the folder that `python -m lab env` puts on PATH."""
    toolchain.clusters()
    places.binaries.mkdir(parents=True, exist_ok=True)
    (places.binaries / "kubectl").symlink_to(toolchain.kubectl())
    (places.binaries / "aws").symlink_to(Path(sys.prefix) / "bin" / "aws")


def link_helm(places: Places, report: Report) -> None:
    """Build Helm, and link it into the same folder."""
    (places.binaries / "helm").symlink_to(Toolchain(places.cache, report).helm())


def provide_chart(places: Places, version: str, report: Report) -> None:
    """Provide Cilium's chart of `version` to the lab's stacks and its CRDs to the node players."""
    toolchain = Toolchain(places.cache, report)
    places.charts.mkdir(parents=True, exist_ok=True)
    link = places.charts / f"cilium-{version}.tgz"
    if not link.is_symlink():
        link.symlink_to(toolchain.chart(version))
    toolchain.crds(version)


def start_cloud(places: Places) -> Cloud:
    """Start the cloud in its own session and wait until it has written how to reach it."""
    log = places.directory / "cloud.log"
    command = [sys.executable, "-m", "lab.cloud", "--directory", str(places.directory)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--cache", str(places.cache)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    for _ in _polls(START_TIMEOUT):
        if places.cloud.exists():
            return Cloud.read(places.cloud)
        if process.poll() is not None:
            break
    _end(process.pid)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
    message = f"the cloud did not start: {last[0]} (log: {log})"
    raise StartFailedError(message)


def down(places: Places, report: Report) -> None:
    """Stop the cloud with all its children and remove the lab's folder, where there is one."""
    try:
        cloud = Cloud.read(places.cloud)
    except LabNotRunningError:
        shutil.rmtree(places.directory, ignore_errors=True)
        return
    report("stopping the lab")
    if _is_cloud(cloud.pid, places):
        os.kill(cloud.pid, signal.SIGTERM)
        for _ in _polls(STOP_TIMEOUT):
            if not _is_cloud(cloud.pid, places):
                break
        else:
            _end(cloud.pid)
    stop_by_directory(places.directory)
    shutil.rmtree(places.directory, ignore_errors=True)


def is_running(places: Places) -> bool:
    try:
        return _is_cloud(Cloud.read(places.cloud).pid, places)
    except LabNotRunningError:
        return False


def processes(places: Places) -> list[tuple[int, str]]:
    """Return (pid, program) of the cloud and its children."""
    marker = str(places.directory).encode()
    found = [(pid, command) for pid, command in _commands() if marker in command and pid != os.getpid()]
    return [(pid, _program(command)) for pid, command in found]


@contextmanager
def running(places: Places, report: Report, delays: Delays | None = None) -> Iterator[Cloud]:
    """Run a lab for the length of a `with` block."""
    cloud = up(places, report, delays)
    try:
        yield cloud
    finally:
        down(places, report)


def _program(command: bytes) -> str:
    words = [word for word in command.decode(errors="replace").split("\0") if word]
    if "-m" in words:
        return words[words.index("-m") + 1]
    names = [Path(word).name for word in words[:2] if not word.startswith("-")]
    return " ".join(names)


def _is_cloud(pid: int, places: Places) -> bool:
    command = _command(pid)
    return b"lab.cloud" in command and str(places.directory).encode() in command


def _command(pid: int) -> bytes:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return b"" if state == "Z" else Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _commands() -> Iterator[tuple[int, bytes]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            yield int(entry.name), _command(int(entry.name))


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _polls(seconds: float, interval: float = 0.1) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(interval)
