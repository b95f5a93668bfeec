"""Pauses the enforcement of policies while pods of both CNIs run, and resumes it afterwards.

Pods on old nodes have no identity in Cilium: a policy that names peers by label would drop their traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NotRequired

from pulumi.dynamic import UpdateResult

from eks_cilium.dynamic.shell.operation import Operation, OperationArgs, SharedProvider
from eks_cilium.migration.agents import enforcement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.dynamic.shell.operation import Result
    from eks_cilium.migration.run import Run


class PolicyPauseProvider(SharedProvider):
    """Sets the enforcement mode to `never`; in a migration to Cilium before the first agent runs."""

    def perform(self, run: Run, _props: Mapping[str, Any]) -> Result:
        """Pause enforcement, and wait until all agents have restarted with that mode.

        Returns {"before": the mode before, or None, "agents": number}.
        """
        return enforcement.pause(run)


class PolicyResumeArgs(OperationArgs):
    """The inputs of a `PolicyResume` resource."""

    mode: NotRequired[str | None]
    """`default`, `always` or `never`; the recorded mode where it is None."""


class PolicyResumeProvider(SharedProvider):
    """Sets the enforcement mode of the configuration, or the one that was recorded."""

    acts_on: ClassVar[tuple[str, ...]] = ("mode",)

    def perform(self, run: Run, _props: Mapping[str, Any]) -> Result:
        """Set the mode, and wait until all agents have restarted with it.

        Returns {"restored": bool, "agents": number}.
        """
        return enforcement.resume(run, _props.get("mode"))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Set another mode; one that the configuration has no more becomes Cilium's default."""
        if _news.get("mode") or not _olds.get("mode"):
            return super().update(_id, _olds, _news)
        done = super().update(_id, _olds, {**_news, "mode": enforcement.DEFAULT})
        return UpdateResult(outs={**(done.outs or {}), "mode": None})


class PolicyPause(Operation[OperationArgs], module="eks-cilium", name="PolicyPause"):
    """Exists once Cilium enforces no policy.

    Inputs: `OperationArgs`. Deleting it changes nothing: `PolicyResume` restores the mode.
    """

    provider = PolicyPauseProvider


class PolicyResume(Operation[PolicyResumeArgs], module="eks-cilium", name="PolicyResume"):
    """Exists once Cilium enforces policies as configured, or as it did before.

    Inputs: `PolicyResumeArgs`. Deleting it changes nothing.
    """

    provider = PolicyResumeProvider
