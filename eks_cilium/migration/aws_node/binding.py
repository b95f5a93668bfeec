"""Binds aws-node to the nodes it has to serve, in either direction of a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.migration.aws_node import affinity, removal
from eks_cilium.settings.model.migration import Target

if TYPE_CHECKING:
    from eks_cilium.migration.run import MigrationRun


def bind(run: MigrationRun) -> dict[str, Any]:
    """Bind aws-node by its node affinity; a rollback reinstalls it first where it was removed.

    Returns {"managed": bool, "version": str, "terms": nodeSelectorTerms}.
    """
    if run.options.target is Target.AWS_VPC_CNI:
        removal.bring_back(run)
    return affinity.restrict(run)
