"""The builds of EKS add-ons that a new cluster's configuration pins: whether EKS has them.

`stacks/new_cluster_base.py` asks before it registers anything. EKS would refuse CoreDNS at the end of an
update, and the VPC CNI before there are nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.clients.add_on_offers import offer
from eks_cilium.clients.aws import Credentials, client
from eks_cilium.errors import AwsNotFoundError, AwsRefusedError, ProgramError, UnexpectedAnswerError
from eks_cilium.settings.model import NewChainedClusterSettings, NewClusterSettings
from eks_cilium.settings.problems import Problem, set_fix
from eks_cilium.settings.rules.new_cluster.pod_identity import AGENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.clients.aws import ClientOf
    from eks_cilium.settings.model import NewClusterBaseSettings

    Pinned = tuple[tuple[str, ...], str, str]
    """The key, the name of the add-on, and its build."""

_SHOWN = 5


def check_pinned_add_ons(settings: NewClusterBaseSettings, aws: ClientOf = client) -> None:
    """Raise `pulumi.RunError` with every build that EKS does not have for the Kubernetes version.

    A build that runs in a cluster of this Kubernetes version is left alone: EKS takes old ones off its list,
    and a stack that changes nothing is not stopped by that. An identity that may not ask is warned.
    """
    eks = aws(Credentials(region=settings.region, profile=settings.profile), "eks")
    try:
        problems = [problem for pinned in _pinned(settings) for problem in _problems(settings, pinned, eks)]
    except UnexpectedAnswerError:
        raise
    except AwsRefusedError as error:
        pulumi.log.warn(f"EKS could not be asked whether it has the builds of the add-ons: {error}")
        return
    except ProgramError as error:
        raise pulumi.RunError(f"EKS could not be asked for its add-ons: {error}") from None
    if problems:
        raise pulumi.RunError("\n  ".join(["EKS would refuse these add-ons:", *map(str, problems)]))


def _pinned(settings: NewClusterBaseSettings) -> Iterator[Pinned]:
    if isinstance(settings, NewChainedClusterSettings):
        yield ("vpcCni", "version"), "vpc-cni", settings.vpc_cni.version
    if settings.kube_proxy is not None:
        yield ("kubeProxy", "version"), "kube-proxy", settings.kube_proxy.version
    yield ("coredns", "version"), "coredns", settings.coredns.version
    if isinstance(settings, NewClusterSettings) and settings.pod_identity_agent is not None:
        yield ("podIdentityAgent", "version"), AGENT, settings.pod_identity_agent.version


def _problems(settings: NewClusterBaseSettings, pinned: Pinned, eks: Any) -> Iterator[Problem]:
    (path, name, build), kubernetes = pinned, settings.cluster.kubernetes_version
    offered = offer(eks, name, kubernetes)
    if offered is None:
        where = ("cluster", "kubernetesVersion")
        allowed = f"a version for which EKS has the add-on {name} in {settings.region}"
        yield Problem(where, kubernetes, allowed, "aws eks describe-cluster-versions shows them")
    elif build not in offered.versions and not _runs(eks, settings, name, build):
        allowed = f"one of {', '.join(offered.versions[:_SHOWN])} for Kubernetes {kubernetes}"
        yield Problem(path, build, allowed, set_fix(path, offered.default))


def _runs(eks: Any, settings: NewClusterBaseSettings, name: str, build: str) -> bool:
    """Whether the cluster has this build, with the Kubernetes version that is wanted."""
    cluster = settings.cluster.name
    try:
        if (
            eks.describe_cluster(name=cluster)["cluster"].get("version")
            != settings.cluster.kubernetes_version
        ):
            return False
        found = eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
    except AwsNotFoundError:
        return False
    return bool(found["addonVersion"] == build)
