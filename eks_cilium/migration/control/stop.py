"""The stop button: a request in the cluster's record that no further node or workload is begun; and Ctrl-C.

`eks-cilium stop` writes it; every run reads it before it begins a node or a workload, and while it waits to
do so. It stays until it is withdrawn: a pipeline that runs `pulumi up` again by itself must not undo it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from eks_cilium.runtime.errors import StopRequestedError
from eks_cilium.runtime.record import STOP, Record
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.clients.kubernetes import KubernetesApi
    from eks_cilium.runtime.context import World


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Who asked a cluster's runs to begin nothing further."""

    by: str
    at: str
    """ISO time, by the clock of the machine it came from."""
    reason: str = ""

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.by} asked at {self.at} that nothing further is begun{why}"

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        return cls(kept["by"], kept["at"], kept.get("reason", ""))


def request(api: KubernetesApi, asked: StopRequest) -> None:
    """Ask every run on the cluster to begin nothing further; a later request takes an earlier one's place."""
    Record(api).put(STOP, asdict(asked))


def requested(api: KubernetesApi) -> StopRequest | None:
    """The request that is in force; None where there is none."""
    return Record(api).load(STOP, StopRequest.from_json)


def withdraw(api: KubernetesApi) -> StopRequest | None:
    """Withdraw the request; returns it, or None where there was none."""
    asked = requested(api)
    if asked is not None:
        Record(api).drop(STOP)
    return asked


def refuse_where_requested(world: World) -> None:
    """Raise StopRequestedError while a request is in force. Called before anything further is begun."""
    refuse_after_ctrl_c(world)
    if asked := world.record.load(STOP, StopRequest.from_json):
        raise stopped(world, asked)


def refuse_after_ctrl_c(world: World) -> None:
    """Raise StopRequestedError once the user of this very run has pressed Ctrl-C."""
    if world.is_cancelled():
        raise StopRequestedError(
            Topic.STOP_REQUESTED,
            "this run was interrupted, so it begins nothing further",
            "What was begun is finished. Run `pulumi up` again to go on.",
        )


def stopped(world: World, asked: StopRequest) -> StopRequestedError:
    """The error of a run that was asked to stop: who asked, and how to go on."""
    return StopRequestedError(
        Topic.STOP_REQUESTED,
        str(asked),
        "What was begun is finished. To go on, withdraw the request with "
        f"`eks-cilium stop --undo --cluster {world.cluster}`, then run `pulumi up` again.",
    )
