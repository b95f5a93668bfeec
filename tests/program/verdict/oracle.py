"""Compares verdicts on cases with those of Cilium's own policy engine, which lab/oracle wraps."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from eks_cilium.policy.verdict.labels import identity_of


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
    return {
        "clusters": {
            cluster.name: {
                "mode": str(cluster.mode),
                "ownCluster": cluster.selector_scope is SelectorScope.OWN_CLUSTER,
                "policies": [policy.object for policy in cluster.policies],
            }
            for cluster in case.clusters
        },
        "endpoints": list(map(_endpoint, ends.values())),
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


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    match endpoint:
        case Entity():
            return {"entity": endpoint.name}
        case Address():
            return {"address": endpoint.address}
        case Pod():
            labels = [f"{source}:{key}={value}" for source, key, value in identity_of(endpoint).labels]
            named = {
                name: {"number": port.number, "protocol": port.protocol}
                for name, port in (endpoint.named_ports or {}).items()
            }
            return {"cluster": endpoint.cluster, "labels": labels, "namedPorts": named}


def _text(decision: Decision) -> str:
    return "" if decision is Decision.NOT_ASKED else str(decision)
