"""Who may reach whom, on which port, and by which rule: Cilium's policies read before they are there.

Pure: `World` is made of clusters with their policies and judges flows; `report` puts verdicts into words,
`assertions` says what is not as it has to be, `changes` what Cilium 1.19 reads differently. The settings ask
it in every preview, `eks-cilium verdict` over live clusters. It models policies, not packets: routes,
source addresses rewritten on the way and what a proxy makes of layer 7 are no part of it.
"""

from eks_cilium.policy.verdict.assertions import Broken, broken
from eks_cilium.policy.verdict.changes import Change, changes, differing
from eks_cilium.policy.verdict.judging import World
from eks_cilium.policy.verdict.model import (
    Address,
    Cluster,
    Decision,
    End,
    Entity,
    Flow,
    Meaning,
    Mode,
    Pod,
    Port,
    RuleName,
    Side,
    Verdict,
    meaning_of,
)
from eks_cilium.policy.verdict.rule import Unread

__all__ = [
    "Address",
    "Broken",
    "Change",
    "Cluster",
    "Decision",
    "End",
    "Entity",
    "Flow",
    "Meaning",
    "Mode",
    "Pod",
    "Port",
    "RuleName",
    "Side",
    "Unread",
    "Verdict",
    "World",
    "broken",
    "changes",
    "differing",
    "meaning_of",
]
