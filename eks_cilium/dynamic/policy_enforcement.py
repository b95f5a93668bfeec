"""The resources that have Cilium enforce no policy while pods of both CNIs run, and then again what it did.

Pods on old nodes have no identity of Cilium's: a policy that names peers by label would drop them.
"""

from __future__ import annotations

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, OperationProvider
from eks_cilium.migration import operations


class PolicyPauseProvider(OperationProvider):
    """Pauses; on the way to Cilium before the first agent runs."""

    operation = staticmethod(operations.pause_policies)


class PolicyResumeProvider(OperationProvider):
    """Resumes exactly what the configuration said, with agents that have read it."""

    operation = staticmethod(operations.resume_policies)


class PolicyPause(Operation[OperationArgs], module="eks-cilium", name="PolicyPause"):
    """Exists once Cilium enforces no policy."""

    made_by = PolicyPauseProvider


class PolicyResume(Operation[OperationArgs], module="eks-cilium", name="PolicyResume"):
    """Exists once Cilium enforces policies as configured."""

    made_by = PolicyResumeProvider
