"""Compiles the policies of a stack file and says what is wrong with them in the configuration's terms.

The mesh stack calls it once it knows the Cilium release of each cluster. By then `settings.read` has applied
the rules of `settings.rules.policy_keys`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.policy.compile import CompiledPolicies, PolicyProblem, compile_policies
from eks_cilium.settings.problems import ConfigurationError, Problem, set_fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.policy.compile import ReadFile
    from eks_cilium.policy.verdict import Cluster
    from eks_cilium.settings.model import MeshSettings


def compiled_policies(
    settings: MeshSettings, clusters: Mapping[str, str | Cluster], read_file: ReadFile
) -> CompiledPolicies:
    """Compile the policies of a stack.

    Args:
        settings: The configuration of the stack.
        clusters: Each cluster with the options of its agents, or their release alone, by its name in Cilium.
        read_file: Returns the text of a file of policies; it is called once for each file.

    Returns:
        Objects and verdicts without a problem.

    Raises:
        ConfigurationError: A policy is wrong, or an assertion fails; the error holds every problem.
    """
    compiled = compile_policies(settings.policies.sources, clusters, read_file)
    if compiled.problems:
        raise ConfigurationError([_of_the_configuration(problem) for problem in compiled.problems])
    return compiled


def _of_the_configuration(problem: PolicyProblem) -> Problem:
    path = ("policies", *problem.path)
    fix = problem.fix or set_fix(path, problem.instead)
    if problem.permit:
        fix += f"; to permit it: {set_fix(('policies', *problem.permit), True)}"
    return Problem(path, problem.value, problem.allowed, fix)
