"""Rules that come near to allowing a flow, and what keeps them from it: where to look when it is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL
from eks_cilium.policy.verdict.model import Pod
from eks_cilium.policy.verdict.peers import CidrPeer, LabelPeer
from eks_cilium.policy.verdict.ports import answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eks_cilium.policy.verdict.labels import Identity, Requirement
    from eks_cilium.policy.verdict.model import Cluster, Endpoint, Flow
    from eks_cilium.policy.verdict.peers import Peer
    from eks_cilium.policy.verdict.rule import Rule

_MOST = 3
_SURELY, _LIKELY, _PERHAPS = range(3)


def hints(
    rules: Sequence[Rule], flow: Flow, peer: Endpoint, who: Identity, cluster: Cluster
) -> tuple[str, ...]:
    """At most three, the most telling first."""
    found = sorted(
        (one for rule in rules if not rule.deny for one in _of(rule, flow, peer, who, cluster)),
        key=lambda one: one[0],
    )
    return tuple(dict.fromkeys(text for _, text in found))[:_MOST]


def _of(rule: Rule, flow: Flow, peer: Endpoint, who: Identity, cluster: Cluster) -> Iterator[tuple[int, str]]:
    right_port = answer(rule.ports, flow).truth is not False
    for one in rule.peers or ():
        if one.answer(peer, who, cluster).truth:
            if not right_port:
                ports = ", ".join(map(str, rule.ports or ())) or "none"
                yield _SURELY, f"{rule.name} allows {peer}, but only at {ports}"
        elif right_port:
            yield from _why_not(rule, one, peer, who)


def _why_not(rule: Rule, one: Peer, peer: Endpoint, who: Identity) -> Iterator[tuple[int, str]]:
    if isinstance(one, CidrPeer) and isinstance(peer, Pod):
        yield _PERHAPS, f"{rule.name} allows {one.cidr}, but networks select no pods: name them by labels"
    if not isinstance(one, LabelPeer) or not one.section.endswith("Endpoints"):
        return
    unmet = one.selector.unmet(who)
    added = [requirement for requirement in unmet if requirement.added]
    if unmet and len(added) == len(unmet):
        why = "; ".join(requirement.added for requirement in added)
        fix = " and ".join(filter(None, (_fix(requirement, peer) for requirement in added)))
        yield _SURELY, f"{rule.name} would allow it, but {why}: write {fix}"
    elif len(unmet) == 1:
        yield _LIKELY, f"{rule.name} wants {unmet[0]}"


def _fix(requirement: Requirement, peer: Endpoint) -> str:
    if not isinstance(peer, Pod):
        return ""
    value = {NAMESPACE_LABEL: peer.namespace, CLUSTER_LABEL: peer.cluster}.get(requirement.key)
    return f"`{requirement.key}: {value}`" if value else ""
