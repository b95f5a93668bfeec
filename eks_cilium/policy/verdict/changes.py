"""Lists what Cilium 1.19 reads differently: peer selectors that name no cluster.

Up to 1.18 such a selector means pods of any cluster of the mesh, from 1.19 on only those of the policy's own
cluster (cilium/cilium#36194). After the upgrade the rule matches fewer pods: an allow rule allows less, a
deny rule denies less.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cilium import versions
from eks_cilium.policy.objects.checking import path_text
from eks_cilium.policy.objects.model import CLUSTER_LABEL
from eks_cilium.policy.objects.peers import PeerSelector, peer_selectors
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.model import SelectorScope
from eks_cilium.policy.verdict.ranges import verdicts_by
from eks_cilium.policy.verdict.reading.decoding import decoded
from eks_cilium.policy.verdict.reading.network_policies import KIND as NETWORK_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import Cluster, Flow, Verdict


@dataclass(frozen=True)
class SelectorChange:
    """A peer selector that means other pods from Cilium 1.19 on."""

    cluster: str
    policy: str
    path: str
    """Where the selector is: `spec.egress[0].toEndpoints[0]`."""
    selector: str
    """The selector as JSON."""

    def __str__(self) -> str:
        return (
            f"{self.cluster}: {self.policy}: {self.path} {self.selector} means pods of any cluster up to "
            f"Cilium 1.18 and of {self.cluster} alone from 1.19 on; write {CLUSTER_LABEL} into it"
        )


def selector_changes(policies: Iterable[Policy]) -> tuple[SelectorChange, ...]:
    """Every peer selector of the policies that means other pods from Cilium 1.19 on.

    Args:
        policies: Policies of any kind, NetworkPolicies included.

    Returns:
        The selectors, in the order of the policies.
    """
    return tuple(
        SelectorChange(policy.cluster, str(policy), path_text(path), _as_json(selector))
        for policy in policies
        for path, selector in _selectors(policy)
        if not selector.names_cluster and not selector.is_reserved
    )


def changed_verdicts(clusters: Iterable[Cluster], flows: Iterable[Flow]) -> list[tuple[Verdict, Verdict]]:
    """Flows whose decision changes with Cilium 1.19.

    Args:
        clusters: The clusters with their policies; their own `selector_scope` does not matter.
        flows: The flows to compare.

    Returns:
        The verdicts before and after, for each flow, or each of its ports, whose decision differs.
    """
    kept = list(clusters)
    both = [_evaluator(kept, scope) for scope in SelectorScope]
    verdicts = (found for flow in flows for found in verdicts_by(both, flow))
    return [(old, new) for old, new in verdicts if old.decision is not new.decision]


def _evaluator(clusters: Iterable[Cluster], scope: SelectorScope) -> Evaluator:
    return Evaluator(dataclasses.replace(cluster, selector_scope=scope) for cluster in clusters)


def _as_json(selector: PeerSelector) -> str:
    return json.dumps(selector.written, sort_keys=True)


def _selectors(written: Policy) -> Iterator[tuple[tuple[str | int, ...], PeerSelector]]:
    try:
        policy = decoded(written, versions.TRIED[-1])
    except ValueError:
        return  # no agents enforce it; the verdicts say why
    for path, rule in policy.rules():
        if policy.kind != NETWORK_POLICY:
            yield from ((path + inner, selector) for inner, selector in peer_selectors(rule))
            continue
        for section, word in (("ingress", "from"), ("egress", "to")):
            for index, entry in enumerate(rule.get(section) or ()):
                for place, peer in enumerate(entry.get(word) or ()):
                    if "ipBlock" not in peer:
                        selector = PeerSelector(peer.get("podSelector") or {})
                        yield (*path, section, index, word, place), selector
