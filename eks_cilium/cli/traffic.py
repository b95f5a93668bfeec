"""From `--from`, `--to` and `--port` to the flows that `eks-cilium verdict` judges."""

from __future__ import annotations

import fnmatch
import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import parse_ports
from eks_cilium.policy.verdict.model import Address, Endpoint, Entity, Flow, Port
from eks_cilium.policy.verdict.ranges import EVERY_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.policy.verdict.live import LiveCluster, Workload

MOST_FLOWS = 500
"""More rows than that are no table for people."""

# Reserved identities of pkg/identity/reserved.go that an endpoint of a connection may have.
_ENTITIES = (*("health", "host", "ingress", "init", "kube-apiserver", "remote-node", "unmanaged", "world"),)

_FORMS = (
    "allowed are CLUSTER/NAMESPACE or CLUSTER/NAMESPACE/LABEL=VALUE,... (each with * and ?), "
    "an IPv4 address, and entity:NAME"
)


def flows_between(
    clusters: Sequence[LiveCluster], source: str, destination: str, ports: Sequence[str]
) -> list[Flow]:
    """Give a flow for each source, each destination and each port.

    Without `ports`, a destination is judged at the ports its containers declare, or at every port where they
    declare none. Raises UserError for a text that is no endpoint or port, for an endpoint that no pod
    matches, and for more than 500 flows.
    """
    sources = _endpoints(source, "--from", clusters)
    destinations = _endpoints(destination, "--to", clusters)
    given = tuple(map(_port, ports))
    flows = [
        Flow(sender, receiver, port)
        for sender, _ in sources
        for receiver, listening in destinations
        if sender is not receiver
        for port in given or listening or (EVERY_PORT,)
    ]
    if len(flows) > MOST_FLOWS:
        raise UserError(
            f"{len(flows)} flows are more than the {MOST_FLOWS} that are judged at once: "
            "choose fewer with --from, --to and --port"
        )
    return flows


def _port(text: str) -> Port:
    try:
        found = parse_ports(text)
    except ValueError as error:
        raise UserError(f"--port: {error}") from error
    return Port(found.first, found.protocol, str(found), found.last)


def _endpoints(
    text: str, option: str, clusters: Sequence[LiveCluster]
) -> list[tuple[Endpoint, tuple[Port, ...]]]:
    """Every endpoint that the text names, with the ports its containers declare."""
    if text.startswith("entity:"):
        return [(_entity(text.removeprefix("entity:"), option), ())]
    if _is_address(text):
        return [(Address(text), ())]
    cluster, _, rest = text.partition("/")
    namespace, _, labels = rest.partition("/")
    if not namespace:
        raise UserError(
            f"{option} {text} names no endpoint: {_FORMS}; all pods of cluster {text} are '{text}/*'"
        )
    workloads = [
        workload
        for live in clusters
        for workload in live.workloads
        if _matches(workload, cluster, namespace, labels)
    ]
    if not workloads:
        names = ", ".join(live.cluster.name for live in clusters)
        raise UserError(
            f"{option} {text} matches no pod that Cilium manages in {names}: "
            "cluster, namespace and labels all have to match"
        )
    return [(workload.pod, workload.ports) for workload in workloads]


def _entity(name: str, option: str) -> Entity:
    if name not in _ENTITIES:
        raise UserError(
            f"{option} entity:{name} is no endpoint: allowed are {', '.join(_ENTITIES)}; "
            "other entities of policies stand for several endpoints"
        )
    return Entity(name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _matches(workload: Workload, cluster: str, namespace: str, labels: str) -> bool:
    wanted = [part.partition("=") for part in labels.split(",") if part]
    pod = workload.pod
    return (
        fnmatch.fnmatchcase(pod.cluster, cluster)
        and fnmatch.fnmatchcase(pod.namespace, namespace)
        and all(fnmatch.fnmatchcase(pod.labels.get(key, ""), value) for key, _, value in wanted)
    )
