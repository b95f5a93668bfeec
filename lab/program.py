"""Run the Pulumi program in the lab: with the official CLI where it is on PATH, else the built-in engine.

`python -m lab pulumi -- ARGS`, the demos and the tests call it. Both engines run the same `__main__.py` with
the same providers, emulated or official ones; nothing in the program depends on the lab.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import lifecycle
from lab.environment import ROOT, STACK, Places, client_environment
from lab.errors import StartFailedError
from lab.plugins import PACKAGES, official_plugins

Engine = str
BUILT_IN: Engine = "built-in"
OFFICIAL: Engine = "pulumi"


def available_engine() -> Engine:
    """Return the engine that `python -m lab pulumi` uses: `pulumi` when it is on PATH."""
    return OFFICIAL if shutil.which("pulumi") else BUILT_IN


def configured_cilium_version(places: Places, stack: str = STACK) -> str | None:
    """Return the Cilium version in the stack's file, or None where it sets none."""
    file = places.stack_file(stack)
    if not file.exists():
        return None
    config = (yaml.safe_load(file.read_text()) or {}).get("config", {})
    cilium = config.get("eks-cilium:cilium")
    return str(cilium["version"]) if isinstance(cilium, dict) and "version" in cilium else None


def provide_chart(places: Places, report: lifecycle.Report, stack: str = STACK) -> None:
    """Provide the chart of the Cilium version in the stack's file, where it sets one."""
    version = configured_cilium_version(places, stack)
    if version:
        lifecycle.provide_chart(places, version, report)


def chosen_stack(arguments: Sequence[str]) -> str:
    """Return the stack that pulumi's `arguments` or $PULUMI_STACK name, else the lab's default."""
    words = list(arguments)
    for position, word in enumerate(words):
        if word in {"-s", "--stack"} and position + 1 < len(words):
            return words[position + 1]
        if word.startswith("--stack="):
            return word.partition("=")[2]
    return os.environ.get("PULUMI_STACK") or STACK


def run(places: Places, arguments: Sequence[str], engine: Engine | None = None) -> int:
    """Run pulumi's `arguments` in the lab and return its exit code.

    Raises:
        LabNotRunningError: the lab is not running.
        MissingPluginError: an official provider is wanted that is not installed.
        StartFailedError: an emulated provider did not start.
    """
    with prepared(places, chosen_stack(arguments), engine or available_engine()) as pulumi:
        return _interactively(pulumi.command(*arguments), pulumi.environment, places.project)


_READS_CONFIGURATION = {"preview", "up", "refresh", "destroy", "config"}
"""The commands of pulumi that accept `--config-file`."""


@dataclass(frozen=True)
class Pulumi:
    """An engine ready to run commands on one stack of the lab."""

    engine: tuple[str, ...]
    environment: dict[str, str]
    stack_file: Path

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of pulumi's `arguments`, with the lab's stack file where it is read."""
        if not self.stack_file.exists():
            return [*self.engine, *arguments]
        for position, word in enumerate(arguments):
            if word in _READS_CONFIGURATION:
                before, after = arguments[: position + 1], arguments[position + 1 :]
                return [*self.engine, *before, f"--config-file={self.stack_file}", *after]
        return [*self.engine, *arguments]


@contextmanager
def prepared(places: Places, stack: str, engine: Engine) -> Iterator[Pulumi]:
    """Prepare an engine for commands on a stack, and create the stack where it does not exist."""
    # Engine and providers start in the project, like the official ones, and import the lab from there.
    environment = {**client_environment(places), "PULUMI_STACK": stack, "PYTHONPATH": str(ROOT)}
    plugins = official_plugins(places.providers, environment["PATH"])
    if engine == BUILT_IN:
        places.state.mkdir(parents=True, exist_ok=True)
        command = built_in_command(places, plugins)
        _create_stack(command, environment, places.project, stack)
        yield Pulumi(tuple(command), environment, places.stack_file(stack))
        return
    with ExitStack() as attached:
        # The CLI finds the official plugins on PATH itself.
        ports = {
            name: attached.enter_context(provider(name, environment, places.project))
            for name in PACKAGES
            if name not in plugins
        }
        environment |= official_variables(places, ports)
        _create_stack(["pulumi"], environment, places.project, stack)
        yield Pulumi(("pulumi",), environment, places.stack_file(stack))


def built_in_command(places: Places, plugins: Mapping[str, str]) -> list[str]:
    """Return the command line of the built-in engine, to which pulumi's arguments are appended.

    Args:
        places: The lab.
        plugins: The executables of the providers that are not emulated.
    """
    emulated = {name: f"{sys.executable} -m lab.providers.{name}" for name in PACKAGES}
    served = ",".join(f"{name}={command}" for name, command in {**emulated, **plugins}.items())
    engine = [sys.executable, "-m", "lab.engine", "--program", str(places.project)]
    return [*engine, "--state", str(places.state), "--providers", served, "--"]


def official_variables(places: Places, ports: dict[str, int]) -> dict[str, str]:
    """Return the variables with which the official CLI keeps its state in the lab and uses its providers."""
    backend = places.pulumi_home / "backend"
    backend.mkdir(parents=True, exist_ok=True)
    return {
        "PULUMI_HOME": str(places.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in ports.items()),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


@contextmanager
def provider(name: str, environment: dict[str, str], directory: Path) -> Iterator[int]:
    """Run the emulated provider `name` and yield the port it serves on."""
    command = [sys.executable, "-m", f"lab.providers.{name}"]
    # In its own process group: a Ctrl-C in the terminal is meant for the engine only, which then finishes
    # the running step with this provider.
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            if not port.isdigit():
                message = f"the emulated provider {name} did not start; run `{' '.join(command)}` to see why"
                raise StartFailedError(message)
            yield int(port)
        finally:
            process.terminate()


def _create_stack(command: list[str], environment: dict[str, str], project: Path, stack: str) -> None:

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "stack", *words],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    if f'"{stack}"' in ask("ls", "--json").stdout:
        return
    # `stack init` has no --config-file: it writes the salt of a new stack into the project's stack file.
    salt = project / "stacks" / f"Pulumi.{stack}.yaml"
    existed = salt.exists()
    created = ask("init", stack)
    if not existed:
        salt.unlink(missing_ok=True)
    if created.returncode:
        message = f"stack {stack} could not be created: {created.stderr.strip() or created.stdout.strip()}"
        raise StartFailedError(message)


def _interactively(command: list[str], environment: dict[str, str], directory: Path) -> int:
    """Run a child that handles Ctrl-C itself; this process gets the signal too and has to ignore it."""
    # With a handler instead of SIG_IGN, which the child would inherit.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.run(command, cwd=directory, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, previous)
