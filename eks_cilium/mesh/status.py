"""Waits until every agent of a cluster is connected to every other cluster.

`eks_cilium.dynamic.mesh_gates` calls it. No object of the Kubernetes API has this status, so it is read from
`cilium status` in each agent's pod, in every version. `clustermesh status` of cilium-cli reads the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from eks_cilium.cilium.mesh import NAMESPACE
from eks_cilium.errors import RefusedError, TransientError, UnexpectedAnswerError
from eks_cilium.texts import named
from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.clients.pods import CommandResult
    from eks_cilium.cluster.objects import Object
    from eks_cilium.runtime.context import Report, World

_EVERY = 10.0
_MOST_NAMED = 5
_LONGEST = 200
_NOT_FOUND = 404


class Exec(Protocol):
    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> CommandResult:
        """Run a command until it ends."""


@dataclass(frozen=True)
class Remote:
    """The status of another cluster in an agent."""

    name: str
    ready: bool
    connected: bool
    status: str = ""

    @property
    def trouble(self) -> str:
        """Why the other cluster is not ready, for a message."""
        what = "connected, not ready" if self.connected else "not connected"
        detail = " ".join(self.status.split())[:_LONGEST]
        return f"{what}: {detail}" if detail else what


def await_remotes(
    world: World, pods: Exec, *, command: str, remotes: Sequence[str], seconds: float, report: Report
) -> dict[str, int]:
    """Wait until every agent is ready with every other cluster, in two readings in a row.

    Returns {"agents": their number}. Raises TimedOutError after `seconds`, with the nodes and clusters that
    were not ready.
    """
    seen = {"agents": 0}

    def missing() -> str:
        agents = _agents(world)
        seen["agents"] = len(agents)
        if not agents:
            return f"no agent of Cilium runs in {world.cluster}"
        troubles = [line for agent in agents for line in _troubles(agent, pods, command, remotes)]
        return named(troubles, _MOST_NAMED, separator="; ")

    world.wait(
        missing,
        waited_for=f"every agent of {world.cluster} to see {', '.join(remotes)}",
        seconds=seconds,
        every=_EVERY,
        report=report,
        readings=2,
        topic=Topic.MESH_AGENTS,
    )
    report(f"all {seen['agents']} agents of {world.cluster} see {', '.join(remotes)}")
    return seen


def remotes_of(text: str) -> dict[str, Remote]:
    """The other clusters in the output of `cilium status -o json`, by name.

    Raises UnexpectedAnswerError when the text is something else.
    """
    try:
        mesh: dict[str, Any] = json.loads(text).get("cluster-mesh") or {}
        return {
            remote["name"]: Remote(
                name=remote["name"],
                ready=bool(remote.get("ready")),
                connected=bool(remote.get("connected")),
                status=str(remote.get("status") or ""),
            )
            for remote in mesh.get("clusters") or ()
        }
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UnexpectedAnswerError("`cilium status -o json` answered with something else") from error


def _agents(world: World) -> list[Object]:
    pods = world.api.list(f"/api/v1/namespaces/{NAMESPACE}/pods", labelSelector="k8s-app=cilium")
    alive = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return sorted(alive, key=lambda pod: str(pod["spec"].get("nodeName")))


def _troubles(agent: Object, pods: Exec, command: str, remotes: Sequence[str]) -> Iterator[str]:
    """Why an agent is not ready with every other cluster, one phrase each."""
    node, name = agent["spec"].get("nodeName") or "no node", agent["metadata"]["name"]
    try:
        ran = pods.run(NAMESPACE, name, "cilium-agent", [command, "status", "-o", "json"])
    except (TransientError, RefusedError) as error:
        if isinstance(error, RefusedError) and error.status != _NOT_FOUND:
            raise
        yield f"node {node} does not answer: {error}"
        return
    if ran.code:
        yield f"node {node}: `{command} status` ended with {ran.code}: {ran.stderr.strip()[:_LONGEST]}"
        return
    known = remotes_of(ran.stdout)
    for remote in remotes:
        if remote not in known:
            yield f"node {node} does not know {remote} yet"
        elif not known[remote].ready:
            yield f"node {node} and {remote}: {known[remote].trouble}"
