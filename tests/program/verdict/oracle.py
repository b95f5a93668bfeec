"""Asks Cilium's own policy engine, by way of lab/oracle, about worlds of the evaluator."""

import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    """Clusters and the flows between them that are judged."""

    clusters: tuple[Cluster, ...]
    flows: tuple[Flow, ...]
    title: str = ""


Both = tuple[str, str]
"""What is said on egress and on ingress; nothing where the end is no pod."""


def ours(case: Case) -> list[Both]:
    """What the evaluator says."""
    verdicts = map(Evaluator(case.clusters).evaluate, case.flows)
    return [(_said(one.egress.decision), _said(one.ingress.decision)) for one in verdicts]


def theirs(oracle: Path, cases: Iterable[Case]) -> list[list[Both]]:
    """What Cilium says of each case. Fails on a case that Cilium refuses."""
    lines = "".join(f"{json.dumps(as_asked(case))}\n" for case in cases)
    done = subprocess.run([oracle], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    refused = [(index, one["error"]) for index, one in enumerate(answers) if "error" in one]
    assert not refused, refused[:5]
    return [[(one.get("egress", ""), one.get("ingress", "")) for one in each["verdicts"]] for each in answers]


def disagreements(cases: Sequence[Case], answers: Sequence[list[Both]]) -> list[str]:
    """Flows on which the two differ, told so that one can look into them."""
    return [
        f"{case.title}: {flow}: ours {mine}, Cilium's {his}\n{json.dumps(as_asked(case), indent=1)}"
        for case, answer in zip(cases, answers, strict=True)
        for flow, mine, his in zip(case.flows, ours(case), answer, strict=True)
        if mine != his
    ]


def as_asked(case: Case) -> dict[str, Any]:
    """A case as the oracle reads it."""
    ends: list[Endpoint] = []
    for flow in case.flows:
        ends += [end for end in (flow.source, flow.destination) if end not in ends]
    return {
        "clusters": {
            one.name: {
                "mode": str(one.mode),
                "ownCluster": one.selector_scope is SelectorScope.OWN_CLUSTER,
                "policies": [policy.object for policy in one.policies],
            }
            for one in case.clusters
        },
        "ends": [_end(end) for end in ends],
        "flows": [
            {
                "from": ends.index(flow.source),
                "to": ends.index(flow.destination),
                "port": flow.port.number,
                "protocol": flow.port.protocol,
            }
            for flow in case.flows
        ],
    }


def _end(end: Endpoint) -> dict[str, Any]:
    match end:
        case Entity():
            return {"entity": end.name}
        case Address():
            return {"address": end.address}
        case Pod():
            labels = [f"{source}:{key}={value}" for source, key, value in identity_of(end).labels]
            named = {
                name: {"number": port.number, "protocol": port.protocol}
                for name, port in (end.named_ports or {}).items()
            }
            return {"cluster": end.cluster, "labels": labels, "namedPorts": named}


def _said(decision: Decision) -> str:
    return "" if decision is Decision.NOT_ASKED else str(decision)
