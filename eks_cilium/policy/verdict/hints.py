"""Hints for a denied flow: the rules that come close to allowing it, and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL
from eks_cilium.policy.verdict.model import Pod
from eks_cilium.policy.verdict.peers import CidrPeer, LabelPeer
from eks_cilium.policy.verdict.ports import ports_match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eks_cilium.policy.verdict.labels import Identity, Requirement
    from eks_cilium.policy.verdict.model import Cluster, Endpoint, Port
    from eks_cilium.policy.verdict.peers import Peer
    from eks_cilium.policy.verdict.ports import PortNames
    from eks_cilium.policy.verdict.reading.rule import Rule

Target: TypeAlias = "tuple[Port, PortNames]"

_MOST = 3
_CERTAIN, _LIKELY, _POSSIBLE = range(3)


def hints(
    rules: Iterable[Rule], to: Target, peer: Endpoint, identity: Identity, cluster: Cluster
) -> tuple[str, ...]:
    """Why the rules that come closest to allowing a flow do not.

    Args:
        rules: The rules that select the pod in this direction.
        to: The port of the denied flow, and the names of ports that count.
        peer: The other endpoint of the flow.
        identity: The identity of the peer.
        cluster: The cluster of the pod.

    Returns:
        At most three sentences, the most certain first.
    """
    found = sorted(
        (hint for rule in rules if not rule.deny for hint in _hints_of(rule, to, peer, identity, cluster)),
        key=lambda hint: hint[0],
    )
    return tuple(dict.fromkeys(text for _, text in found))[:_MOST]


def _hints_of(
    rule: Rule, to: Target, peer: Endpoint, identity: Identity, cluster: Cluster
) -> Iterator[tuple[int, str]]:
    right_port = ports_match(rule.ports, *to).truth is not False
    for candidate in rule.peers or ():
        if candidate.matches(peer, identity, cluster).truth:
            if not right_port:
                ports = ", ".join(map(str, rule.ports or ())) or "none"
                yield _CERTAIN, f"{rule.name} allows {peer}, but only at {ports}"
        elif right_port:
            yield from _missing(rule, candidate, peer, identity)


def _missing(rule: Rule, candidate: Peer, peer: Endpoint, identity: Identity) -> Iterator[tuple[int, str]]:
    if isinstance(candidate, CidrPeer) and isinstance(peer, Pod):
        text = f"{rule.name} allows {candidate.cidr}, but networks select no pods: name them by labels"
        yield _POSSIBLE, text
    if not isinstance(candidate, LabelPeer) or not candidate.section.endswith("Endpoints"):
        return
    unmet = candidate.selector.unmet(identity)
    added = [requirement for requirement in unmet if requirement.added]
    if unmet and len(added) == len(unmet):
        why = "; ".join(requirement.added for requirement in added)
        fix = " and ".join(filter(None, (_fix(requirement, peer) for requirement in added)))
        yield _CERTAIN, f"{rule.name} would allow it, but {why}: write {fix}"
    elif len(unmet) == 1:
        yield _LIKELY, f"{rule.name} wants {unmet[0]}"


def _fix(requirement: Requirement, peer: Endpoint) -> str:
    if not isinstance(peer, Pod):
        return ""
    value = {NAMESPACE_LABEL: peer.namespace, CLUSTER_LABEL: peer.cluster}.get(requirement.key)
    return f"`{requirement.key}: {value}`" if value else ""
