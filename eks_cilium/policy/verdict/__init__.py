"""Who may reach whom, on which port, and by which rule: Cilium's policies read before they are there.

Pure: `Evaluator` is made of clusters with their policies and judges flows; `report` puts verdicts into words,
`assertions` says what is not as it has to be, `changes` what Cilium 1.19 reads differently. The settings ask
it in every preview, `eks-cilium verdict` over live clusters. It models policies, not packets: routes,
source addresses rewritten on the way and what a proxy makes of layer 7 are no part of it.
"""

from eks_cilium.policy.verdict.assertions import FailedAssertion, failed_assertion
from eks_cilium.policy.verdict.changes import SelectorChange, changed_verdicts, selector_changes
from eks_cilium.policy.verdict.evaluation import Evaluator
from eks_cilium.policy.verdict.model import (
    Address,
    Cluster,
    Decision,
    DirectionVerdict,
    Endpoint,
    Entity,
    Flow,
    Mode,
    Pod,
    Port,
    RuleName,
    SelectorScope,
    Verdict,
    selector_scope_of,
)
from eks_cilium.policy.verdict.rule import NotEvaluated

__all__ = [
    "Address",
    "Cluster",
    "Decision",
    "DirectionVerdict",
    "Endpoint",
    "Entity",
    "Evaluator",
    "FailedAssertion",
    "Flow",
    "Mode",
    "NotEvaluated",
    "Pod",
    "Port",
    "RuleName",
    "SelectorChange",
    "SelectorScope",
    "Verdict",
    "changed_verdicts",
    "failed_assertion",
    "selector_changes",
    "selector_scope_of",
]
