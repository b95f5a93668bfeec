"""From the inputs of a resource to the run of its operation: options, progress lines, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.run import MigrationRun, RefreshRun
from eks_cilium.settings.model.migration import MigrationOptions, RefreshOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.runtime.context import Report, World

CHAINED = "chained"
"""The input `target` of a refresh, where other resources have the target of a migration."""


def migration_run(world: World, inputs: Mapping[str, Any], report: Report) -> MigrationRun:
    """The run of an operation that replaces nodes."""
    options = MigrationOptions.model_validate({**inputs["options"], "target": inputs["target"]})
    return MigrationRun(world, options, report)


def refresh_run(world: World, inputs: Mapping[str, Any], report: Report) -> RefreshRun:
    """The run of an operation that restarts pods."""
    options = RefreshOptions.model_validate(inputs["options"])
    return RefreshRun(world, options, report, vpc_cni_version=inputs.get("vpc_cni_version") or "")


def either_run(world: World, inputs: Mapping[str, Any], report: Report) -> MigrationRun | RefreshRun:
    """The run of an operation that both modes have."""
    return (refresh_run if inputs["target"] == CHAINED else migration_run)(world, inputs, report)
