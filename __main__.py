"""The program that Pulumi runs: reads the configuration and runs the program of its mode in `stacks/`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import config as pulumi_config

from eks_cilium import settings
from eks_cilium.settings.model import (
    ChainingSettings,
    MeshSettings,
    NewChainedClusterSettings,
    NewClusterSettings,
    ReplacementSettings,
    Settings,
)
from stacks import chaining, mesh, new_chained_cluster, new_cluster, replacement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROGRAMS: Mapping[type[Settings], Callable[[Any], dict[str, Any]]] = {
    NewClusterSettings: new_cluster.run,
    ChainingSettings: chaining.run,
    NewChainedClusterSettings: new_chained_cluster.run,
    ReplacementSettings: replacement.run,
    MeshSettings: mesh.run,
}
"""The program for each kind of configuration; it takes a configuration of that kind."""


def main() -> dict[str, Any]:
    """Read the configuration, run its program and return what the stack exports."""
    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    try:
        configuration = settings.read(raw, secret_keys=pulumi_config.get_config_secret_keys_env())
    except settings.ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    return PROGRAMS[type(configuration)](configuration)


async def program() -> dict[str, Any]:
    """Run `main` and let its registrations begin before the SDK waits for them."""
    # The SDK waits for registrations that have begun all at once. For others it waits for every output of
    # every resource, and for all of them again after each one: with hundreds of nodes that alone takes a
    # minute.
    exports = main()
    await asyncio.sleep(0)
    return exports


pulumi.run(program)
