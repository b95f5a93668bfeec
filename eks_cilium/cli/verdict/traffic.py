"""From `--from`, `--to` and `--port` to the flows that `eks-cilium verdict` judges."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.errors import UserError
from eks_cilium.policy.objects import icmp, is_ipv4_address, parse_ports
from eks_cilium.policy.objects.identity_labels import is_identity_label
from eks_cilium.policy.verdict.model import Address, Endpoint, Entity, Flow, Port
from eks_cilium.policy.verdict.ports import ICMP
from eks_cilium.policy.verdict.ranges import EVERY_PORT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.policy.verdict.live import LiveCluster, Workload

# Reserved identities of pkg/identity/reserved.go that an endpoint of a connection may have.
_ENTITIES = (*("health", "host", "ingress", "init", "kube-apiserver", "remote-node", "unmanaged", "world"),)
# A node is `host` for its own pods and `remote-node` for all others.
_NODE = ("host", "remote-node")

_FORMS = (
    "allowed are CLUSTER/NAMESPACE or CLUSTER/NAMESPACE/LABEL=VALUE,... (each with * and ?), "
    "an IPv4 address, and entity:NAME"
)


@dataclass(frozen=True)
class End:
    """An endpoint of the flows that were asked for."""

    endpoint: Endpoint
    workload: Workload | None = None
    """The pods; None for an address or an entity."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """The ports that its containers declare."""
        return self.workload.ports if self.workload else ()


@dataclass(frozen=True)
class Traffic:
    """Every flow from one of the sources to one of the destinations."""

    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    given: tuple[Port, ...] = ()
    """The ports to judge; without them those that the containers declare, or every port."""

    def ports_of(self, destination: End) -> tuple[Port, ...]:
        """The ports at which a destination is judged."""
        return self.given or destination.ports or (EVERY_PORT,)

    @property
    def count(self) -> int:
        """The number of flows, ranges of ports not yet split."""
        pairs = sum(len(self.sources) * len(self.ports_of(end)) for end in self.destinations)
        ends = {id(end.endpoint) for end in self.sources}
        own = (end for end in self.destinations if id(end.endpoint) in ends)
        return pairs - sum(len(self.ports_of(end)) for end in own)

    def flows(self) -> Iterator[Flow]:
        """The flows, by source, then by destination."""
        for source in self.sources:
            for destination in self.destinations:
                if source.endpoint is not destination.endpoint:
                    for port in self.ports_of(destination):
                        yield Flow(source.endpoint, destination.endpoint, port)


def traffic_between(
    clusters: Sequence[LiveCluster], source: str, destination: str, ports: Sequence[str]
) -> Traffic:
    """The traffic from one text of an endpoint to another.

    An address that a pod or a node has stands for that pod or node. Raises UserError for a text that is no
    endpoint or port, and for an endpoint that no pod matches.
    """
    ends = (_ends(source, "--from", clusters), _ends(destination, "--to", clusters))
    return Traffic(*ends, tuple(map(_port, ports)))


def _port(text: str) -> Port:
    try:
        if text.upper() == ICMP:
            return Port(0, ICMP, f"every type/{ICMP}", icmp.HIGHEST)
        if text.endswith(f"/{ICMP}"):
            return Port(icmp.number_of(text.removesuffix(f"/{ICMP}")), ICMP, text)
        found = parse_ports(text)
    except ValueError as error:
        raise UserError(f"--port: {error}") from error
    return Port(found.first, found.protocol, str(found), found.last)


def _ends(text: str, option: str, clusters: Sequence[LiveCluster]) -> tuple[End, ...]:
    """Every endpoint that the text names."""
    if text.startswith("entity:"):
        return (End(_entity(text.removeprefix("entity:"), option)),)
    if is_ipv4_address(text):
        _refuse_service(text, option, clusters)
        return _with_address(text, clusters) or (End(Address(text)),)
    cluster, _, rest = text.partition("/")
    namespace, _, labels = rest.partition("/")
    if not namespace:
        raise UserError(
            f"{option} {text} names no endpoint: {_FORMS}; all pods of cluster {text} are '{text}/*'"
        )
    found = tuple(
        End(workload.pod, workload)
        for live in clusters
        for workload in live.workloads
        if _matches(workload, cluster, namespace, labels)
    )
    if not found:
        names = ", ".join(live.cluster.name for live in clusters)
        raise UserError(
            f"{option} {text} matches no pod that Cilium manages in {names}: "
            f"cluster, namespace and labels all have to match{_left_out(labels)}"
        )
    return found


def _refuse_service(text: str, option: str, clusters: Sequence[LiveCluster]) -> None:
    for live in clusters:
        if service := live.cluster_ips.get(text):
            raise UserError(
                f"{option} {text} is Service {service} of {live.cluster.name}: Cilium picks one of its pods "
                "before it asks policies, so name the pods behind it"
            )


def _with_address(text: str, clusters: Sequence[LiveCluster]) -> tuple[End, ...]:
    """The pods or the node that have an address; none where it is outside of the clusters."""
    pods = [
        End(workload.pod, workload)
        for live in clusters
        for workload in live.workloads
        if text in workload.addresses
    ]
    is_node = any(text in live.nodes for live in clusters)
    return tuple(pods) or tuple(End(Entity(name, text)) for name in _NODE if is_node)


def _left_out(labels: str) -> str:
    keys = [part.partition("=")[0] for part in labels.split(",") if part]
    without = [key for key in keys if not is_identity_label(key)]
    return f"; Cilium makes {', '.join(without)} no part of identities" if without else ""


def _entity(name: str, option: str) -> Entity:
    if name not in _ENTITIES:
        raise UserError(
            f"{option} entity:{name} is no endpoint: allowed are {', '.join(_ENTITIES)}; "
            "other entities of policies stand for several endpoints"
        )
    return Entity(name)


def _matches(workload: Workload, cluster: str, namespace: str, labels: str) -> bool:
    wanted = [part.partition("=") for part in labels.split(",") if part]
    pod = workload.pod
    return (
        fnmatch.fnmatchcase(pod.cluster, cluster)
        and fnmatch.fnmatchcase(pod.namespace, namespace)
        and all(fnmatch.fnmatchcase(pod.labels.get(key, ""), value) for key, _, value in wanted)
    )
