"""Compares verdicts on cases with those of Cilium's own policy engine, which lab/oracle wraps."""

import ipaddress
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.verdict import (
    Address,
    Cluster,
    Decision,
    Endpoint,
    Entity,
    Evaluator,
    Flow,
    Pod,
    SelectorScope,
)
from eks_cilium.policy.verdict.labels import KUBERNETES, NAMESPACE_NAME, SERVICE_ACCOUNT_LABEL, network


@dataclass(frozen=True)
class Case:
    """Clusters, and flows between them to evaluate."""

    clusters: tuple[Cluster, ...]
    flows: tuple[Flow, ...]
    title: str = ""


Both = tuple[str, str]
"""The decisions on egress and ingress; empty where the endpoint is no pod."""


def ours(case: Case) -> list[Both]:
    verdicts = map(Evaluator(case.clusters).evaluate, case.flows)
    return [(_text(verdict.egress.decision), _text(verdict.ingress.decision)) for verdict in verdicts]


Refused = set[tuple[str, int]]
"""The policies that agents refuse, each by its cluster and its index there."""


def refused_by_us(case: Case) -> Refused:
    return {
        (cluster.name, index)
        for cluster in case.clusters
        for index, policy in enumerate(cluster.policies)
        if any(
            "agents " in each.why for each in Evaluator([replace(cluster, policies=(policy,))]).not_evaluated
        )
    }


def theirs(oracle: Path, cases: Iterable[Case]) -> list[list[Both]]:
    """Cilium's decisions on each case. Fails on a case that the oracle cannot read."""
    return [both_of(answer) for answer in answers_of(oracle, cases)]


def both_of(answer: dict[str, Any]) -> list[Both]:
    """Cilium's decisions in an answer of the oracle."""
    return [(verdict.get("egress", ""), verdict.get("ingress", "")) for verdict in answer["verdicts"]]


def refused_by_cilium(oracle: Path, cases: Iterable[Case]) -> list[Refused]:
    """The policies of each case that Cilium refuses."""
    return [
        {(name, int(index)) for name, by_index in answer.get("refused", {}).items() for index in by_index}
        for answer in answers_of(oracle, cases)
    ]


def answers_of(oracle: Path, cases: Iterable[Case]) -> list[dict[str, Any]]:
    """The oracle's answers as it writes them."""
    lines = "".join(f"{json.dumps(as_asked(case))}\n" for case in cases)
    done = subprocess.run([oracle], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [(index, answer["error"]) for index, answer in enumerate(answers) if "error" in answer]
    assert not wrong, wrong[:5]
    return answers


def disagreements(cases: Sequence[Case], answers: Sequence[list[Both]]) -> list[str]:
    """The flows on which the two differ, each with everything that is needed to reproduce it."""
    return [
        f"{case.title}: {flow}: ours {decided}, Cilium's {expected}\n{json.dumps(as_asked(case), indent=1)}"
        for case, answer in zip(cases, answers, strict=True)
        for flow, decided, expected in zip(case.flows, ours(case), answer, strict=True)
        if decided != expected
    ]


def as_asked(case: Case) -> dict[str, Any]:
    """A case in the form that the oracle reads from its standard input."""
    # By their place in memory: comparing each with all others is most of the time of a large case.
    ends = {id(end): end for flow in case.flows for end in (flow.source, flow.destination)}
    places = {key: place for place, key in enumerate(ends)}
    clusters = {cluster.name: cluster for cluster in case.clusters}
    return {
        "clusters": {
            cluster.name: {
                "mode": str(cluster.mode),
                "ownCluster": cluster.selector_scope is SelectorScope.OWN_CLUSTER,
                "cidrMatchMode": sorted(cluster.cidr_selects),
                "labels": cluster.agents.labels,
                "policies": [policy.object for policy in cluster.policies],
            }
            for cluster in case.clusters
        },
        "endpoints": [_endpoint(end, clusters) for end in ends.values()],
        "flows": [
            {
                "from": places[id(flow.source)],
                "to": places[id(flow.destination)],
                "port": flow.port.number,
                "protocol": flow.port.protocol,
            }
            for flow in case.flows
        ],
    }


def _endpoint(endpoint: Endpoint, clusters: Mapping[str, Cluster]) -> dict[str, Any]:
    match endpoint:
        case Entity():
            return {"entity": endpoint.name}
        case Address():
            return {"address": endpoint.address}
        case Pod():
            labels = [f"{KUBERNETES}:{key}={value}" for key, value in _all_labels(endpoint).items()]
            labels += _networks_of(endpoint, clusters[endpoint.cluster])
            named = {
                name: {"number": port.number, "protocol": port.protocol}
                for name, port in (endpoint.named_ports or {}).items()
            }
            return {"cluster": endpoint.cluster, "labels": labels, "namedPorts": named}


def _all_labels(pod: Pod) -> dict[str, str]:
    """The labels from which agents take those of the identity (k8s.GetPodMetadata in pkg/k8s)."""
    of_namespace = {NAMESPACE_NAME: pod.namespace, **(pod.namespace_labels or {})}
    account = {} if pod.service_account is None else {SERVICE_ACCOUNT_LABEL: pod.service_account}
    return {
        **pod.labels,
        **{f"{NAMESPACE_LABELS}.{key}": value for key, value in of_namespace.items()},
        CLUSTER_LABEL: pod.cluster,
        NAMESPACE_LABEL: pod.namespace,
        **account,
    }


def _networks_of(pod: Pod, cluster: Cluster) -> list[str]:
    """The labels by which networks select a pod (computeCIDRLabelsRLocked in pkg/endpoint of 1.20)."""
    if "pods" not in cluster.cidr_selects or not pod.addresses:
        return []
    (address,) = map(ipaddress.ip_address, pod.addresses)
    written = set(re.findall(r"[0-9.]+/[0-9]+", str([policy.object for policy in cluster.policies])))
    networks = [each for each in map(network, written) if address in each and each.prefixlen]
    return [f"cidr:{each}" for each in networks] or ["cidr:0.0.0.0/0"]


def _text(decision: Decision) -> str:
    return "" if decision is Decision.NOT_ASKED else str(decision)
