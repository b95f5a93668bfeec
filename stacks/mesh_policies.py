"""The policies of a mesh stack: compiled for each cluster, and shown in a preview with what they change.

Called by `stacks.mesh`. A preview shows what the policies allow, and which running pods they put into default
deny that were free before: for those, everything that no policy names ends with `pulumi up`.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from eks_cilium.clients.aws import Credentials
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.cilium_objects import cilium_objects
from eks_cilium.errors import ProgramError
from eks_cilium.policy import report
from eks_cilium.policy.effects import newly_denied
from eks_cilium.policy.verdict import Cluster, Decision, selector_scope_of
from eks_cilium.policy.verdict.live import live_cluster
from eks_cilium.settings import ConfigurationError
from eks_cilium.settings.compiling import compiled_policies
from stacks.mesh_clusters import agents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eks_cilium.mesh.model import Member
    from eks_cilium.policy.compile import CompiledPolicies
    from eks_cilium.policy.effects import NewlyDenied
    from eks_cilium.policy.verdict.live import LiveCluster
    from eks_cilium.settings.model import MeshSettings

_TITLE = "denied by default from these policies on, but for what policies allow"


def compiled(
    settings: MeshSettings, members: Sequence[Member], look: Callable[[Member], LiveCluster]
) -> CompiledPolicies:
    """The policies, checked for the Cilium release of each cluster. A preview shows what they do.

    `look` reads what runs in a cluster. Raises RunError, with every problem of the policies.
    """
    versions = {member.name: agents_of(member).version for member in members}
    try:
        policies = compiled_policies(settings, versions, _read_file)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from None
    if pulumi.runtime.is_dry_run():
        _show(policies, members, look)
    return policies


def look(member: Member) -> LiveCluster:
    """Read the policies of a cluster and the pods under them. Raises ProgramError where it cannot."""
    with KubernetesApi.for_eks(
        cluster_name=member.eks_name,
        endpoint=member.endpoint,
        certificate_authority=base64.b64decode(member.certificate_authority),
        credentials=Credentials(region=member.region, profile=member.profile),
    ) as api:
        return live_cluster(cilium_objects(api, f"cluster {member.name}"))


def _read_file(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _show(
    policies: CompiledPolicies, members: Sequence[Member], look: Callable[[Member], LiveCluster]
) -> None:
    if policies.verdicts:
        pulumi.log.info(f"what the policies of this stack allow:\n{report.table(policies.verdicts)}")
    denied = _newly_denied(policies, members, look)
    if not denied:
        return
    lines = "\n".join([f"{_TITLE}:", *(f"  {each}" for each in denied)])
    # Where the pods are known, the next preview after an update no longer shows them.
    serious = any(each.pods or each.dns is Decision.DENIED for each in denied)
    (pulumi.log.warn if serious else pulumi.log.info)(lines)


def _newly_denied(
    policies: CompiledPolicies, members: Sequence[Member], look: Callable[[Member], LiveCluster]
) -> tuple[NewlyDenied, ...]:
    clusters, live = [], {}
    named = {policy.cluster for policy in policies.policies}
    for member in (each for each in members if each.name in named):
        clusters.append(Cluster(member.name, selector_scope_of(agents_of(member).version)))
        try:
            live[member.name] = look(member)
        except ProgramError as error:
            pulumi.log.info(f"pods of {member.name} are named by labels, as they cannot be read: {error}")
    return newly_denied(policies.policies, clusters, live)
