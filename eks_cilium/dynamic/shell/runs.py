"""From the inputs of a resource to the run of its operation. Inputs that are not options raise at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from eks_cilium.migration.options import CiliumChoices, Limits
from eks_cilium.migration.run import MigrationRun, RefreshRun, Run
from eks_cilium.runtime.context import World
from eks_cilium.settings.model.migration import MigrationOptions, RefreshOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.runtime.context import Report

CHAINED = "chained"
"""The input `target` of a refresh, where resources of a migration have the CNI it leads to."""

_REFRESH_POLLS = 2.0
"""Seconds between readings: restarts of single pods take seconds, replacements of nodes minutes."""

StartMigration: TypeAlias = Callable[[World], MigrationRun]
StartRefresh: TypeAlias = Callable[[World], RefreshRun]


def migration_run(inputs: Mapping[str, Any], report: Report) -> StartMigration:
    """For an operation that replaces nodes: from the cluster to its run."""
    options = MigrationOptions.model_validate({**inputs.get("options", {}), "target": inputs["target"]})
    given = inputs.get("cilium")
    cilium = None if given is None else CiliumChoices.of(given)
    return partial(MigrationRun, cilium=cilium, options=options, report=report, limits=Limits.of(options))


def refresh_run(inputs: Mapping[str, Any], report: Report) -> StartRefresh:
    """For an operation that restarts pods: from the cluster to its run."""
    options = RefreshOptions.model_validate(inputs.get("options", {}))
    version = inputs.get("vpc_cni_version") or ""
    limits = Limits.of(options, poll_interval=_REFRESH_POLLS)
    return partial(RefreshRun, options=options, report=report, limits=limits, vpc_cni_version=version)


def either_run(inputs: Mapping[str, Any], report: Report) -> Callable[[World], Run]:
    """For an operation that migrations and refreshes have in common."""
    return (refresh_run if inputs["target"] == CHAINED else migration_run)(inputs, report)
