"""Verdicts: who may reach whom, on which port and by which rule, evaluated without a packet being sent.

`Evaluator` takes clusters with their policies and evaluates flows; `failed_assertion` compares a verdict with
what is expected; `selector_changes` lists what Cilium 1.19 reads differently. `eks_cilium.policy.compile`
evaluates the policies of a stack before they exist, `eks-cilium verdict` those of running clusters.

Policies are modelled, packets are not: routes, translated source addresses and what a proxy does with layer 7
have no influence on a verdict.
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
from eks_cilium.policy.verdict.reading.rule import NotEvaluated

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
