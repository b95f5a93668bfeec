"""Default providers, registered when a resource first needs a package without naming a provider."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from lab.engine.providers.registry import DYNAMIC, default_name
from lab.engine.state import values
from lab.engine.state.urns import PROVIDER_PREFIX
from lab.engine.steps.goals import Goal

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.engine.project.files import Configuration
    from lab.engine.state.resources import Resource


class Package(NamedTuple):
    """A package as the SDK requests it."""

    name: str
    version: str = ""
    download_url: str = ""


class DefaultProviders:
    """The default providers of one run, by package and version."""

    def __init__(self, configuration: Configuration, register: Callable[[Goal], Resource]) -> None:
        self._configuration = configuration
        self._register = register
        self._lock = threading.Lock()
        self._known: dict[Package, str] = {}

    def reference(self, package: Package) -> str:
        """The reference of a package's default provider; the first request registers it."""
        with self._lock:
            if package not in self._known:
                resource = self._register(self._goal(package))
                self._known[package] = f"{resource.urn}::{resource.id}"
            return self._known[package]

    def _goal(self, package: Package) -> Goal:
        return Goal(
            type=f"{PROVIDER_PREFIX}{package.name}",
            name=default_name(package.name, package.version),
            custom=True,
            inputs=self._inputs(package),
        )

    def _inputs(self, package: Package) -> values.Properties:
        # Dynamic providers may read the whole configuration, others their own namespace.
        configuration = self._configuration
        if package.name == DYNAMIC:
            given = {key: (key, text) for key, text in configuration.values.items()}
        else:
            prefix = f"{package.name}:"
            given = {
                key.removeprefix(prefix): (key, text)
                for key, text in configuration.values.items()
                if key.startswith(prefix)
            }
        inputs: values.Properties = {
            name: values.secret(text) if key in configuration.secret_keys else text
            for name, (key, text) in given.items()
        }
        if package.version:
            inputs["version"] = package.version
        if package.download_url:
            inputs["pluginDownloadURL"] = package.download_url
        return inputs
