"""The resources that have Cilium enforce no policy while pods of both CNIs run, and then again what it did.

Pods on old nodes have no identity of Cilium's: a policy that names peers by label would drop them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, SharedProvider
from eks_cilium.migration.agents import enforcement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import Run


class PolicyPauseProvider(SharedProvider):
    """Pauses; on the way to Cilium before the first agent runs."""

    def perform(self, run: Run, _props: Mapping[str, Any]) -> Result:
        """Pause."""
        return enforcement.pause(run)


class PolicyResumeProvider(SharedProvider):
    """Resumes exactly what the configuration said, with agents that have read it."""

    def perform(self, run: Run, _props: Mapping[str, Any]) -> Result:
        """Resume."""
        return enforcement.resume(run)


class PolicyPause(Operation[OperationArgs], module="eks-cilium", name="PolicyPause"):
    """Exists once Cilium enforces no policy."""

    made_by = PolicyPauseProvider


class PolicyResume(Operation[OperationArgs], module="eks-cilium", name="PolicyResume"):
    """Exists once Cilium enforces policies as configured."""

    made_by = PolicyResumeProvider
