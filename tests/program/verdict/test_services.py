"""`toServices` means the pods or addresses behind the Services of the cluster, as its release has it."""

import pytest
import yaml

from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Endpoint,
    Evaluator,
    Flow,
    Pod,
    Port,
    SelectorScope,
)
from eks_cilium.policy.verdict.model import Service
from lab.toolchain import Toolchain
from tests.program.verdict.oracle import Case, ours, theirs

CLIENT = Pod("cluster-1", "red", {"app": "client"}, {}, "default", {})
WEB = Pod("cluster-1", "blue", {"app": "web"}, {}, "default", {})
OTHER_CLUSTER = Pod("cluster-2", "blue", {"app": "web"}, {}, "default", {})
DATABASE = Address("203.0.113.9")
SERVICES = (
    Service("blue", "web", {"tier": "front"}, {"app": "web"}, ("10.0.3.4",)),
    Service("red", "database", {"tier": "back"}, {}, ("203.0.113.9",)),
)
BY_NAME = "[{k8sService: {serviceName: web, namespace: blue}}]"
BY_LABELS = "[{k8sServiceSelector: {selector: {matchLabels: {tier: front}}}}]"
OUTSIDE = "[{k8sService: {serviceName: database}}]"
GONE = "[{k8sService: {serviceName: gone}}]"


def policy(spec: str) -> Policy:
    metadata = {"name": "rule", "namespace": "red"}
    written = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": metadata}
    return Policy("cluster-1", {**written, "spec": yaml.safe_load(spec)})


def egress(
    entries: str,
    to: Endpoint,
    version: str = "1.20.2",
    *,
    services: tuple[Service, ...] | None = SERVICES,
    port: int = 80,
    scope: SelectorScope = SelectorScope.ANY_CLUSTER,
) -> str:
    found = policy(f"{{endpointSelector: {{}}, {entries}}}")
    clusters = [
        Cluster("cluster-1", scope, (found,), agents=Agents(version), services=services),
        Cluster("cluster-2", scope),
    ]
    return str(Evaluator(clusters).evaluate(Flow(CLIENT, to, Port(port))).egress.decision)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("services", "to", "expected"),
    [
        (BY_NAME, WEB, "allowed"),
        (BY_LABELS, WEB, "allowed"),
        (BY_NAME, CLIENT, "denied"),
        (BY_NAME, DATABASE, "denied"),
        (OUTSIDE, DATABASE, "allowed"),
        (OUTSIDE, Address("203.0.113.10"), "denied"),
        (OUTSIDE, WEB, "denied"),
        (GONE, WEB, "denied"),
        ("[{k8sService: {serviceName: web, namespace: red}}]", WEB, "denied"),
        ("[{k8sServiceSelector: {namespace: red, selector: {matchLabels: {tier: front}}}}]", WEB, "denied"),
        ("[{k8sServiceSelector: {selector: {matchLabels: {'k8s:tier': front}}}}]", WEB, "allowed"),
    ],
)
def test_what_is_behind_a_service_is_allowed(services: str, to: Endpoint, expected: str) -> None:
    assert egress(f"egress: [{{toServices: {services}}}]", to) == expected


@pytest.mark.unit
@pytest.mark.parametrize("version", ["1.12.4", "1.15.19", "1.16.19"])
def test_up_to_1_16_a_service_with_a_selector_means_no_pod(version: str) -> None:
    assert egress(f"egress: [{{toServices: {BY_NAME}}}]", WEB, version) == "denied"
    assert egress(f"egress: [{{toServices: {OUTSIDE}}}]", DATABASE, version) == "allowed"


@pytest.mark.unit
def test_the_selector_of_a_service_means_the_own_cluster_where_selectors_do() -> None:
    entries = f"egress: [{{toServices: {BY_NAME}}}]"

    assert egress(entries, OTHER_CLUSTER) == "allowed"
    assert egress(entries, OTHER_CLUSTER, scope=SelectorScope.OWN_CLUSTER) == "denied"


@pytest.mark.unit
def test_a_service_that_does_not_exist_beside_ports_opens_these_ports_to_everybody() -> None:
    entries = f"egress: [{{toServices: {GONE}, toPorts: [{{ports: [{{port: '80'}}]}}]}}]"

    assert egress(entries, WEB) == "allowed"
    assert egress(entries, DATABASE) == "allowed"
    assert egress(entries, WEB, port=81) == "denied"


@pytest.mark.unit
def test_services_of_an_entry_that_denies_are_never_looked_up() -> None:
    denying = f"egressDeny: [{{toServices: {BY_NAME}}}]"
    assert egress(f"egress: [{{toEntities: [all]}}], {denying}", WEB) == "allowed"

    (finding,) = check(policy(f"{{endpointSelector: {{}}, {denying}}}"), "1.20.2")
    assert finding.key == "spec.egressDeny[0].toServices"


@pytest.mark.control_plane
def test_cilium_reads_an_entry_whose_services_do_not_exist_alike(toolchain: Toolchain) -> None:
    ports = "toPorts: [{ports: [{port: '80', protocol: TCP}]}]"
    entries = (
        f"egress: [{{toServices: {GONE}}}]",
        f"egress: [{{toServices: {GONE}, {ports}}}]",
        f"egress: [{{toEntities: [all]}}], egressDeny: [{{toServices: {GONE}}}]",
        f"egress: [{{toEntities: [all]}}], egressDeny: [{{toServices: {GONE}, {ports}}}]",
    )
    cases = [
        Case(
            (
                Cluster(
                    "cluster-1",
                    SelectorScope.OWN_CLUSTER,
                    (policy(f"{{endpointSelector: {{}}, {each}}}"),),
                    services=(),
                ),
            ),
            tuple(Flow(CLIENT, to, Port(port)) for to in (WEB, DATABASE) for port in (80, 81)),
            each,
        )
        for each in entries
    ]

    assert [ours(case) for case in cases] == theirs(toolchain.oracle(), cases)


@pytest.mark.unit
def test_services_that_are_not_known_leave_the_flow_undecided() -> None:
    assert egress(f"egress: [{{toServices: {BY_NAME}}}]", WEB, services=None) == "undecided"
