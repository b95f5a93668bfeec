"""Verdicts on ranges of ports, split where the answer changes.

A rule may allow a part of what was asked: a verdict on the first port says nothing about the others.
`eks-cilium verdict` judges `--port 8000-8100/TCP`, and every port of endpoints that declare none, by this;
the preview of a stack does the same with the ports of intents and assertions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from eks_cilium.policy.verdict.model import Flow, Port, Verdict

if TYPE_CHECKING:
    from eks_cilium.policy.objects import Ports
    from eks_cilium.policy.verdict.evaluation import Evaluator

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
    if flow.port.protocol != "ANY":
        return _of_protocol(evaluator, flow)
    if not evaluator.has_ports(flow):
        first = evaluator.evaluate(_at(flow, flow.port.number, flow.port.last, PROTOCOLS[0]))
        return [Verdict(flow, first.egress, first.ingress)]
    found = [
        verdict
        for protocol in PROTOCOLS
        for verdict in _of_protocol(evaluator, _at(flow, flow.port.number, flow.port.last, protocol))
    ]
    first = found[0]
    if all(_same(first, other) for other in found):
        return [Verdict(flow, first.egress, first.ingress)]
    return found


def _of_protocol(evaluator: Evaluator, flow: Flow) -> list[Verdict]:
    first, last = flow.port.number, max(flow.port.number, flow.port.last)
    if first == last:
        return [evaluator.evaluate(flow)]
    inside = sorted(edge for edge in evaluator.edges(flow) if first < edge <= last)
    found: list[Verdict] = []
    for start, after in pairwise([first, *inside, last + 1]):
        verdict = evaluator.evaluate(_at(flow, start, after - 1, flow.port.protocol))
        if found and _same(found[-1], verdict):
            together = _at(flow, found.pop().flow.port.number, after - 1, flow.port.protocol)
            verdict = Verdict(together, verdict.egress, verdict.ingress)
        found.append(verdict)
    return found


def _at(flow: Flow, first: int, last: int, protocol: str) -> Flow:
    everything = (first, last) == (1, _HIGHEST)
    title = "every port" if everything else f"{first}{f'-{last}' if last > first else ''}"
    return Flow(flow.source, flow.destination, Port(first, protocol, f"{title}/{protocol}", last))


def _same(first: Verdict, second: Verdict) -> bool:
    return (first.egress, first.ingress) == (second.egress, second.ingress)
