"""The program Pulumi runs: configuration in, the stack's program, exports out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as pulumi_config

import settings
from stacks import chaining, mesh, new_cluster, replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAMS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "new-cluster": new_cluster.run,
    "chaining": chaining.run,
    "replacement": replacement.run,
    "mesh": mesh.run,
}
"""The program of each mode, which takes that mode's settings."""


def main() -> None:
    """Read the configuration, run the program of its mode and export what it returns."""
    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    try:
        configuration = settings.read(raw, secret_keys=pulumi_config.get_config_secret_keys_env())
    except settings.ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    for name, value in PROGRAMS[configuration.mode](configuration).items():
        pulumi.export(name, value)


main()
