"""Whether Cilium runs on every node, and what is missing if it does not. It only reads the cluster.

The gate between the nodes and everything that needs a network: a new cluster passes it before CoreDNS is
installed, chaining before pods are restarted. `survey` reads once, `wait_until_ready` until all is ready.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cilium.values import AGENT_NOT_READY_TAINT
from eks_cilium.errors import NotReadyError
from eks_cilium.runtime.clock import Time
from eks_cilium.runtime.waiting import Polls
from eks_cilium.texts import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

POLL_SECONDS = 5.0
QUORUM_OF_READINGS = 2
"""Readings in a row with nothing missing: a node may be Ready while another is still joining."""

CUSTOM_RESOURCES = (
    "ciliumendpoints.cilium.io",
    "ciliumidentities.cilium.io",
    "ciliumnetworkpolicies.cilium.io",
    "ciliumclusterwidenetworkpolicies.cilium.io",
    "ciliumnodes.cilium.io",
)
"""Registered by Cilium's operator, not by the chart; later steps rely on them in every supported version."""

PODS = "/api/v1/namespaces/kube-system/pods"
OPERATOR_PODS = "io.cilium/app=operator"
_CREDENTIALS = frozenset({"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"})
"""What EKS sets for roles of service accounts, and for Pod Identity."""
_MOST_NAMED = 5


@dataclass(frozen=True)
class Readiness:
    """The state of a cluster at one time."""

    nodes: tuple[str, ...]
    missing: tuple[str, ...]
    """What is missing, one sentence each; empty when Cilium runs on every node."""

    @property
    def ready(self) -> bool:
        return not self.missing


def wait_until_ready(
    api: ReadingApi,
    *,
    minimum_nodes: int,
    timeout: float,
    report: Callable[[str], None],
    time: Time | None = None,
    serves: Callable[[Object], bool] = lambda _: True,
    is_awaited: Callable[[Object], bool] = lambda _: True,
) -> Readiness:
    """Wait until Cilium runs on every node. Raises NotReadyError with what is missing after `timeout` s.

    `serves` returns whether a node can have an agent; other nodes do not count. `is_awaited` returns whether
    its agent has to be ready.
    """
    good, last_line, seen = 0, "", Readiness((), ())
    polls = Polls(time or Time(), seconds=timeout, every=POLL_SECONDS)
    for _ in polls:
        with polls.asking():
            seen = survey(api, minimum_nodes, serves, is_awaited)
        if polls.unanswered:
            seen = Readiness(seen.nodes, (polls.unanswered,))
        good = good + 1 if seen.ready else 0
        if good >= QUORUM_OF_READINGS:
            report(f"Cilium runs on all {len(seen.nodes)} nodes")
            return seen
        line = seen.missing[0] if seen.missing else "nothing is missing, reading once more"
        if line != last_line:
            report(line)
            last_line = line
    raise NotReadyError(
        timeout, seen.missing or ("nothing was missing in the last reading, but in the one before",)
    )


def survey(
    api: ReadingApi,
    minimum_nodes: int,
    serves: Callable[[Object], bool] = lambda _: True,
    is_awaited: Callable[[Object], bool] = lambda _: True,
) -> Readiness:
    """What is missing in the cluster now."""
    wanted = [node for node in api.list("/api/v1/nodes") if serves(node)]
    nodes = [node for node in wanted if is_awaited(node)]
    missing = [
        *_custom_resources(api),
        *_node_count(nodes, minimum_nodes),
        *_agents(api, len(wanted), len(nodes)),
        *_operator(api),
        *_tainted(nodes),
        *_not_ready(nodes),
    ]
    return Readiness(nodes=tuple(sorted(_name(node) for node in nodes)), missing=tuple(missing))


def _custom_resources(api: ReadingApi) -> Iterator[str]:
    established = {
        _name(crd)
        for crd in api.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        if _condition(crd, "Established") == "True"
    }
    waiting = [name for name in CUSTOM_RESOURCES if name not in established]
    if waiting:
        names = named(waiting, _MOST_NAMED)
        yield f"custom resources not established yet: {names} (Cilium's operator registers them)"


def _node_count(nodes: Sequence[Object], minimum: int) -> Iterator[str]:
    if len(nodes) < minimum:
        yield f"{len(nodes)} of {minimum} nodes have joined"


def _agents(api: ReadingApi, wanted: int, awaited: int) -> Iterator[str]:
    daemon_set = api.get("/apis/apps/v1/namespaces/kube-system/daemonsets/cilium")
    if daemon_set is None:
        yield "DaemonSet kube-system/cilium does not exist"
        return
    status = daemon_set.get("status", {})
    desired, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    current = status.get("observedGeneration", 0) >= daemon_set["metadata"].get("generation", 0)
    if not current or desired != wanted or ready < awaited:
        yield f"Cilium agents: {ready} ready, {desired} wanted, {wanted} nodes"
        yield from _waiting_pods(api, "k8s-app=cilium")


def _operator(api: ReadingApi) -> Iterator[str]:
    deployment = api.get("/apis/apps/v1/namespaces/kube-system/deployments/cilium-operator")
    if deployment is None:
        yield "Deployment kube-system/cilium-operator does not exist"
        return
    if _condition(deployment, "Available") != "True":
        yield "Deployment kube-system/cilium-operator is not available"
        yield from _waiting_pods(api, OPERATOR_PODS)
        yield from _without_credentials(api)


def _without_credentials(api: ReadingApi) -> Iterator[str]:
    """Operators in ENI mode that EKS has given no credentials.

    It does so when a pod is created, by environment variables; "several seconds" may pass before it knows of
    a new association or annotation (API reference of EKS, CreatePodIdentityAssociation).
    """
    config = api.get("/api/v1/namespaces/kube-system/configmaps/cilium-config") or {}
    if config.get("data", {}).get("ipam") != "eni":
        return
    for pod in api.list(PODS, labelSelector=OPERATOR_PODS):
        names = {
            variable["name"]
            for container in pod["spec"].get("containers") or ()
            for variable in container.get("env") or ()
        }
        if not names & _CREDENTIALS:
            yield (
                f"pod kube-system/{_name(pod)} has no AWS credentials, as it was created before EKS knew its "
                "role: kubectl -n kube-system rollout restart deployment/cilium-operator"
            )


def _tainted(nodes: Sequence[Object]) -> Iterator[str]:
    tainted = [
        _name(node)
        for node in nodes
        if any(taint["key"] == AGENT_NOT_READY_TAINT for taint in node["spec"].get("taints") or [])
    ]
    if tainted:
        yield f"taint {AGENT_NOT_READY_TAINT} still on {named(tainted, _MOST_NAMED)}"


def _not_ready(nodes: Sequence[Object]) -> Iterator[str]:
    for node in nodes:
        if _condition(node, "Ready") != "True":
            yield f"node {_name(node)} is not Ready: {_why(node, 'Ready')}"


def _waiting_pods(api: ReadingApi, selector: str) -> Iterator[str]:
    pods = api.list(PODS, labelSelector=selector)
    waiting = [pod for pod in pods if _condition(pod, "Ready") != "True"]
    for pod in waiting[:_MOST_NAMED]:
        where = pod["spec"].get("nodeName") or "no node"
        yield f"pod kube-system/{_name(pod)} on {where}: {pod_reason(pod)}"


def pod_reason(pod: Object) -> str:
    """The most telling reason a pod gives: a container's, else its scheduling's, else its phase."""
    status = pod.get("status", {})
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        state = container.get("state", {})
        problem = state.get("waiting") or state.get("terminated")
        if problem and problem.get("reason") not in (None, "Completed"):
            return f"{container['name']} {problem['reason']} {problem.get('message', '')}".strip()
    if _condition(pod, "PodScheduled") == "False":
        return _why(pod, "PodScheduled")
    return str(status.get("phase", "no status yet"))


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _condition(obj: Object, kind: str) -> str | None:
    for condition in obj.get("status", {}).get("conditions") or []:
        if condition["type"] == kind:
            return str(condition["status"])
    return None


def _why(obj: Object, kind: str) -> str:
    for condition in obj.get("status", {}).get("conditions") or []:
        if condition["type"] == kind:
            return (
                f"{condition.get('reason', '')} {condition.get('message', '')}".strip() or "no reason given"
            )
    return f"no condition {kind} yet"
