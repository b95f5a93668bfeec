"""The Go command: builds programs of the lab and downloads Go modules, with progress and short errors.

A first build takes minutes, so a line is reported from time to time while it runs; a failed one raises an
error with the compiler's last lines.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from .errors import BuildError, DownloadError, MissingToolError

_OLDEST = (1, 26)
_TAIL_LINES = 15
_LONGEST_LIST = 2**20
"""Bytes of a child's list that are counted."""
_BUILD_FLAGS = ("-mod=readonly", "-buildvcs=false")
# cgo off: no C compiler is needed, and the binary does not depend on the machine's C library.
_BUILD_ENVIRONMENT = {"CGO_ENABLED": "0"}
# The compiler spends a seventh less time when it collects its own garbage less often (measured on client-go).
_DEFAULTS = {"GOGC": "400"}


@dataclass(frozen=True)
class Program:
    """A Go program of the lab and how it is built."""

    title: str
    module: Path
    package: str = "."
    """Of the module, as in `./nodeplayer`, or of another module that it requires."""
    # Package variables set by the linker, such as the version that a program reports.
    variables: Mapping[str, str] = field(default_factory=dict)
    expected: str = "about a minute"
    requirements: str = ""
    """A file of the module that stands in place of its go.mod, to build it with another dependency."""
    tags: tuple[str, ...] = ()
    """Build tags, which select the files of that dependency."""

    def flags(self) -> list[str]:
        """What `go build` is given besides the output and the package."""
        replaced = [f"-modfile={self.requirements}"] if self.requirements else []
        tags = [f"-tags={','.join(self.tags)}"] if self.tags else []
        return [*_BUILD_FLAGS, *replaced, *tags, "-ldflags", self.linker_flags()]

    def linker_flags(self) -> str:
        # Symbol tables are dropped: they are a third of the size.
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables.items())])


@dataclass(frozen=True)
class Go:
    """The `go` command found on a search path; a progress line is reported every `every` seconds."""

    report: Callable[[str], None]
    path: str | None = None
    every: float = 20.0
    own_session: bool = True
    """Whether children get a session, to be ended with all of theirs; else they are in our group."""

    def version(self, directory: Path) -> str:
        """The Go version of a module, after Go has selected the toolchain that the module requires."""
        asked = subprocess.run(
            [self._executable(), "env", "GOVERSION"],
            cwd=directory, capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = asked.stdout.strip()
        if asked.returncode != 0 or _number(found) < _OLDEST:
            raise MissingToolError(_advice(found or _last_line(asked.stderr)))
        return found

    def key(self, program: Program) -> str:
        """A short hash of everything that determines the program: sources, Go's version, flags, platform."""
        digest = hashlib.sha256()
        for part in (self.version(program.module), os.uname().sysname, os.uname().machine, program.package,
                     *program.flags()):  # fmt: skip
            digest.update(f"{part}\0".encode())
        for path in sources(program):
            digest.update(f"{path.relative_to(program.module)}\0".encode() + path.read_bytes() + b"\0")
        return digest.hexdigest()[:12]

    def compile(self, programs: Sequence[Program], title: str) -> None:
        """Compile what programs of one module consist of into Go's build cache; nothing is linked.

        `go build` of several programs would link them too; of one, it would leave a core idle for some time.
        """
        packages = [program.package for program in programs]
        command = [self._executable(), "list", *_BUILD_FLAGS, "-export", "-v", *packages]
        code, _, errors = self._run(title, command, programs[0].module, unit="packages")
        if code != 0:
            raise BuildError(f"{title} failed:\n{_tail(errors)}")

    def build(self, program: Program, output: Path) -> None:
        command = [self._executable(), "build", *program.flags(), "-o", str(output), program.package]
        title = f"building {program.title} ({program.expected} the first time)"
        code, _, errors = self._run(title, command, program.module)
        if code != 0:
            raise BuildError(f"building {program.title} failed:\n{_tail(errors)}")

    def download(self, module: str, version: str, title: str) -> tuple[Path, str]:
        """Download a module into Go's module cache; returns its directory and checksum."""
        with tempfile.TemporaryDirectory() as empty:  # outside every module, so that none of them is changed
            command = [self._executable(), "mod", "download", "-json", f"{module}@{version}"]
            code, output, errors = self._run(f"downloading {title}", command, Path(empty))
        answer = _json(output)
        if code != 0 or "Dir" not in answer:
            raise DownloadError(f"downloading {title} failed: {answer.get('Error') or _tail(errors)}")
        return Path(answer["Dir"]), answer["Sum"]

    def _executable(self) -> str:
        found = shutil.which("go", path=self.path)
        if found is None:
            raise MissingToolError(_advice(""))
        return found

    def _run(self, title: str, command: list[str], directory: Path, unit: str = "") -> tuple[int, str, str]:
        # Reports a line at the start and from time to time, with the number of lines that the child wrote to
        # stderr where they have a `unit`; an interrupt also ends the child.
        self.report(title)
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                command, cwd=directory, stdout=output, stderr=errors, stdin=subprocess.DEVNULL,
                env=_DEFAULTS | os.environ | _BUILD_ENVIRONMENT, start_new_session=self.own_session,
            )  # fmt: skip
            try:
                code = self._wait(title, process, lambda: _count(errors, unit))
            except BaseException:
                if self.own_session:
                    os.killpg(process.pid, signal.SIGKILL)
                process.kill()
                process.wait()
                raise
            output.seek(0)
            errors.seek(0)
            return code, output.read(), errors.read()

    def _wait(self, title: str, process: subprocess.Popen[bytes], count: Callable[[], str]) -> int:
        elapsed = 0.0
        while True:
            try:
                return process.wait(self.every)
            except subprocess.TimeoutExpired:
                elapsed += self.every
                self.report(f"{title} ... {elapsed:.0f}s{count()}")


def sources(program: Program) -> list[Path]:
    """The files of its module that the program is built from, sorted, without tests and prose."""
    folder = program.module / program.package
    files = (path for path in folder.rglob("*") if path.is_file() and "testdata" not in path.parts)
    own = {path for path in files if not path.name.endswith(("_test.go", ".md"))}
    return sorted(own | {program.module / "go.mod", program.module / "go.sum"})


def _count(written: TextIO, unit: str) -> str:
    if not unit:
        return ""
    lines = os.pread(written.fileno(), _LONGEST_LIST, 0).count(b"\n")
    return f", {lines} {unit}"


def _advice(found: str) -> str:
    wanted = f"Go {'.'.join(map(str, _OLDEST))} or newer"
    state = f"this machine has: {found}" if found else "no `go` is on PATH"
    return f"{wanted} is required to build the lab, but {state}. Install it from https://go.dev/dl/"


def _number(version: str) -> tuple[int, int]:
    match = re.match(r"go(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _json(text: str) -> dict[str, str]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
