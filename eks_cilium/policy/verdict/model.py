"""What an evaluation takes (endpoints, flows, clusters with their policies) and the verdicts it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.policy.objects.agents import Agents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.objects.identity_labels import LabelFilter


class SelectorScope(StrEnum):
    """Which pods a peer selector means that names no cluster."""

    ANY_CLUSTER = "any cluster"
    OWN_CLUSTER = "own cluster"


_FIRST_OWN_CLUSTER = (1, 19)


def selector_scope_of(version: str) -> SelectorScope:
    """The default of a Cilium release, which `clustermesh.policyDefaultLocalCluster` of its chart sets.

    Args:
        version: A release such as `1.19.7`, with or without a leading v.

    Returns:
        The policy's own cluster from 1.19 on, any cluster before.
    """
    major, minor, *_ = version.removeprefix("v").split(".")
    newer = (int(major), int(minor)) >= _FIRST_OWN_CLUSTER
    return SelectorScope.OWN_CLUSTER if newer else SelectorScope.ANY_CLUSTER


class Mode(StrEnum):
    """For which pods policies are enforced: those that a policy selects, all, or none (`enable-policy`)."""

    DEFAULT = "default"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Port:
    """A port of a destination: a number and a protocol, one of TCP, UDP and SCTP, or ANY.

    With the protocol ICMP the number is the type of the message.
    """

    number: int
    protocol: str = "TCP"
    title: str = field(default="", compare=False)
    """The port in a report, where it stands for several ports."""
    last: int = 0
    """The last one of a range of ports; 0 for a single port."""

    def __str__(self) -> str:
        return self.title or f"{self.number}/{self.protocol}"


@dataclass(frozen=True)
class Pod:
    """A pod, or all pods with the same labels: Cilium knows them by one identity."""

    cluster: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] | None = None
    """None where they are not known; `kubernetes.io/metadata.name` is known in any case."""
    service_account: str | None = None
    """None where it is not known."""
    named_ports: Mapping[str, Port] | None = None
    """Ports by their names; None where they are not known."""
    has_identity: bool = False
    """Whether the labels were read from a Cilium identity, so that all of them count."""
    identity_cluster: str = ""
    """The name of the cluster in its identity, where that is another one than the cluster has now."""
    title: str = ""
    """The pod in a report, after its cluster and namespace; its labels where this is empty."""
    label_filter: LabelFilter | None = None
    """Which of its labels are part of its identity; None for the default of the newest release."""
    addresses: tuple[str, ...] = ()
    """IPv4 addresses of all pods that are meant; empty where they are not known."""

    def __str__(self) -> str:
        labels = ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.cluster}/{self.namespace} {self.title or labels or '(no labels)'}"


@dataclass(frozen=True)
class Address:
    """An IPv4 address that belongs to no pod and no node of the clusters."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Entity:
    """An endpoint with a reserved identity of Cilium: host, remote-node, kube-apiserver ..."""

    name: str
    address: str = ""
    """Its IPv4 address; empty where it is not known, or where all with this identity are meant."""

    def __str__(self) -> str:
        return f"{self.name} {self.address}".rstrip()


Endpoint: TypeAlias = Pod | Address | Entity


@dataclass(frozen=True)
class Flow:
    """A connection that the source opens to a port of the destination. Replies need no rule of their own."""

    source: Endpoint
    destination: Endpoint
    port: Port

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} at {self.port}"


@dataclass(frozen=True)
class NetworkGroup:
    """A CiliumCIDRGroup: networks that policies name by the group's name or labels."""

    name: str
    networks: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Service:
    """A Service of a cluster, which policies name in `toServices`."""

    namespace: str
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    """Addresses behind it (EndpointSlices)."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, its policies, and the options of Cilium that decide how it reads them."""

    name: str
    """Name of the cluster in Cilium."""
    selector_scope: SelectorScope
    policies: tuple[Policy, ...] = ()
    mode: Mode = Mode.DEFAULT
    cidr_selects: frozenset[str] = frozenset()
    """What CIDR rules select besides addresses outside: `nodes`, `pods` (`policy-cidr-match-mode`, as far as
    the release knows it)."""
    groups: tuple[NetworkGroup, ...] | None = None
    """Its CiliumCIDRGroups; None where they are not known."""
    agents: Agents = field(default_factory=Agents)
    """The release that reads the policies, and its options."""
    named_ports: frozenset[tuple[str, Port]] | None = None
    """The named ports of all of its pods, each with its name; None where they are not known."""
    services: tuple[Service, ...] | None = None
    """Its Services; None where they are not known."""


class Decision(StrEnum):
    """The outcome of one direction of a flow, or of both together."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDECIDED = "undecided"
    NOT_ASKED = "not asked"
    """The endpoint is no pod, so that no policy applies to this direction."""


@dataclass(frozen=True)
class RuleName:
    """The name of an entry of a policy: `CiliumNetworkPolicy my-client/allow egress[0]` in a cluster."""

    cluster: str
    policy: str
    section: str

    @property
    def short_policy(self) -> str:
        """The policy; its kind is left out where it is CiliumNetworkPolicy."""
        kind, _, name = self.policy.partition(" ")
        return name if kind == "CiliumNetworkPolicy" else self.policy

    @property
    def short(self) -> str:
        """The name for a table: `my-client/allow egress[0]`."""
        return f"{self.short_policy} {self.section}"

    def __str__(self) -> str:
        return f"{self.policy} {self.section}"


@dataclass(frozen=True)
class DirectionVerdict:
    """The decision on one direction of a flow, by the policies of one cluster."""

    decision: Decision
    reason: str
    """A few words for a table."""
    rules: tuple[RuleName, ...] = ()
    """The rules that decide: the matching allow or deny rules, or those that switch default deny on."""
    layer7: tuple[str, ...] = ()
    """Conditions beyond the port on allowed traffic: HTTP rules, authentication ..."""
    explain: Callable[[], tuple[str, ...]] = field(default=tuple, compare=False, repr=False)
    """Finds the hints when they are read: those of a large table mostly are not."""

    @cached_property
    def hints(self) -> tuple[str, ...]:
        """For a denied direction: rules that come close to allowing it, and what they lack."""
        return self.explain()


@dataclass(frozen=True)
class Verdict:
    """The decision on a flow: it takes an allowed egress and an allowed ingress."""

    flow: Flow
    egress: DirectionVerdict
    ingress: DirectionVerdict

    @property
    def decision(self) -> Decision:
        """Both directions together: denied if one denies, else undecided if one is undecided."""
        both = (self.egress.decision, self.ingress.decision)
        if Decision.DENIED in both:
            return Decision.DENIED
        return Decision.UNDECIDED if Decision.UNDECIDED in both else Decision.ALLOWED
