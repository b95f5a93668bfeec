"""Policy files and objects of the API with many faults, which have to end in messages (test_fuzz).

`Fuzz` reads policies from files and objects, `LiveFuzz` runs what `eks-cilium verdict` and the preview of a
mesh do with whole clusters.
"""

from __future__ import annotations

import json
import random
from io import StringIO
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from eks_cilium.cli.output import print_parts
from eks_cilium.cli.verdict import printing, survey
from eks_cilium.cli.verdict.command import judged, surveyed
from eks_cilium.cli.verdict.options import MOST_FLOWS
from eks_cilium.cli.verdict.traffic import traffic_between
from eks_cilium.clients.kubernetes import KubernetesApi, Patience
from eks_cilium.cluster.cilium_objects import cilium_objects
from eks_cilium.errors import UserError
from eks_cilium.policy.effects import newly_denied
from eks_cilium.policy.objects import Policy, check
from eks_cilium.policy.objects.checking import clusters_named, unknown_clusters
from eks_cilium.policy.objects.documents import parse_policies
from eks_cilium.policy.overview.differences import differences, with_policies
from eks_cilium.policy.verdict import Cluster, Evaluator, Pod, SelectorScope
from eks_cilium.policy.verdict.changes import selector_changes
from eks_cilium.policy.verdict.labels import identity_of
from eks_cilium.policy.verdict.live import live_cluster
from eks_cilium.policy.verdict.options import OPTIONS
from tests.program.verdict.generation import ADDRESSES
from tests.program.verdict.mutants import VALUES, WORDS, Mutants, places
from tests.program.verdict.oracle import ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.cli.verdict.traffic import Traffic
    from eks_cilium.policy.verdict.live import LiveCluster

RELEASES = ("1.12.4", "1.15.19", "1.16.19", "1.17.15", "1.18.11", "1.19.7", "1.20.2")
IMAGES = (*RELEASES, *RELEASES, "1.20.2@sha256:0", "latest", "1.99.0", "0.0.1", "")
GARBAGE = (*WORDS, "\t", "\0", "&a ", "*a", "<<: *a\n", "!!binary ", "- ", "{", "\u2028")
SETTINGS = (
    "true",
    "false",
    "",
    "x",
    "always",
    "never",
    "Default",
    "nodes",
    "nodes pods",
    "k8s:!app",
    "[",
    "[/x]",
)
ENDS = (
    "*/*",
    "*/*",
    "*/red",
    "cluster-1/*",
    "cluster-1/blue/app=a",
    "entity:host",
    "entity:world",
    "entity:x",
    "/",
)
PORTS = ("80/TCP", "8000-8100/TCP", "53/UDP", "ICMP", "EchoRequest/ICMP", "1-65535/SCTP", "0/TCP", "x")
COLLECTIONS = {
    "CiliumNetworkPolicy": "/apis/cilium.io/v2/ciliumnetworkpolicies",
    "CiliumClusterwideNetworkPolicy": "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
    "ClusterNetworkPolicy": "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
    "CiliumEndpoint": "/apis/cilium.io/v2/ciliumendpoints",
    "Pod": "/api/v1/pods",
    "CiliumCIDRGroup": "/apis/cilium.io/v2/ciliumcidrgroups",
    "CiliumNodeConfig": "/apis/cilium.io/v2/ciliumnodeconfigs",
    "Service": "/api/v1/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
}
CONFIG = "/api/v1/namespaces/kube-system/configmaps/cilium-config"


class Fuzz:
    """Objects and files with many faults; what happens depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._mutants = Mutants(seed)

    def step(self) -> None:
        """Read an object as one of the API's, and as one in a file."""
        case = self._mutants.case()
        written = json.loads(json.dumps(case.clusters[0].policies[0].object))
        for _ in range(self._random.randint(0, 4)):
            self._spoil(written)
        version = self._random.choice(RELEASES)
        self._as_object(written, version)
        ours(case)
        text = yaml.safe_dump(written)
        self._as_file(text, version)
        self._as_file(self._garbled(text), version)

    def _spoil(self, written: dict[str, Any]) -> None:
        holder: dict[Any, Any] = written
        while (inner := [each for each in holder.values() if isinstance(each, dict) and each]) and (
            self._random.random() < 0.6
        ):
            holder = self._random.choice(inner)
        key = self._random.choice((*holder, 5, None, "metadata", "spec", "specs", "kind"))
        holder[key] = json.loads(json.dumps(self._random.choice(VALUES)))

    def _as_object(self, written: dict[str, Any], version: str) -> None:
        policy = Policy("cluster-1", written)
        check(policy, version)
        clusters_named(policy)
        selector_changes((policy,))
        cluster = Cluster("cluster-1", SelectorScope.OWN_CLUSTER, (policy,))
        assert all(str(each.why) for each in Evaluator([cluster]).not_evaluated)

    def _as_file(self, text: str, version: str) -> None:
        try:
            found = parse_policies(text, cluster="cluster-1", origin="policies/file.yaml")
        except UserError:
            return
        for policy in found:
            if not check(policy, version):
                list(unknown_clusters(policy, {"cluster-1"}))

    def _garbled(self, text: str) -> str:
        for _ in range(self._random.randint(1, 5)):
            first, last = sorted(self._random.randint(0, len(text)) for _ in range(2))
            word = self._random.choice(GARBAGE)
            text = text[:first] + word + text[first if self._random.random() < 0.7 else last :]
        return text


class LiveFuzz:
    """Running clusters whose objects have many faults; what happens depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._mutants = Mutants(seed)

    def step(self) -> None:
        """Read two clusters, and print everything that may be asked about them."""
        try:
            clusters = [self._cluster("cluster-1"), self._cluster("cluster-2")]
        except UserError:
            return
        for _ in range(2):
            try:
                traffic = traffic_between(clusters, self._end(), self._end(), self._ports())
                self._ask(clusters, traffic)
            except UserError:
                continue
        self._preview(clusters)

    def _cluster(self, name: str) -> LiveCluster:
        objects = self._objects(name)
        for _ in range(self._random.randint(0, 6)):
            items = self._random.choice([each for each in objects.values() if each])
            self._spoil(self._random.choice(items))
        (config,) = objects.pop("ConfigMap")
        answers = {COLLECTIONS[kind]: {"items": items} for kind, items in objects.items()}
        return live_cluster(cilium_objects(_api({CONFIG: config, **answers}), "context one"))

    def _ask(self, clusters: list[LiveCluster], traffic: Traffic) -> None:
        if traffic.count > MOST_FLOWS or self._random.random() < 0.3:
            found = surveyed(clusters, traffic)
            survey.text(found, 5), survey.markdown(found, 0), json.dumps(survey.document(found))
            print_parts(survey.pretty(found, 5), StringIO())
            return
        why = self._random.random() < 0.7
        flows = tuple(traffic.flows())[: 4 if why else None]
        answer = judged(clusters, flows, why=why)
        printing.text(answer), printing.markdown(answer), json.dumps(printing.document(answer))
        print_parts(printing.pretty(answer), StringIO())

    def _preview(self, clusters: list[LiveCluster]) -> None:
        wanted = [self._mutants.case().clusters[0].policies[0] for _ in range(2)]
        new = [policy for policy in wanted if not check(policy, "1.20.2", any_cluster=True)]
        found = differences(clusters, [with_policies(each.cluster, new) for each in clusters])
        for opens in (False, True):
            found.lines(opens=opens, most=3)
        live = {each.cluster.name: each for each in clusters}
        for denied in newly_denied(new, [each.cluster for each in clusters], live):
            str(denied)

    def _end(self) -> str:
        text = self._random.choice((*ENDS, *ADDRESSES))
        if self._random.random() < 0.1:
            place = self._random.randint(0, len(text))
            text = text[:place] + self._random.choice(GARBAGE) + text[place:]
        return text

    def _ports(self) -> tuple[str, ...]:
        return tuple(
            self._random.choices(PORTS, weights=(4, 4, 3, 3, 2, 2, 1, 1), k=self._random.randint(0, 2))
        )

    def _objects(self, name: str) -> dict[str, list[dict[str, Any]]]:
        cases = [self._mutants.case(3) for _ in range(2)]
        objects: dict[str, list[dict[str, Any]]] = {kind: [] for kind in COLLECTIONS}
        for number, case in enumerate(cases):
            policy = json.loads(json.dumps(case.clusters[0].policies[0].object))
            policy["metadata"]["name"] += f"-{number}"
            objects[policy["kind"]].append(policy)
            ends = {id(end): end for flow in case.flows for end in (flow.source, flow.destination)}
            for place, end in enumerate(ends.values()):
                if isinstance(end, Pod):
                    made = _pod_and_endpoint(
                        name, f"pod-{number}-{place}", end, self._random.choice(ADDRESSES)
                    )
                    objects["Pod"].append(made[0])
                    objects["CiliumEndpoint"].append(made[1])
        objects["Pod"].append(_agent(self._random.choice(IMAGES)))
        objects["ConfigMap"] = [{"data": {"cluster-name": name, **self._settings()}}]
        return {**objects, **self._fewer()}

    def _settings(self) -> dict[str, str]:
        keys = self._random.sample(OPTIONS, self._random.randint(0, 4))
        return {key: self._random.choice(SETTINGS) for key in keys}

    def _fewer(self) -> dict[str, list[dict[str, Any]]]:
        """What few clusters have, each in some of the cases."""
        subject = {"subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": []}]}
        labels = {"kubernetes.io/service-name": "web"}
        found: dict[str, dict[str, Any]] = {
            "ClusterNetworkPolicy": {"metadata": {"name": "all"}, "spec": {"tier": "Admin", **subject}},
            "CiliumCIDRGroup": {"metadata": {"name": "office"}, "spec": {"externalCIDRs": ["10.0.0.0/8"]}},
            "CiliumNodeConfig": {"metadata": {"name": "some"}, "spec": {"defaults": self._settings()}},
            "Service": {
                "metadata": {"name": "web", "namespace": "red"},
                "spec": {"selector": {"app": "a"}, "clusterIPs": ["172.20.0.1"]},
            },
            "EndpointSlice": {
                "metadata": {"name": "web-1", "namespace": "red", "labels": labels},
                "endpoints": [{"addresses": ["10.1.2.3"]}],
            },
        }
        return {kind: [item] for kind, item in found.items() if self._random.random() < 0.5}

    def _spoil(self, item: dict[str, Any]) -> None:
        """Delete, replace or misspell something anywhere in an object."""
        found = list(places(item))
        if not found:
            return  # nothing is left of it
        holder, key = self._random.choice(found)
        fault = self._random.random()
        if fault < 0.25:
            del holder[key]
        elif fault < 0.5 and isinstance(holder[key], str):
            place = self._random.randint(0, len(holder[key]))
            holder[key] = holder[key][:place] + self._random.choice(GARBAGE) + holder[key][place:]
        else:
            holder[key] = json.loads(json.dumps(self._random.choice(VALUES)))


def _pod_and_endpoint(
    cluster: str, name: str, pod: Pod, address: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    metadata = {"name": name, "namespace": pod.namespace}
    ports = [
        {"name": name, "containerPort": port.number, "protocol": port.protocol}
        for name, port in (pod.named_ports or {}).items()
    ]
    labels = [
        f"{source}:{key}={cluster if value == pod.cluster else value}"
        for source, key, value in identity_of(pod).labels
    ]
    owner = {"kind": "ReplicaSet", "name": "web-5d9", "controller": True}
    running = {
        "metadata": {**metadata, "labels": {"pod-template-hash": "5d9"}, "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "app", "image": "app:1", "ports": ports}]},
        "status": {"hostIP": "10.9.0.1"},
    }
    status = {
        "identity": {"labels": labels},
        "named-ports": [{"name": each["name"], "port": each["containerPort"]} for each in ports],
        "networking": {"addressing": [{"ipv4": address}]},
    }
    return running, {"metadata": dict(metadata), "status": status}


def _agent(tag: str) -> dict[str, Any]:
    agent = {"name": "cilium-agent", "image": f"quay.io/cilium/cilium:v{tag}"}
    return {
        "metadata": {"name": "cilium-x", "namespace": "kube-system"},
        "spec": {"hostNetwork": True, "containers": [agent]},
    }


def _api(answers: dict[str, Any]) -> KubernetesApi:
    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path)
        return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)

    return KubernetesApi("https://cluster", None, transport=httpx.MockTransport(answer), patience=Patience(1))


def fuzzers(seed: int) -> Iterator[Fuzz | LiveFuzz]:
    """The two in turns, without an end."""
    both = Fuzz(seed), LiveFuzz(seed)
    while True:
        yield from both
