"""An overview groups many flows by namespace and workload, the most open first, and loses none of them."""

import pytest

from eks_cilium.policy.objects import Policy
from eks_cilium.policy.overview import rendering
from eks_cilium.policy.overview.building import Overview, overview
from eks_cilium.policy.overview.places import Directory, Place, place_of
from eks_cilium.policy.verdict import Cluster, Decision, Entity, Evaluator, Flow, Pod, Port, SelectorScope
from eks_cilium.policy.verdict.live import Workload

pytestmark = pytest.mark.unit

HTTP = (Port(80),)


def workload(namespace: str, name: str, version: str = "") -> Workload:
    labels = {"app": name, **({"version": version} if version else {})}
    pod = Pod("one", namespace, labels, {}, "default", {}, has_identity=True)
    return Workload(pod, (f"{name}-0",), HTTP, name)


def policy(namespace: str, peers: list[str], name: str = "only") -> Policy:
    """A policy that lets the apps in, of its own namespace, to every pod of the namespace."""
    peer = [{"matchLabels": {"app": app}} for app in peers]
    spec = {"endpointSelector": {}, "ingress": [{"fromEndpoints": peer}]}
    metadata = {"name": name, "namespace": namespace}
    return Policy("one", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})


def surveyed(workloads: list[Workload], *policies: Policy) -> Overview:
    ends = [(each.pod, place_of(each.pod, each)) for each in workloads]
    evaluator = Evaluator([Cluster("one", SelectorScope.OWN_CLUSTER, policies)])
    return overview(evaluator, ends, [(pod, place, HTTP) for pod, place in ends])


def shown(found: Overview) -> list[tuple[str, ...]]:
    return list(rendering.cells(found.rows(), found.directory()))


SHOP = [workload("shop", name) for name in ("cart", "front", "search")]
DATA = [workload("data", name) for name in ("db", "cache")]


def test_workloads_that_are_reached_alike_share_a_row_and_the_most_open_come_first() -> None:
    assert shown(surveyed([*SHOP, *DATA], policy("data", ["db"]))) == [
        ("one/shop/*", "80/TCP", "4 of 4", "every workload"),
        ("one/data/cache", "80/TCP", "1 of 4", "one/data/db"),
        ("one/data/db", "80/TCP", "0 of 4", "none"),
    ]


def test_a_workload_of_several_identities_is_one_that_may_be_open_in_part() -> None:
    old, new = workload("shop", "front", "1"), workload("shop", "front", "2")
    peer = {"matchLabels": {"app": "front", "version": "1", "io.kubernetes.pod.namespace": "shop"}}
    spec = {"endpointSelector": {}, "ingress": [{"fromEndpoints": [peer]}]}
    metadata = {"name": "old", "namespace": "data"}
    only_old = Policy("one", {"kind": "CiliumNetworkPolicy", "metadata": metadata, "spec": spec})

    rows = shown(surveyed([old, new, DATA[0]], only_old))

    assert ("one/data/db", "80/TCP", "1 of 1", "in part one/shop/front") in rows


def test_ports_that_the_same_sources_reach_share_a_row() -> None:
    ends = [(each.pod, place_of(each.pod, each)) for each in SHOP[:2]]
    ports = (Port(8080), Port(53, "UDP"), Port(80))
    evaluator = Evaluator([Cluster("one", SelectorScope.OWN_CLUSTER)])

    found = overview(evaluator, ends, [(pod, place, ports) for pod, place in ends])

    assert shown(found) == [("every workload", "53/UDP, 80/TCP, 8080/TCP", "1 of 1", "every workload")]


def test_whole_clusters_and_namespaces_are_one_word() -> None:
    places = [Place("a", "x", "1"), Place("a", "x", "2"), Place("a", "y", "1"), Place("b", "x", "1")]
    directory = Directory(places)

    assert directory.text(places, 4) == "every workload"
    assert directory.text(places[:3], 4) == "a/*"
    assert directory.text(places[:2], 4) == "a/x/*"
    assert directory.text(places[:1], 4) == "a/x/1"
    assert directory.text(places[1:], 4, besides=places[0]) == "every workload"
    assert directory.text([places[0], places[2], places[3]], 1) == "a/x/1 and 2 more"
    three = Directory([Place("a", "x", name) for name in "123"])
    assert three.text([Place("a", "x", "1"), Place("a", "x", "2")], 4) == "a/x/{1, 2}"
    assert directory.text([Place("", "", "world"), places[0]], 4) == "a/x/1, world"


def test_an_endpoint_that_is_no_pod_is_named_by_itself() -> None:
    assert str(place_of(Entity("world"))) == "world"


def test_the_document_has_every_verdict() -> None:
    workloads = [*SHOP, *DATA]
    policies = policy("data", ["db"]), policy("shop", ["cart"], "shop")
    found = rendering.document(surveyed(workloads, *policies))

    evaluator = Evaluator([Cluster("one", SelectorScope.OWN_CLUSTER, policies)])
    names = [each["place"] for each in found["endpoints"]]
    written = {
        (names[source], names[each["to"]], decision)
        for each in found["reached"]
        for decision in map(str, Decision)
        for source in each.get(decision, ())
    }
    assert written == {
        (
            str(place_of(source.pod, source)),
            str(place_of(to.pod, to)),
            str(evaluator.evaluate(Flow(source.pod, to.pod, HTTP[0])).decision),
        )
        for source in workloads
        for to in workloads
        if source is not to
    }
    assert sum(found["counts"].values()) == len(written)
