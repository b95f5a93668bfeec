# ruff: noqa: E501 - a case is a line, so that the table reads as one
"""Cases written by hand, each with the verdict that follows from Cilium's documentation and source.

Each line is a feature of policies. `client` is in namespace red of cluster-1 and `server` in
namespace blue of cluster-2; `local` is a server beside the client. Rules are written as YAML in flow style, a
verdict as egress and ingress: A allowed, D denied, - not asked.
"""

from dataclasses import dataclass

import yaml

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.verdict import Address, Cluster, Endpoint, Entity, Flow, Mode, Pod, Port, SelectorScope
from tests.program.verdict.oracle import Case

ONE, TWO = "cluster-1", "cluster-2"
WORDS = {"A": "allowed", "D": "denied", "-": ""}


def pod(cluster: str, namespace: str, app: str, **more: str) -> Pod:
    return Pod(
        cluster,
        namespace,
        {"app": app, **more},
        namespace_labels={"team": namespace},
        service_account=app,
        named_ports={"http": Port(8080, "TCP"), "dns": Port(53, "UDP")},
    )


CLIENT = pod(ONE, "red", "client", tier="front")
LOCAL = pod(ONE, "red", "server")
NEIGHBOUR = pod(ONE, "blue", "server")
SERVER = pod(TWO, "blue", "server")
REMOTE_RED = pod(TWO, "red", "server")
DNS = Pod(
    ONE,
    "kube-system",
    {"k8s-app": "kube-dns"},
    namespace_labels={},
    service_account="coredns",
    named_ports={},
)
WORLD = Address("203.0.113.5")
INSIDE = Address("10.1.2.3")
HOST, NODE, API = Entity("host"), Entity("remote-node"), Entity("kube-apiserver")
HTTP = Port(8080, "TCP")

NAMESPACE, CLUSTER = "io.kubernetes.pod.namespace", "io.cilium.k8s.policy.cluster"
BLUE = f"{NAMESPACE}: blue"
IN_TWO = f"{CLUSTER}: cluster-2"
IN_ONE = f"{CLUSTER}: cluster-1"


@dataclass(frozen=True)
class HandWritten:
    """A case with its verdict: where a selector without a cluster means any cluster, and from 1.19 on if that differs."""

    title: str
    rules: tuple[tuple[str, str], ...]
    """Where (`cluster-1/red`, or `cluster-1` for a clusterwide policy) and the rule."""
    source: Endpoint
    destination: Endpoint
    expected: str
    from_119: str = ""
    port: Port = HTTP
    mode: Mode = Mode.DEFAULT

    def case(self, scope: SelectorScope) -> Case:
        clusters = (Cluster(name, scope, self._policies(name), self.mode) for name in (ONE, TWO))
        flow = Flow(self.source, self.destination, self.port)
        return Case(tuple(clusters), (flow,), f"{self.title} ({scope})")

    def verdict(self, scope: SelectorScope) -> tuple[str, str]:
        letters = self.from_119 if self.from_119 and scope is SelectorScope.OWN_CLUSTER else self.expected
        return WORDS[letters[0]], WORDS[letters[1]]

    def _policies(self, cluster: str) -> tuple[Policy, ...]:
        found = []
        for number, (place, rule) in enumerate(self.rules):
            name, _, namespace = place.partition("/")
            if name != cluster:
                continue
            kind = "CiliumNetworkPolicy" if namespace else "CiliumClusterwideNetworkPolicy"
            metadata = {"name": f"rule-{number}", **({"namespace": namespace} if namespace else {})}
            spec = {"endpointSelector": {}, **yaml.safe_load(rule)}
            written = {"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec}
            found.append(Policy(cluster, written, "by hand"))
        return tuple(found)


def row(  # noqa: PLR0917 - the columns of a table
    title: str,
    place: str,
    rule: str | tuple[str, ...],
    source: Endpoint,
    destination: Endpoint,
    expected: str,
    from_119: str = "",
    *,
    port: Port = HTTP,
    mode: Mode = Mode.DEFAULT,
) -> HandWritten:
    rules = ((place, rule),) if isinstance(rule, str) else tuple((place, each) for each in rule)
    return HandWritten(title, rules, source, destination, expected, from_119, port, mode)


def peer(labels: str, word: str = "toEndpoints") -> str:
    return f"{word}: [{{matchLabels: {{{labels}}}}}]"


def egress(entry: str) -> str:
    return f"{{egress: [{{{entry}}}]}}"


def ingress(entry: str) -> str:
    return f"{{ingress: [{{{entry}}}]}}"


RED, BLUE_TWO = f"{ONE}/red", f"{TWO}/blue"
TCP_8080 = "toPorts: [{ports: [{port: '8080', protocol: TCP}]}]"
SERVERS = f"app: server, {BLUE}"
ALL_OF_THEM = f"app: server, {BLUE}, {IN_TWO}"

# fmt: off
CASES = (
    row("without a policy everything is allowed", RED, (), CLIENT, SERVER, "AA"),
    row("the article's policy means its own namespace", RED, egress(peer(f"app: server, {IN_TWO}")), CLIENT, SERVER, "DA"),
    row("and so it allows a server in the same namespace there", RED, egress(peer(f"app: server, {IN_TWO}")), CLIENT, REMOTE_RED, "AA"),
    row("with the namespace it allows what was meant", RED, egress(peer(ALL_OF_THEM)), CLIENT, SERVER, "AA"),
    row("and nothing else", RED, egress(peer(ALL_OF_THEM)), CLIENT, NEIGHBOUR, "DA"),
    row("nor the world", RED, egress(peer(ALL_OF_THEM)), CLIENT, WORLD, "D-"),
    row("without a cluster it means any, then its own", RED, egress(peer(SERVERS)), CLIENT, SERVER, "AA", "DA"),
    row("and its own always", RED, egress(peer(SERVERS)), CLIENT, NEIGHBOUR, "AA"),
    row("a deny without a cluster opens with 1.19", RED, f"{{egressDeny: [{{{peer(SERVERS)}}}], egress: [{{toEntities: [all]}}]}}", CLIENT, SERVER, "DA", "AA"),
    row("an egress policy does not touch ingress", RED, egress(peer(ALL_OF_THEM)), SERVER, CLIENT, "AA"),
    row("a policy does not touch another namespace", f"{ONE}/blue", egress(peer(ALL_OF_THEM)), CLIENT, LOCAL, "AA"),
    row("a policy does not touch another cluster", f"{TWO}/red", "{egress: [{}]}", CLIENT, SERVER, "AA"),
    row("an empty entry allows no peer", RED, "{egress: [{}]}", CLIENT, SERVER, "DA"),
    row("an empty selector means the own namespace", RED, egress("toEndpoints: [{}]"), CLIENT, LOCAL, "AA"),
    row("in every cluster, then in its own", RED, egress("toEndpoints: [{}]"), CLIENT, REMOTE_RED, "AA", "DA"),
    row("an empty selector reaches no other namespace", RED, egress("toEndpoints: [{}]"), CLIENT, NEIGHBOUR, "DA"),
    row("an empty list selects no peer", RED, egress("toEndpoints: []"), CLIENT, LOCAL, "DA"),
    row("an empty list with ports selects no peer", RED, egress(f"toEndpoints: [], {TCP_8080}"), CLIENT, LOCAL, "DA"),
    row("ports without peers mean every peer", RED, egress(TCP_8080), CLIENT, SERVER, "AA"),
    row("even the world", RED, egress(TCP_8080), CLIENT, WORLD, "A-"),
    row("at those ports only", RED, egress(TCP_8080), CLIENT, SERVER, "DA", port=Port(8081)),
    row("and that protocol only", RED, egress(TCP_8080), CLIENT, SERVER, "DA", port=Port(8080, "UDP")),
    row("a port without a protocol means all three", RED, egress("toPorts: [{ports: [{port: '8080'}]}]"), CLIENT, SERVER, "AA", port=Port(8080, "SCTP")),
    row("ANY means all three", RED, egress("toPorts: [{ports: [{port: '53', protocol: ANY}]}]"), CLIENT, SERVER, "AA", port=Port(53, "UDP")),
    row("port 0 means every port", RED, egress("toPorts: [{ports: [{port: '0', protocol: TCP}]}]"), CLIENT, SERVER, "AA", port=Port(9999)),
    row("of its protocol", RED, egress("toPorts: [{ports: [{port: '0', protocol: TCP}]}]"), CLIENT, SERVER, "DA", port=Port(9999, "UDP")),
    row("a range has its first port", RED, egress("toPorts: [{ports: [{port: '8000', endPort: 8080, protocol: TCP}]}]"), CLIENT, SERVER, "AA", port=Port(8000)),
    row("and its last", RED, egress("toPorts: [{ports: [{port: '8000', endPort: 8080, protocol: TCP}]}]"), CLIENT, SERVER, "AA", port=Port(8080)),
    row("and no more", RED, egress("toPorts: [{ports: [{port: '8000', endPort: 8080, protocol: TCP}]}]"), CLIENT, SERVER, "DA", port=Port(8081)),
    row("a name stands for the destination's port, going out", RED, egress("toPorts: [{ports: [{port: http, protocol: TCP}]}]"), CLIENT, SERVER, "AA"),
    row("and coming in", BLUE_TWO, ingress("toPorts: [{ports: [{port: http, protocol: TCP}]}]"), CLIENT, SERVER, "AA"),
    row("and for no other", RED, egress("toPorts: [{ports: [{port: http, protocol: TCP}]}]"), CLIENT, SERVER, "DA", port=Port(8081)),
    row("a name that no port has matches no port", BLUE_TWO, ingress("toPorts: [{ports: [{port: grpc, protocol: TCP}]}]"), CLIENT, SERVER, "AD"),
    row("the world has no names for ports", RED, egress("toPorts: [{ports: [{port: http, protocol: TCP}]}]"), CLIENT, WORLD, "D-"),
    row("ICMP is no port", RED, egress("toEntities: [all], icmps: [{fields: [{type: 8}]}]"), CLIENT, SERVER, "DA"),
    row("rules of layer 7 let a connection through", BLUE_TWO, ingress("toPorts: [{ports: [{port: '8080', protocol: TCP}], rules: {http: [{method: GET}]}}]"), CLIENT, SERVER, "AA"),
    row("labels all have to match", RED, egress(peer(f"app: server, tier: back, {BLUE}, {IN_TWO}")), CLIENT, SERVER, "DA"),
    row("In", RED, egress(f"toEndpoints: [{{matchLabels: {{{BLUE}, {IN_TWO}}}, matchExpressions: [{{key: app, operator: In, values: [web, server]}}]}}]"), CLIENT, SERVER, "AA"),
    row("NotIn", RED, egress(f"toEndpoints: [{{matchLabels: {{{BLUE}, {IN_TWO}}}, matchExpressions: [{{key: app, operator: NotIn, values: [server]}}]}}]"), CLIENT, SERVER, "DA"),
    row("NotIn is true of a label that is not there", RED, egress(f"toEndpoints: [{{matchLabels: {{{BLUE}, {IN_TWO}}}, matchExpressions: [{{key: tier, operator: NotIn, values: [back]}}]}}]"), CLIENT, SERVER, "AA"),
    row("Exists", RED, egress(f"toEndpoints: [{{matchLabels: {{{BLUE}, {IN_TWO}}}, matchExpressions: [{{key: tier, operator: Exists}}]}}]"), CLIENT, SERVER, "DA"),
    row("DoesNotExist", RED, egress(f"toEndpoints: [{{matchLabels: {{{BLUE}, {IN_TWO}}}, matchExpressions: [{{key: tier, operator: DoesNotExist}}]}}]"), CLIENT, SERVER, "AA"),
    row("the cluster in an expression names it", RED, egress(f"toEndpoints: [{{matchLabels: {{{SERVERS}}}, matchExpressions: [{{key: {CLUSTER}, operator: Exists}}]}}]"), CLIENT, SERVER, "AA"),
    row("the cluster may be excluded", RED, egress(f"toEndpoints: [{{matchLabels: {{{SERVERS}}}, matchExpressions: [{{key: {CLUSTER}, operator: NotIn, values: [cluster-2]}}]}}]"), CLIENT, SERVER, "DA"),
    row("the namespace in an expression names it", RED, egress(f"toEndpoints: [{{matchLabels: {{{IN_TWO}}}, matchExpressions: [{{key: {NAMESPACE}, operator: Exists}}]}}]"), CLIENT, SERVER, "AA"),
    row("a namespace's label names it too", RED, egress(peer(f"io.cilium.k8s.namespace.labels.team: blue, {IN_TWO}")), CLIENT, SERVER, "AA"),
    row("its own label is its name", RED, egress(peer(f"io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: blue, {IN_TWO}")), CLIENT, SERVER, "AA"),
    row("a service account is a label", RED, egress(peer(f"io.cilium.k8s.policy.serviceaccount: server, {BLUE}, {IN_TWO}")), CLIENT, SERVER, "AA"),
    row("k8s: is where the labels of pods come from", RED, egress(peer(f"'k8s:app': server, 'k8s:{NAMESPACE}': blue, 'k8s:{CLUSTER}': cluster-2")), CLIENT, SERVER, "AA"),
    row("any: is any source", RED, egress(peer(f"'any:app': server, 'any:{NAMESPACE}': blue, 'any:{CLUSTER}': cluster-2")), CLIENT, SERVER, "AA"),
    row("container: is none", RED, egress(peer(f"'container:app': server, {BLUE}, {IN_TWO}")), CLIENT, SERVER, "DA"),
    row("reserved: is no pod's", RED, egress(peer("'reserved:host': ''")), CLIENT, SERVER, "DA"),
    row("reserved:world is the world", RED, egress(peer("'reserved:world': ''")), CLIENT, WORLD, "A-"),
    row("the own namespace in a subject changes nothing", RED, f"{{endpointSelector: {{matchLabels: {{'k8s:{NAMESPACE}': blue}}}}, egress: [{{}}]}}", CLIENT, SERVER, "DA"),
    row("a subject of another cluster selects no pod", RED, f"{{endpointSelector: {{matchLabels: {{{IN_TWO}}}}}, egress: [{{}}]}}", CLIENT, SERVER, "AA"),
    row("a subject is chosen by its labels", RED, "{endpointSelector: {matchLabels: {app: other}}, egress: [{}]}", CLIENT, SERVER, "AA"),
    row("all is every peer", RED, egress("toEntities: [all]"), CLIENT, SERVER, "AA"),
    row("cluster is no other cluster's pod", RED, egress("toEntities: [cluster]"), CLIENT, SERVER, "DA"),
    row("but every pod of its own", RED, egress("toEntities: [cluster]"), CLIENT, NEIGHBOUR, "AA"),
    row("and its nodes", RED, egress("toEntities: [cluster]"), CLIENT, NODE, "A-"),
    row("cluster-mesh is every cluster's", RED, egress("toEntities: [cluster-mesh]"), CLIENT, SERVER, "AA"),
    row("world is no pod of another cluster", RED, egress("toEntities: [world]"), CLIENT, SERVER, "DA"),
    row("but an address elsewhere", RED, egress("toEntities: [world]"), CLIENT, WORLD, "A-"),
    row("the API server of EKS is in the world", RED, egress("toEntities: [world]"), CLIENT, API, "A-"),
    row("and has a name", RED, egress("toEntities: [kube-apiserver]"), CLIENT, API, "A-"),
    row("host is the pod's own node", RED, egress("toEntities: [host]"), CLIENT, HOST, "A-"),
    row("and no other", RED, egress("toEntities: [host]"), CLIENT, NODE, "D-"),
    row("none is no peer", RED, egress("toEntities: [none]"), CLIENT, SERVER, "DA"),
    row("a network selects addresses", RED, egress("toCIDR: [203.0.113.0/24]"), CLIENT, WORLD, "A-"),
    row("an address is a network", RED, egress("toCIDR: [203.0.113.5]"), CLIENT, WORLD, "A-"),
    row("a network selects no pods, whatever their addresses", RED, egress("toCIDR: [0.0.0.0/0]"), CLIENT, SERVER, "DA"),
    row("nor nodes", RED, egress("toCIDR: [0.0.0.0/0]"), CLIENT, NODE, "D-"),
    row("an exception is left out", RED, egress("toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]"), CLIENT, INSIDE, "D-"),
    row("of that network alone", RED, egress("toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {cidr: 10.1.2.0/24}]"), CLIENT, INSIDE, "A-"),
    row("host bits do not matter", RED, egress("toCIDRSet: [{cidr: 10.9.9.9/8}]"), CLIENT, INSIDE, "A-"),
    row("a denial beats an allowance", RED, f"{{egress: [{{toEntities: [all]}}], egressDeny: [{{{peer(ALL_OF_THEM)}}}]}}", CLIENT, SERVER, "DA"),
    row("a broad denial beats a narrow allowance", RED, f"{{egressDeny: [{{toEntities: [all]}}], egress: [{{{peer(ALL_OF_THEM)}, {TCP_8080}}}]}}", CLIENT, SERVER, "DA"),
    row("a denial of one port leaves the others", RED, f"{{egress: [{{toEntities: [all]}}], egressDeny: [{{toEntities: [all], {TCP_8080}}}]}}", CLIENT, SERVER, "AA", port=Port(8081)),
    row("a denial of another policy counts", RED, (egress("toEntities: [all]"), f"{{egressDeny: [{{{peer(ALL_OF_THEM)}}}]}}"), CLIENT, SERVER, "DA"),
    row("a denial alone denies the rest by default", RED, "{egressDeny: [{toEntities: [world]}]}", CLIENT, SERVER, "DA"),
    row("unless that is switched off", RED, "{enableDefaultDeny: {egress: false}, egressDeny: [{toEntities: [world]}]}", CLIENT, SERVER, "AA"),
    row("then it still denies what it names", RED, "{enableDefaultDeny: {egress: false}, egressDeny: [{toEntities: [world]}]}", CLIENT, WORLD, "D-"),
    row("one policy that denies by default is enough", RED, ("{enableDefaultDeny: {egress: false}, egress: [{toEntities: [world]}]}", "{egress: [{}]}"), CLIENT, SERVER, "DA"),
    row("switched on without a rule it does nothing", RED, "{enableDefaultDeny: {egress: true, ingress: true}, ingress: [{}]}", CLIENT, SERVER, "AA"),
    row("ingress is decided in the destination's cluster", BLUE_TWO, ingress(peer(f"app: client, {NAMESPACE}: red, {IN_ONE}", "fromEndpoints")), CLIENT, SERVER, "AA"),
    row("where the client is in another cluster", BLUE_TWO, ingress(peer(f"app: client, {NAMESPACE}: red", "fromEndpoints")), CLIENT, SERVER, "AA", "AD"),
    row("an ingress policy denies every other peer", BLUE_TWO, ingress(peer(f"app: client, {NAMESPACE}: red, {IN_ONE}", "fromEndpoints")), LOCAL, SERVER, "AD"),
    row("fromEntities cluster denies the other cluster", BLUE_TWO, ingress("fromEntities: [cluster]"), CLIENT, SERVER, "AD"),
    row("ingressDeny", BLUE_TWO, f"{{ingress: [{{fromEntities: [all]}}], ingressDeny: [{{{peer(f'app: client, {NAMESPACE}: red, {IN_ONE}', 'fromEndpoints')}}}]}}", CLIENT, SERVER, "AD"),
    row("a node reaches its own pods nevertheless", BLUE_TWO, "{ingress: [{}]}", HOST, SERVER, "-A"),
    row("unless it is denied", BLUE_TWO, "{ingressDeny: [{fromEntities: [host]}]}", HOST, SERVER, "-D"),
    row("other nodes do not", BLUE_TWO, "{ingress: [{}]}", NODE, SERVER, "-D"),
    row("a clusterwide policy selects pods of every namespace", ONE, "{egress: [{}]}", CLIENT, SERVER, "DA"),
    row("its peers are in any namespace", ONE, egress("toEndpoints: [{}]"), CLIENT, NEIGHBOUR, "AA"),
    row("of any cluster, then of its own", ONE, egress("toEndpoints: [{}]"), CLIENT, SERVER, "AA", "DA"),
    row("but always pods", ONE, egress("toEndpoints: [{}]"), CLIENT, WORLD, "D-"),
    row("policies may always be enforced", TWO, (), CLIENT, SERVER, "DD", mode=Mode.ALWAYS),
    row("or never", RED, "{egress: [{}]}", CLIENT, SERVER, "AA", mode=Mode.NEVER),
    row("a DNS name is never a pod", RED, egress("toFQDNs: [{matchName: example.com}]"), CLIENT, SERVER, "DA"),
    row("DNS has to be allowed as anything else", RED, egress(peer(ALL_OF_THEM)), CLIENT, DNS, "DA", port=Port(53, "UDP")),
    row("and is, by its namespace and label", RED, egress(f"{peer(f'k8s-app: kube-dns, {NAMESPACE}: kube-system, {IN_ONE}')}, toPorts: [{{ports: [{{port: '53', protocol: UDP}}]}}]"), CLIENT, DNS, "AA", port=Port(53, "UDP")),
)
# fmt: on
