"""Finds the provider of a resource: processes by package, configured providers by reference.

A provider is itself a resource whose inputs are its configuration. Checking them starts a process; once the
step is decided, the same process is configured and filed under the reference of the resource.
"""

from __future__ import annotations

import shlex
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.engine.errors import ProviderError
from lab.engine.providers.builtin import PACKAGE, Builtin, StackOutputs
from lab.engine.providers.plugin import Host, Plugin
from lab.engine.state.urns import ProviderReference, package_of, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.engine.processes.children import Child, Children
    from lab.engine.providers.provider import Checked, Provider
    from lab.engine.state import values
    from lab.engine.state.resources import Resource

DYNAMIC = "pulumi-python"


@dataclass(frozen=True)
class Sources:
    """Where providers come from: a command to start, or the port of a running one."""

    commands: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, environment: Mapping[str, str]) -> Sources:
        """Read `aws=CMD,eks=CMD`; entries of `PULUMI_DEBUG_PROVIDERS` (`aws:PORT,...`) take precedence."""
        commands = {}
        for entry in filter(None, text.split(",")):
            package, separator, command = entry.partition("=")
            if not separator or not command.strip():
                msg = f"--providers: expected PACKAGE=COMMAND or PACKAGE=PORT, not '{entry}'"
                raise ProviderError(msg)
            commands[package.strip()] = command.strip()
        for entry in filter(None, environment.get("PULUMI_DEBUG_PROVIDERS", "").split(",")):
            package, _, port = entry.partition(":")
            commands[package] = port
        return cls(commands)

    def command(self, package: str) -> list[str] | int:
        """The command that starts a package's provider, or the port on which it listens."""
        if package == DYNAMIC:
            return [sys.executable, "-u", "-m", "pulumi.dynamic"]
        command = self.commands.get(package)
        if command is None:
            msg = f"no resource plugin '{package}' found: name one with --providers {package}=COMMAND"
            raise ProviderError(msg)
        return int(command) if command.isdigit() else shlex.split(command)


class Launcher:
    """Starts provider processes, or attaches to running ones."""

    def __init__(
        self,
        *,
        sources: Sources,
        children: Children,
        host: Host,
        project: str,
        stack_outputs: StackOutputs,
        environment: Mapping[str, str],
        report: Callable[[str, str], None],
    ) -> None:
        self._sources = sources
        self._children = children
        self._host = host
        self._project = project
        self._stack_outputs = stack_outputs
        self._environment = environment
        self._report = report

    def launch(self, package: str) -> Provider:
        """A provider that is not configured yet."""
        if package == PACKAGE:
            return Builtin(self._stack_outputs)
        command = self._sources.command(package)
        if isinstance(command, int):
            provider = Plugin(package, f"127.0.0.1:{command}", self._host, None)
            provider.handshake(attached=True)
            return provider
        child = self._start(package, [*command, self._host.engine_address])
        provider = Plugin(package, f"127.0.0.1:{_port(package, child)}", self._host, child)
        provider.handshake(attached=False)
        return provider

    def _start(self, package: str, command: list[str]) -> Child:
        try:
            return self._children.start(
                command,
                directory=Path(self._host.program_directory),
                environment={**self._environment, "PULUMI_PROJECT": self._project},
                report=self._report,
            )
        except OSError as error:
            msg = f"provider '{package}' cannot be started with '{command[0]}': {error.strerror}"
            raise ProviderError(msg) from error


def _port(package: str, child: Child) -> int:
    line = child.first_line()
    if not line.isdigit():
        child.end()
        problem = f"printed '{line}' instead of a port" if line else "ended without printing a port"
        msg = f"provider '{package}' {problem}"
        raise ProviderError(msg)
    child.relay()
    return int(line)


class Providers:
    """The providers of one run."""

    def __init__(self, launcher: Launcher, olds: Mapping[str, Resource]) -> None:
        self._launcher = launcher
        self._olds = olds
        self._lock = threading.RLock()
        self._checked: dict[str, Provider] = {}
        self._ready: dict[ProviderReference, Provider] = {}
        self._aliases: dict[str, str] = {}

    def check(
        self, urn: str, type_: str, olds: values.Properties, news: values.Properties, *, preview: bool
    ) -> Checked:
        """Check a provider's configuration; the first check starts its process."""
        with self._lock:
            provider = self._checked.get(urn) or self._launcher.launch(package_of(type_))
            self._checked[urn] = provider
        return provider.check_config(urn, olds, news, preview=preview)

    def checked(self, urn: str) -> Provider:
        return self._checked[urn]

    def configure(self, resource: Resource) -> None:
        """Configure a checked provider and file it under the reference of its resource."""
        reference = ProviderReference(resource.urn, resource.id)
        with self._lock:
            provider = self._checked.pop(resource.urn, None)
            if provider is None:
                if reference in self._ready:
                    return
                provider = self._launcher.launch(package_of(resource.type))
            previous = self._ready.pop(reference, None)
            self._ready[reference] = provider
        provider.configure(resource.urn, resource.id, resource.inputs)
        if previous is not None:
            previous.end()

    def rename(self, old_urn: str, urn: str) -> None:
        self._aliases[old_urn] = urn

    def get(self, text: str) -> Provider:
        # A provider that only the previous run registered is configured from the state.
        reference = parse_reference(text)
        renamed = reference._replace(urn=self._aliases.get(reference.urn, reference.urn))
        with self._lock:
            provider = self._ready.get(reference) or self._ready.get(renamed)
            if provider is not None:
                return provider
            resource = self._olds.get(reference.urn)
            if resource is None or resource.id != reference.id:
                msg = f"unknown provider '{text}'"
                raise ProviderError(msg)
            self.configure(resource)
            return self._ready[reference]

    def cancel(self) -> None:
        """Say to dynamic providers that nothing further is wanted, as Pulumi's engine does to all providers.

        Others let their calls finish anyway, and would not serve the steps that follow one of them.
        """
        with self._lock:
            running = [*self._ready.values()]
        for provider in running:
            if isinstance(provider, Plugin) and provider.package == DYNAMIC:
                provider.cancel()

    def close(self) -> None:
        with self._lock:
            providers = {*self._ready.values(), *self._checked.values()}
        threads = [threading.Thread(target=provider.end) for provider in providers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def default_name(package: str, version: str) -> str:
    if package == DYNAMIC or not version:
        return "default"
    return f"default_{version.replace('.', '_').replace('-', '_').replace('+', '_')}"
