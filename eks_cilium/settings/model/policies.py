"""Keys of policies across clusters: intents, default denies, files of policies, and assertions about them.

Each part converts itself into the plain values that `eks_cilium.policy` takes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from eks_cilium.policy import compile as compiler
from eks_cilium.policy.objects import (
    DefaultDeny,
    Destination,
    EnableDefaultDeny,
    Intent,
    Pods,
    parse_ports,
)
from eks_cilium.policy.objects.ports import PATTERN
from eks_cilium.policy.verdict.model import Address, Endpoint, Entity, Flow, Pod
from eks_cilium.policy.verdict.ranges import as_port
from eks_cilium.settings.model.fields import Part, option

_NAME = r"^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$"
_NAME_ALLOWED = "1 to 53 lower-case letters, digits and dashes, beginning and ending with a letter or digit"
_NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
_NAMESPACE_ALLOWED = "the name of a Kubernetes namespace"
_CLUSTER_ALLOWED = "the name, in Cilium, of one of the clusters of this stack"
_LABELS_ALLOWED = "an object of Kubernetes labels; without labels, all pods of the namespace"
_CLIENT = {"cluster": "cluster-1", "namespace": "my-client", "labels": {"app": "my-client"}}
_SERVER = {"cluster": "cluster-2", "namespace": "my-server", "labels": {"app": "my-server"}}
_ENTITIES = ("host", "remote-node", "kube-apiserver", "health", "ingress", "unmanaged")

PortText = Annotated[str, Field(pattern=PATTERN)]
EntityName = Literal["host", "remote-node", "kube-apiserver", "health", "ingress", "unmanaged"]


class PolicyPods(Part):
    """Pods of one namespace of one cluster."""

    cluster: str = option(says="Cluster of the pods.", allowed=_CLUSTER_ALLOWED, example="cluster-1")
    namespace: str = option(
        says="Namespace of the pods.", allowed=_NAMESPACE_ALLOWED, example="my-client", pattern=_NAMESPACE
    )
    labels: dict[str, str] = option(
        default_factory=dict,
        says="Labels the pods carry, all of them.",
        allowed=_LABELS_ALLOWED,
        example={"app": "my-client"},
    )

    @property
    def pods(self) -> Pods:
        return Pods(self.cluster, self.namespace, self.labels)


class PolicyDestination(PolicyPods):
    """Pods, and which of their ports."""

    ports: tuple[PortText, ...] = option(
        (),
        says="Ports that may be reached; every port when unset.",
        allowed="a list of ports such as 8080/TCP, or ranges such as 8000-8100/UDP from Cilium 1.16 on",
        example=["8080/TCP"],
    )


class PolicyEnableDefaultDeny(Part):
    """Whether an intent denies what no policy allows; Cilium's own field of this name, from 1.16 on."""

    egress: bool = option(
        True,
        says="Whether the pods of `from` may then open only what policies allow, and DNS.",
        allowed="true; false from Cilium 1.16 on",
        example=False,
    )
    ingress: bool = option(
        True,
        says="Whether the pods of `to` then accept only what policies allow.",
        allowed="true; false from Cilium 1.16 on",
        example=False,
    )


class PolicyIntent(Part):
    """Pods that may reach other pods: an egress policy in one cluster and an ingress policy in the other."""

    name: str = option(
        says="Name of the intent; the policies are named after it.",
        allowed=_NAME_ALLOWED,
        example="client-to-server",
        pattern=_NAME,
    )
    from_: PolicyPods = option(
        alias="from",
        says="Who opens the connection.",
        allowed="an object with cluster, namespace and labels",
        example=_CLIENT,
    )
    to: PolicyDestination = option(
        says="Who is reached, and on which ports.",
        allowed="an object with cluster, namespace, labels and ports",
        example={**_SERVER, "ports": ["8080/TCP"]},
    )
    enable_default_deny: PolicyEnableDefaultDeny = option(
        default_factory=PolicyEnableDefaultDeny,
        says="What the intent denies; where it is off the intent only allows.",
        allowed="an object with egress and ingress",
        example={"egress": False},
    )

    @property
    def intent(self) -> Intent:
        # The ports have to be sound, which a rule checks.
        to = self.to
        destination = Destination(to.cluster, to.namespace, to.labels, tuple(map(parse_ports, to.ports)))
        denies = EnableDefaultDeny(self.enable_default_deny.egress, self.enable_default_deny.ingress)
        return Intent(self.name, self.from_.pods, destination, denies)


class PolicyDefaultDeny(PolicyPods):
    """Pods whose traffic is denied unless a policy allows it; DNS to the cluster's servers stays allowed."""

    name: str = option(
        "default-deny",
        says="Name of the policy; several in one namespace need several names.",
        allowed=_NAME_ALLOWED,
        example="default-deny",
        pattern=_NAME,
    )
    directions: tuple[Literal["egress", "ingress"], ...] = option(
        ("egress", "ingress"),
        says="Directions of traffic that are denied.",
        allowed="a list of egress, ingress",
        example=["ingress"],
        min_length=1,
    )

    @property
    def wanted(self) -> DefaultDeny:
        return DefaultDeny(self.pods, self.directions, self.name)


class PolicyFile(Part):
    """A YAML file of CiliumNetworkPolicies and CiliumClusterwideNetworkPolicies, for one cluster."""

    cluster: str = option(
        says="Cluster that gets the policies.", allowed=_CLUSTER_ALLOWED, example="cluster-1"
    )
    path: str = option(
        says="The file.",
        allowed="a path of a YAML file, as seen from the project",
        example="policies/article.yaml",
        min_length=1,
    )
    any_cluster: bool = option(
        False,
        says="Whether peer selectors may name no cluster, whose meaning Cilium 1.19 changes, or other ones.",
        allowed="true or false",
        example=True,
    )

    @property
    def source(self) -> compiler.PolicyFile:
        return compiler.PolicyFile(self.cluster, self.path, self.any_cluster)


class PolicyEndpoint(Part):
    """An endpoint of traffic: pods, an address outside of all clusters, or one of Cilium's entities."""

    cluster: str | None = option(
        None, says="Cluster of the pods.", allowed=_CLUSTER_ALLOWED, example="cluster-1"
    )
    namespace: str | None = option(
        None,
        says="Namespace of the pods.",
        allowed=_NAMESPACE_ALLOWED,
        example="my-client",
        pattern=_NAMESPACE,
    )
    labels: dict[str, str] = option(
        default_factory=dict,
        says="All labels of the pods that policies may select by.",
        allowed="an object of Kubernetes labels",
        example={"app": "my-client"},
    )
    namespace_labels: dict[str, str] | None = option(
        None,
        says="Labels of the namespace. Without them, traffic that depends on them is undecided.",
        allowed="an object of Kubernetes labels",
        example={"team": "shop"},
    )
    service_account: str | None = option(
        None,
        says="Service account of the pods. Without it, traffic that depends on it is undecided.",
        allowed="the name of a service account",
        example="default",
        min_length=1,
    )
    address: str | None = option(
        None,
        says="An address outside of all clusters.",
        allowed="an IPv4 address, and nothing else beside it",
        example="203.0.113.10",
        pattern=r"^\d{1,3}(\.\d{1,3}){3}$",
    )
    entity: EntityName | None = option(
        None,
        says="One of Cilium's entities.",
        allowed=f"one of {', '.join(_ENTITIES)}, and nothing else beside it",
        example="kube-apiserver",
    )

    @property
    def endpoint(self) -> Endpoint:
        # It has to be of one kind, which a rule checks.
        if self.address is not None:
            return Address(self.address)
        if self.entity is not None:
            return Entity(self.entity)
        return Pod(
            cluster=self.cluster or "",
            namespace=self.namespace or "",
            labels=self.labels,
            namespace_labels=self.namespace_labels,
            service_account=self.service_account,
        )


class PolicyAssertion(Part):
    """Traffic that has to be allowed, or denied. The preview fails if the policies say otherwise."""

    from_: PolicyEndpoint = option(
        alias="from",
        says="Who opens the connection.",
        allowed="an object with cluster, namespace and labels, or with address, or with entity",
        example=_CLIENT,
    )
    to: PolicyEndpoint = option(
        says="Who is reached.",
        allowed="an object with cluster, namespace and labels, or with address, or with entity",
        example=_SERVER,
    )
    port: PortText = option(
        says="Which port, or which ports: it has to hold for each.",
        allowed="a port such as 8080/TCP, or a range such as 8000-8100/UDP",
        example="8080/TCP",
    )

    @property
    def assertion(self) -> compiler.Assertion:
        flow = Flow(self.from_.endpoint, self.to.endpoint, as_port(parse_ports(self.port)))
        return compiler.Assertion(flow, self.model_dump(by_alias=True, exclude_defaults=True))


class Policies(Part):
    """Policies across the clusters, and what they have to allow and deny."""

    intents: tuple[PolicyIntent, ...] = option(
        (),
        says="Who may talk to whom.",
        allowed="a list of objects with name, from and to",
        example=[{"name": "client-to-server", "from": _CLIENT, "to": {**_SERVER, "ports": ["8080/TCP"]}}],
    )
    default_deny: tuple[PolicyDefaultDeny, ...] = option(
        (),
        says="Pods whose traffic is denied unless a policy allows it.",
        allowed="a list of objects with cluster and namespace, perhaps with labels",
        example=[{"cluster": "cluster-1", "namespace": "my-client"}],
    )
    files: tuple[PolicyFile, ...] = option(
        (),
        says="Policies written by hand.",
        allowed="a list of objects with cluster and path",
        example=[{"cluster": "cluster-1", "path": "policies/article.yaml"}],
    )
    must_allow: tuple[PolicyAssertion, ...] = option(
        (),
        says="Traffic that has to be allowed, or the preview fails.",
        allowed="a list of objects with from, to and port",
        example=[{"from": _CLIENT, "to": _SERVER, "port": "8080/TCP"}],
    )
    must_deny: tuple[PolicyAssertion, ...] = option(
        (),
        says="Traffic that has to be denied, or the preview fails.",
        allowed="a list of objects with from, to and port",
        example=[{"from": _CLIENT, "to": _SERVER, "port": "8080/TCP"}],
    )

    @property
    def sources(self) -> compiler.PolicySources:
        """The same as plain values for the compiler. The rules between keys have to be kept."""
        return compiler.PolicySources(
            intents=tuple(each.intent for each in self.intents),
            default_deny=tuple(each.wanted for each in self.default_deny),
            files=tuple(each.source for each in self.files),
            must_allow=tuple(each.assertion for each in self.must_allow),
            must_deny=tuple(each.assertion for each in self.must_deny),
        )
