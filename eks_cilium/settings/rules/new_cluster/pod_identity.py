"""Rules about EKS Pod Identity, one of the ways in which Cilium's operator gets its IAM role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eks_cilium.cilium.versions import minor
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterSettings

AGENT = "eks-pod-identity-agent"
POD_IDENTITY = "pod-identity"
_PATH = ("cilium", "operatorIdentity")
# Pod Identity needs release-2023-11-14 of the AWS SDK for Go (docs.aws.amazon.com/eks/latest/userguide/
# pod-id-minimum-sdk.html). go.mod of Cilium 1.15.0 has its config module of 2023-12, that of 1.12.4 one of
# 2022-06. There is no minor between them in the version table.
_OLDEST = (1, 15)


def operators_know_pod_identity(settings: NewClusterSettings) -> Iterator[Problem]:
    wanted = settings.cilium
    if wanted.operator_identity != POD_IDENTITY:
        return
    if minor(wanted.version) < _OLDEST:
        allowed = f"irsa with Cilium {wanted.version}: its operator has an AWS SDK that is too old"
        yield Problem(_PATH, POD_IDENTITY, allowed, set_fix(_PATH, "irsa"))
    elif wanted.ipam != "eni":
        allowed = f"irsa with cilium.ipam {wanted.ipam}: the operator calls AWS in ENI mode only"
        yield Problem(_PATH, POD_IDENTITY, allowed, remove_command(_PATH))


def the_agent_is_installed_once(settings: NewClusterSettings) -> Iterator[Problem]:
    agent, by_pods = settings.pod_identity_agent, settings.cilium.operator_identity == POD_IDENTITY
    if by_pods and agent is None:
        path: tuple[str, ...] = ("podIdentityAgent", "version")
        allowed = "a version of the agent: without it the operator gets no credentials, and no node addresses"
        yield Problem(path, UNSET, allowed, set_fix(path, "v1.3.10-eksbuild.1"))
    if agent is not None and not by_pods:
        path = ("podIdentityAgent",)
        allowed = (
            "nothing while cilium.operatorIdentity is irsa; for workloads, cluster.addons."
            f"{AGENT} installs the agent"
        )
        yield Problem(path, agent.model_dump(), allowed, remove_command(path))
    if by_pods and AGENT in settings.cluster.addons:
        path = ("cluster", "addons", AGENT)
        allowed = "any other add-on: podIdentityAgent configures this one, which has to run before Cilium"
        yield Problem(path, AGENT, allowed, remove_command(path))


RULES = (operators_know_pod_identity, the_agent_is_installed_once)
