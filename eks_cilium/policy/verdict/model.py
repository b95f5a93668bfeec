"""What is judged and what comes out: ends of traffic, flows, clusters with their policies, verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.objects import Policy


class SelectorScope(StrEnum):
    """What a peer selector that names no cluster means."""

    ANY_CLUSTER = "any cluster"
    OWN_CLUSTER = "own cluster"


_FIRST_OWN_CLUSTER = (1, 19)


def selector_scope_of(version: str) -> SelectorScope:
    """The default of a Cilium release (`clustermesh.policyDefaultLocalCluster` of its chart)."""
    major, minor, *_ = version.removeprefix("v").split(".")
    newer = (int(major), int(minor)) >= _FIRST_OWN_CLUSTER
    return SelectorScope.OWN_CLUSTER if newer else SelectorScope.ANY_CLUSTER


class Mode(StrEnum):
    """When policies are enforced: for pods that a policy selects, for all, for none."""

    DEFAULT = "default"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Port:
    """A port of a destination. Protocols are TCP, UDP and SCTP."""

    number: int
    protocol: str = "TCP"
    title: str = field(default="", compare=False)
    """How a report calls it, where it stands for more than one."""

    def __str__(self) -> str:
        return self.title or f"{self.number}/{self.protocol}"


@dataclass(frozen=True)
class Pod:
    """A pod, or all pods with the same labels: an identity of Cilium's."""

    cluster: str
    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] | None = None
    """None where nobody knows them; `kubernetes.io/metadata.name` is known all the same."""
    service_account: str | None = None
    named_ports: Mapping[str, Port] | None = None
    """None where nobody knows them."""
    has_identity: bool = False
    """Whether the labels are those of a Cilium identity, so that none of them is left out."""
    title: str = ""
    """How a report calls it; where it is and its labels when empty."""

    def __str__(self) -> str:
        labels = ",".join(f"{key}={value}" for key, value in sorted(self.labels.items()))
        return f"{self.cluster}/{self.namespace} {self.title or labels or '(no labels)'}"


@dataclass(frozen=True)
class Address:
    """An IPv4 address that belongs to no pod and no node of any cluster."""

    address: str

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True)
class Entity:
    """Something Cilium knows by a reserved identity: host, remote-node, kube-apiserver ..."""

    name: str

    def __str__(self) -> str:
        return self.name


Endpoint: TypeAlias = Pod | Address | Entity


@dataclass(frozen=True)
class Flow:
    """Somebody opens a connection to a port of somebody. Answers to it are never judged on their own."""

    source: Endpoint
    destination: Endpoint
    port: Port

    def __str__(self) -> str:
        return f"{self.source} -> {self.destination} at {self.port}"


@dataclass(frozen=True)
class Cluster:
    """A cluster's name in Cilium, its policies, and how it reads them."""

    name: str
    selector_scope: SelectorScope
    policies: tuple[Policy, ...] = ()
    mode: Mode = Mode.DEFAULT
    cidr_selects: frozenset[str] = frozenset()
    """What CIDR rules select beyond the world: `policy-cidr-match-mode`, `nodes` and `pods`."""


class Decision(StrEnum):
    """What one side, or both together, say."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNDECIDED = "undecided"
    NOT_ASKED = "not asked"
    """No pod, so no policy that is looked at here."""


@dataclass(frozen=True)
class RuleName:
    """An entry of a policy: `CiliumNetworkPolicy my-client/allow egress[0]` of a cluster."""

    cluster: str
    policy: str
    section: str

    @property
    def short_policy(self) -> str:
        """The policy without its kind, where that is the usual one."""
        kind, _, name = self.policy.partition(" ")
        return name if kind == "CiliumNetworkPolicy" else self.policy

    @property
    def short(self) -> str:
        """For a table: `my-client/allow egress[0]`."""
        return f"{self.short_policy} {self.section}"

    def __str__(self) -> str:
        return f"{self.policy} {self.section}"


@dataclass(frozen=True)
class DirectionVerdict:
    """What the policies of one end's cluster say."""

    decision: Decision
    reason: str
    """In a few words, for a table."""
    rules: tuple[RuleName, ...] = ()
    """The rules that decide: those that allow, those that deny, or those that deny all that none allows."""
    layer7: tuple[str, ...] = ()
    """What is asked of the traffic beyond its port, where it is allowed: HTTP rules, authentication ..."""
    hints: tuple[str, ...] = ()
    """Rules that come near, and what keeps them from matching."""


@dataclass(frozen=True)
class Verdict:
    """What becomes of a flow: it has to be let out and let in."""

    flow: Flow
    egress: DirectionVerdict
    ingress: DirectionVerdict

    @property
    def decision(self) -> Decision:
        """Both sides together."""
        both = {self.egress.decision, self.ingress.decision}
        for decision in (Decision.DENIED, Decision.UNDECIDED):
            if decision in both:
                return decision
        return Decision.ALLOWED
