"""The program that Pulumi runs: reads the configuration and runs the program of its mode in `stacks/`."""

from __future__ import annotations

import asyncio
from importlib import import_module
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
from eks_cilium.troubleshooting import Topic, linked

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS: Mapping[type[Settings], str] = {
    NewClusterSettings: "stacks.new_cluster",
    ChainingSettings: "stacks.chaining",
    NewChainedClusterSettings: "stacks.new_chained_cluster",
    ReplacementSettings: "stacks.replacement",
    MeshSettings: "stacks.mesh",
}
"""The module with the program `run` for each kind of configuration, imported when it is needed.

The providers' SDKs take a second to import: a mistake in the configuration is reported without them.
"""


def main() -> dict[str, Any]:
    """Read the configuration, check the account, run the program and return what the stack exports."""
    raw = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    try:
        configuration = settings.read(raw, secret_keys=pulumi_config.get_config_secret_keys_env())
    except settings.ConfigurationError as error:
        raise pulumi.RunError(linked(str(error), error.topic)) from None
    try:
        if configuration.guards_accounts:
            import_module("stacks.accounts").refuse_foreign_accounts(configuration)
        exports: dict[str, Any] = import_module(PROGRAMS[type(configuration)]).run(configuration)
    except pulumi.RunError as error:
        raise pulumi.RunError(linked(str(error), Topic.REFUSED_IN_PREVIEW)) from None
    return exports


async def program() -> dict[str, Any]:
    """Run `main` and let its registrations begin before the SDK waits for them."""
    # The SDK waits for registrations that have begun all at once. For others it waits for every output of
    # every resource, and for all of them again after each one: with hundreds of nodes that alone takes a
    # minute.
    exports = main()
    await asyncio.sleep(0)
    return exports


pulumi.run(program)
