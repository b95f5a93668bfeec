"""Verdicts on ranges of ports, split where the answer changes.

A rule may allow a part of what was asked: a verdict on the first port says nothing about the others.
`eks-cilium verdict` judges `--port 8000-8100/TCP`, and every port of endpoints that declare none, by this;
the preview of a stack does the same with the ports of intents and assertions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.policy.verdict.model import Flow, Port, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eks_cilium.policy.objects import Ports
    from eks_cilium.policy.verdict.evaluation import Evaluator

Together: TypeAlias = "tuple[Verdict, ...]"

PROTOCOLS = ("TCP", "UDP", "SCTP")
_HIGHEST = 65535
EVERY_PORT = Port(1, "ANY", "every port", _HIGHEST)
"""Every port of every protocol."""


def as_port(ports: Ports) -> Port:
    """A port or a range of ports, as the port of a flow."""
    return Port(ports.first, ports.protocol, str(ports), ports.last if ports.is_range else 0)


def verdicts_on(evaluator: Evaluator, flow: Flow) -> list[Verdict]:
    """Evaluate a flow to one port, to a range of ports, or to every port.

    Args:
        evaluator: The evaluator of the clusters.
        flow: The flow; its port may have a `last` one, and be `EVERY_PORT`.

    Returns:
        One verdict for each part of the range whose ports are all decided alike, in the order of the ports.
    """
    return [verdict for (verdict,) in verdicts_by((evaluator,), flow)]


def verdicts_by(evaluators: Sequence[Evaluator], flow: Flow) -> list[Together]:
    """Evaluate a flow by several evaluators, to compare them at the same ports.

    Args:
        evaluators: The evaluators, of clusters with the same names.
        flow: The flow, as of `verdicts_on`.

    Returns:
        One verdict of each evaluator for each part of the range that all of them decide alike.
    """
    if flow.port.protocol != "ANY":
        return _of_protocol(evaluators, flow)
    first, last = flow.port.number, flow.port.last
    if not any(evaluator.has_ports(flow) for evaluator in evaluators):
        return [_for(flow, _evaluated(evaluators, _at(flow, first, last, PROTOCOLS[0])))]
    found = [
        part for protocol in PROTOCOLS for part in _of_protocol(evaluators, _at(flow, first, last, protocol))
    ]
    if all(_same(found[0], other) for other in found):
        return [_for(flow, found[0])]
    return found


def _of_protocol(evaluators: Sequence[Evaluator], flow: Flow) -> list[Together]:
    first, last = flow.port.number, max(flow.port.number, flow.port.last)
    if first == last:
        return [_evaluated(evaluators, flow)]
    edges = {edge for evaluator in evaluators for edge in evaluator.edges(flow)}
    inside = sorted(edge for edge in edges if first < edge <= last)
    found: list[Together] = []
    for start, after in pairwise([first, *inside, last + 1]):
        part = _evaluated(evaluators, _at(flow, start, after - 1, flow.port.protocol))
        if found and _same(found[-1], part):
            part = _for(_at(flow, found.pop()[0].flow.port.number, after - 1, flow.port.protocol), part)
        found.append(part)
    return found


def _evaluated(evaluators: Sequence[Evaluator], flow: Flow) -> Together:
    return tuple(evaluator.evaluate(flow) for evaluator in evaluators)


def _for(flow: Flow, part: Together) -> Together:
    return tuple(Verdict(flow, verdict.egress, verdict.ingress) for verdict in part)


def _at(flow: Flow, first: int, last: int, protocol: str) -> Flow:
    everything = (first, last) == (1, _HIGHEST)
    title = "every port" if everything else f"{first}{f'-{last}' if last > first else ''}"
    return Flow(flow.source, flow.destination, Port(first, protocol, f"{title}/{protocol}", last))


def _same(part: Together, other: Together) -> bool:
    return [(each.egress, each.ingress) for each in part] == [(each.egress, each.ingress) for each in other]
