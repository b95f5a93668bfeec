"""Compiles the policies of a stack: one call that reads, generates, checks and evaluates every object once.

The mesh stack registers the objects of the result and shows its verdicts; the command `eks-cilium check`
prints its problems. The call is pure: it takes plain values and a function that reads files.
"""

from eks_cilium.policy.compile.compiler import compile_policies
from eks_cilium.policy.compile.model import (
    Assertion,
    CompiledPolicies,
    PolicyFile,
    PolicyProblem,
    PolicySources,
    ReadFile,
)

__all__ = [
    "Assertion",
    "CompiledPolicies",
    "PolicyFile",
    "PolicyProblem",
    "PolicySources",
    "ReadFile",
    "compile_policies",
]
