"""What Cilium 1.19 reads differently: peer selectors that name no cluster.

Up to 1.18 they mean pods of any cluster of the mesh, from 1.19 on those of their own (cilium/cilium#36194). A
rule written that way is narrower after the upgrade: what it allowed is denied, and what it denied is allowed.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.policy.objects.checking import written
from eks_cilium.policy.objects.model import CLUSTER_LABEL
from eks_cilium.policy.objects.peers import PeerSelector, peer_selectors
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.model import SelectorScope
from eks_cilium.policy.verdict.network_policies import KIND as NETWORK_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict.model import Cluster, Flow, Verdict


@dataclass(frozen=True)
class SelectorChange:
    """A selector that means something else from 1.19 on."""

    cluster: str
    policy: str
    path: str
    selector: str

    def __str__(self) -> str:
        return (
            f"{self.cluster}: {self.policy}: {self.path} {self.selector} means pods of any cluster up to "
            f"Cilium 1.18 and of {self.cluster} alone from 1.19 on; write {CLUSTER_LABEL} into it"
        )


def selector_changes(policies: Iterable[Policy]) -> tuple[SelectorChange, ...]:
    """Every such selector."""
    return tuple(
        SelectorChange(
            policy.cluster, str(policy), written(path), json.dumps(selector.written, sort_keys=True)
        )
        for policy in policies
        for path, selector in _selectors(policy)
        if not selector.names_cluster and not selector.is_reserved
    )


def changed_verdicts(clusters: Iterable[Cluster], flows: Iterable[Flow]) -> list[tuple[Verdict, Verdict]]:
    """Flows whose verdict is another one from 1.19 on, each with both verdicts."""
    kept = list(clusters)
    before, after = (_reading(kept, meaning) for meaning in SelectorScope)
    judged = ((before.evaluate(flow), after.evaluate(flow)) for flow in flows)
    return [(old, new) for old, new in judged if old.decision is not new.decision]


def _reading(clusters: Iterable[Cluster], meaning: SelectorScope) -> Evaluator:
    return Evaluator(dataclasses.replace(one, selector_scope=meaning) for one in clusters)


def _selectors(policy: Policy) -> Iterator[tuple[tuple[str | int, ...], PeerSelector]]:
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
