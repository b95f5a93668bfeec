"""Generates random cases: two clusters, policies of every kind that the evaluator decides, and flows.

Values are drawn from small pools, so that selectors match about as often as they miss, and every flow is
close to the edge of some rule.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.versions import TRIED
from eks_cilium.policy.objects import CLUSTER_LABEL, NAMESPACE_LABEL, Policy
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import Address, Cluster, Endpoint, Entity, Flow, Mode, Pod, Port, SelectorScope
from tests.program.verdict.oracle import Case

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.policy.objects.identity_labels import LabelFilter

CLUSTERS = ("cluster-1", "cluster-2")
NAMESPACES = ("red", "blue")
LABELS = {"app": ("a", "b"), "tier": ("front", "back"), "app.kubernetes.io/name": ("web",)}
LEFT_OUT = {
    "pod-template-hash": ("5d9",),
    "statefulset.kubernetes.io/pod-name": ("web-0",),
    "topology.kubernetes.io/zone": ("eu-west-1a",),
    "beta.kubernetes.io/os": ("linux",),
    "app.kubernetes.io/part-of": ("shop",),
}
"""Labels that releases make part of identities or not; some are near to those that they do."""
PATTERNS = ("k8s:!tier", "!app", "app", "k8s:app k8s:!app\\.", "tier container:app", "!io.*team .*beta")
"""Values of the agents' option `labels`."""
TEAMS = ("x", "y")
ACCOUNTS = ("default", "robot")
ADDRESSES = ("10.1.2.3", "10.1.200.4", "192.0.2.7", "203.0.113.5")
NETWORKS = (
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "192.0.2.7/32",
    "203.0.113.0/24",
    "0.0.0.0/0",
    "::/0",
    "fd00::/8",
    "10.9.9.9/0",
)
EXCEPTIONS = {
    "10.0.0.0/8": ("10.1.0.0/16", "10.1.2.3/32"),
    "10.1.0.0/16": ("10.1.2.0/24",),
    "0.0.0.0/0": ("10.0.0.0/8",),
    "::/0": ("fd00::/8",),
}
PEERS = ("host", "remote-node", "kube-apiserver", "health", "ingress", "unmanaged")
ENTITIES = ("all", "world", "cluster", "cluster-mesh", "none", *PEERS)
NUMBERS = (80, 443, 8080, 8085)
PROTOCOLS = ("TCP", "UDP", "SCTP")
NAMED = {"http": Port(8080, "TCP"), "dns": Port(53, "UDP"), "alt": Port(8085, "TCP")}
SECTIONS = ("ingress", "egress", "ingressDeny", "egressDeny")


class Generator:
    """An endless sequence of cases, which depends on nothing but the seed and the release of the agents."""

    def __init__(self, seed: int, version: str = TRIED[-1]) -> None:
        self._random = random.Random(seed)
        self._agents = Agents(version, node_labels=False)

    def case(self, flows: int = 2) -> Case:
        """Two clusters, each with options of its own, and flows with a pod on at least one side."""
        clusters = tuple(self._cluster(name) for name in CLUSTERS)
        filters = {cluster.name: cluster.agents.label_filter for cluster in clusters}
        made = tuple(self._flow(filters) for _ in range(flows))
        return of_release(Case(clusters, made), self._agents.version)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _choice(self, choices: Any) -> Any:
        return self._random.choice(tuple(choices))

    def _some(self, choices: Any, most: int) -> list[Any]:
        pool = list(choices)
        return self._random.sample(pool, self._random.randint(1, min(most, len(pool))))

    def _cluster(self, name: str) -> Cluster:
        policies = [self._policy(name, number) for number in range(self._random.randint(1, 4))]
        mode = self._random.choices(list(Mode), weights=(90, 7, 3))[0]
        labels = self._choice(PATTERNS) if self._chance(0.1) else ""
        agents = dataclasses.replace(self._agents, labels=labels)
        return Cluster(name, self._choice(SelectorScope), tuple(policies), mode, agents=agents)

    def _flow(self, filters: Mapping[str, LabelFilter]) -> Flow:
        pods = [self._pod(filters), self._pod(filters)]
        endpoints: list[Endpoint] = [pods[0], pods[1] if self._chance(0.7) else self._outside()]
        self._random.shuffle(endpoints)
        return Flow(endpoints[0], endpoints[1], Port(self._choice((*NUMBERS, 53)), self._choice(PROTOCOLS)))

    def _pod(self, filters: Mapping[str, LabelFilter]) -> Pod:
        labels = {key: self._choice(values) for key, values in LABELS.items() if self._chance(0.7)}
        labels |= {key: self._choice(values) for key, values in LEFT_OUT.items() if self._chance(0.3)}
        cluster = self._choice(CLUSTERS)
        return Pod(
            cluster,
            self._choice(NAMESPACES),
            labels,
            namespace_labels={"team": self._choice(TEAMS)} if self._chance(0.7) else {},
            service_account=self._choice(ACCOUNTS),
            named_ports={name: port for name, port in NAMED.items() if self._chance(0.6)},
            label_filter=filters[cluster],
        )

    def _outside(self) -> Endpoint:
        if self._chance(0.5):
            return Address(self._choice(ADDRESSES))
        # The addresses of kube-apiserver are not known, so that networks would leave verdicts undecided.
        return Entity(self._choice(entity for entity in PEERS if entity != "kube-apiserver"))

    def _policy(self, cluster: str, number: int) -> Policy:
        kind = self._random.choices(
            ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy"), weights=(70, 15, 15)
        )[0]
        metadata = {"name": f"policy-{number}", "namespace": self._choice(NAMESPACES)}
        if kind == "NetworkPolicy":
            spec = {"apiVersion": "networking.k8s.io/v1", "kind": kind, "metadata": metadata}
            return Policy(cluster, {**spec, "spec": self._network_policy()})
        if kind == "CiliumClusterwideNetworkPolicy":
            del metadata["namespace"]
        written = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata}
        if self._chance(0.15):
            return Policy(cluster, {**written, "specs": [self._rule() for _ in range(2)]})
        return Policy(cluster, {**written, "spec": self._rule()})

    def _rule(self) -> dict[str, Any]:
        rule: dict[str, Any] = {"endpointSelector": self._subject()}
        for section in self._some(SECTIONS, 3):
            rule[section] = [self._entry(section) for _ in range(self._random.randint(1, 3))]
        if self._chance(0.2):
            rule["enableDefaultDeny"] = {
                direction: self._chance(0.4) for direction in self._some(("ingress", "egress"), 2)
            }
        return rule

    def _subject(self) -> dict[str, Any]:
        if self._chance(0.5):
            return {}
        return self._selector(places=self._chance(0.15))

    def _entry(self, section: str) -> dict[str, Any]:
        word = "from" if section.startswith("ingress") else "to"
        entry: dict[str, Any] = {}
        if self._chance(0.9):
            name, peers = self._peers()
            entry[f"{word}{name}"] = peers
        if self._chance(0.5):
            entry["toPorts"] = [
                self._ports(deny=section.endswith("Deny")) for _ in range(self._random.randint(1, 2))
            ]
        elif self._chance(0.05):
            entry["icmps"] = [{"fields": [{"type": 8, "family": "IPv4"}]}]
        return entry

    def _peers(self) -> tuple[str, list[Any]]:
        kind = self._random.choices(("Endpoints", "Entities", "CIDR", "CIDRSet"), weights=(60, 20, 10, 10))[0]
        if self._chance(0.03):
            return kind, []
        match kind:
            case "Endpoints":
                return kind, [self._selector(places=True) for _ in range(self._random.randint(1, 2))]
            case "Entities":
                return kind, self._some(ENTITIES, 2)
            case "CIDR":
                return kind, self._some((*NETWORKS, *ADDRESSES), 2)
        return kind, [self._network() for _ in range(self._random.randint(1, 2))]

    def _network(self, exception_key: str = "except") -> dict[str, Any]:
        cidr = self._choice(NETWORKS)
        excepted = (
            {exception_key: [self._choice(EXCEPTIONS[cidr])]}
            if cidr in EXCEPTIONS and self._chance(0.5)
            else {}
        )
        return {"cidr": cidr, **excepted}

    def _selector(self, *, places: bool) -> dict[str, Any]:
        if places and self._chance(0.05):
            return {
                "matchLabels": {f"reserved:{self._choice(('host', 'world', 'remote-node', 'health'))}": ""}
            }
        labels: dict[str, str] = {}
        expressions: list[dict[str, Any]] = []
        for key, values in LABELS.items():
            if self._chance(0.35):
                self._condition(self._source() + key, values, labels, expressions)
        if self._chance(0.1):
            key, values = self._choice(LEFT_OUT.items())
            self._condition(self._source() + key, values, labels, expressions)
        if places:
            self._places(labels, expressions)
        selector: dict[str, Any] = {}
        if labels:
            selector["matchLabels"] = labels
        if expressions:
            selector["matchExpressions"] = expressions
        return selector

    def _places(self, labels: dict[str, str], expressions: list[dict[str, Any]]) -> None:
        if self._chance(0.5):
            self._condition(self._source() + CLUSTER_LABEL, CLUSTERS, labels, expressions)
        if self._chance(0.5):
            self._namespace(labels, expressions)
        if self._chance(0.1):
            key = "io.cilium.k8s.policy.serviceaccount"
            self._condition(self._source() + key, ACCOUNTS, labels, expressions)

    def _namespace(self, labels: dict[str, str], expressions: list[dict[str, Any]]) -> None:
        if self._chance(0.7):
            self._condition(self._source() + NAMESPACE_LABEL, NAMESPACES, labels, expressions)
        else:
            team = f"{self._source()}io.cilium.k8s.namespace.labels.team"
            self._condition(team, TEAMS, labels, expressions)

    def _source(self) -> str:
        return self._random.choices(("", "k8s:", "any:"), weights=(6, 3, 1))[0]

    def _condition(
        self, key: str, values: Any, labels: dict[str, str], expressions: list[dict[str, Any]]
    ) -> None:
        if self._chance(0.6):
            labels[key] = self._choice(values)
            return
        operator = self._choice(("In", "NotIn", "Exists", "DoesNotExist"))
        listed = {"values": self._some((*values, "other"), 2)} if operator in ("In", "NotIn") else {}
        expressions.append({"key": key, "operator": operator, **listed})

    def _ports(self, *, deny: bool) -> dict[str, Any]:
        if self._chance(0.03):
            return {}
        if not deny and self._chance(0.08):
            http = {"http": [{"method": "GET", "path": "/"}]}
            return {"ports": [{"port": str(self._choice(NUMBERS)), "protocol": "TCP"}], "rules": http}
        return {"ports": [self._port() for _ in range(self._random.randint(1, 2))]}

    def _port(self) -> dict[str, Any]:
        protocol = self._choice((*PROTOCOLS, "TCP", "ANY", None))
        written = {"protocol": protocol} if protocol else {}
        kind = self._random.choices(("number", "range", "name", "every"), weights=(60, 20, 12, 8))[0]
        match kind:
            case "range":
                first = self._choice((80, 443, 8000, 8080))
                return {"port": str(first), "endPort": first + self._random.randint(0, 100), **written}
            case "name":
                return {"port": self._choice((*NAMED, "gone")), **written}
            case "every":
                return {"port": "0", **written}
        return {"port": str(self._choice(NUMBERS)), **written}

    def _network_policy(self) -> dict[str, Any]:
        spec: dict[str, Any] = {"podSelector": self._plain() if self._chance(0.5) else {}}
        for section, word in (("ingress", "from"), ("egress", "to")):
            if self._chance(0.6):
                spec[section] = [self._plain_entry(word) for _ in range(self._random.randint(0, 2))]
        if self._chance(0.7):
            spec["policyTypes"] = self._some(("Ingress", "Egress"), 2)
        return spec

    def _plain_entry(self, word: str) -> dict[str, Any]:
        entry: dict[str, Any] = {}
        if self._chance(0.8):
            entry[word] = [self._plain_peer() for _ in range(self._random.randint(1, 2))]
        if self._chance(0.5):
            entry["ports"] = [self._plain_port() for _ in range(self._random.randint(1, 2))]
        return entry

    def _plain_peer(self) -> dict[str, Any]:
        if self._chance(0.2):
            return {"ipBlock": self._network()}
        peer: dict[str, Any] = {}
        if self._chance(0.5):
            peer["namespaceSelector"] = (
                {"matchLabels": {"team": self._choice(TEAMS)}} if self._chance(0.6) else {}
            )
        if not peer or self._chance(0.6):
            peer["podSelector"] = self._plain()
        return peer

    def _plain(self) -> dict[str, Any]:
        labels: dict[str, str] = {}
        expressions: list[dict[str, Any]] = []
        for key, values in LABELS.items():
            if self._chance(0.35):
                self._condition(key, values, labels, expressions)
        if self._chance(0.3):
            self._condition(CLUSTER_LABEL, CLUSTERS, labels, expressions)
        return {
            **({"matchLabels": labels} if labels else {}),
            **({"matchExpressions": expressions} if expressions else {}),
        }

    def _plain_port(self) -> dict[str, Any]:
        port: dict[str, Any] = {"protocol": self._choice(PROTOCOLS)} if self._chance(0.8) else {}
        if self._chance(0.8):
            port["port"] = self._choice((*NUMBERS, "http"))
            if isinstance(port["port"], int) and self._chance(0.2):
                port["endPort"] = port["port"] + 10
        return port


def of_release(case: Case, version: str) -> Case:
    """The case with agents of a release; they know the named ports of all pods of their cluster."""
    pods = [end for flow in case.flows for end in (flow.source, flow.destination) if isinstance(end, Pod)]
    return dataclasses.replace(
        case,
        clusters=tuple(
            dataclasses.replace(
                cluster,
                agents=dataclasses.replace(cluster.agents, version=version, node_labels=False),
                named_ports=_named_ports(cluster.name, pods),
            )
            for cluster in case.clusters
        ),
    )


def _named_ports(cluster: str, pods: Iterable[Pod]) -> frozenset[tuple[str, Port]]:
    named = [pod.named_ports or {} for pod in pods if pod.cluster == cluster]
    return frozenset(each for ports in named for each in ports.items())
