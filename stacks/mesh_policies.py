"""The policies of a mesh stack: compiled for each cluster, and shown in a preview with what they change.

Called by `stacks.mesh`. A preview shows what the policies allow, and which running pods they put into default
deny that were free before: for those, everything that no policy names ends with `pulumi up`.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from eks_cilium.clients.aws import Credentials
from eks_cilium.clients.kubernetes import KubernetesApi
from eks_cilium.cluster.cilium_objects import cilium_objects
from eks_cilium.errors import ProgramError, UserError
from eks_cilium.policy import report
from eks_cilium.policy.effects import newly_denied
from eks_cilium.policy.overview.differences import differences, key_of, with_policies
from eks_cilium.policy.verdict import Decision, Mode
from eks_cilium.policy.verdict.live import live_cluster
from eks_cilium.policy.verdict.options import cluster_of
from eks_cilium.settings import ConfigurationError
from eks_cilium.settings.compiling import compiled_policies
from stacks.mesh_clusters import agents_of
from stacks.outputs import own_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from eks_cilium.mesh.model import Member
    from eks_cilium.policy.compile import CompiledPolicies
    from eks_cilium.policy.objects import Policy
    from eks_cilium.policy.verdict import Cluster
    from eks_cilium.policy.verdict.live import LiveCluster
    from eks_cilium.settings.model import MeshSettings

EXPORT = "policies"
"""The output that holds the policies of the stack."""
_MOST_LINES = 30
_CLOSES = "closed by the change of policies, between pods that run now"
_OPENS = "opened by the change of policies, between pods that run now"
_TITLE = "denied by default from these policies on, but for what policies allow"


def compiled(
    settings: MeshSettings,
    members: Sequence[Member],
    look: Callable[[Member], LiveCluster],
    outputs: Callable[[], Mapping[str, Any]] = own_outputs,
) -> CompiledPolicies:
    """The policies, checked for the agents of each cluster. A preview shows what they do.

    `look` reads what runs in a cluster, `outputs` what this stack exported last. Raises RunError, with every
    problem of the policies.
    """
    try:
        clusters = {member.name: _cluster_of(member) for member in members}
        policies = compiled_policies(settings, clusters, _read_file)
    except (ConfigurationError, UserError) as error:
        raise pulumi.RunError(str(error)) from None
    if pulumi.runtime.is_dry_run():
        _show(policies, members, look, outputs)
    return policies


def exported(policies: CompiledPolicies) -> list[str]:
    """The policies as this stack exports them, so that its next preview knows which ones it removes."""
    return sorted(map(_title, policies.policies))


def _title(policy: Policy) -> str:
    return f"{policy.cluster}: {policy}"


def _cluster_of(member: Member) -> Cluster:
    agents = agents_of(member)
    return cluster_of(member.name, agents.policy_options, agents.version)


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
    policies: CompiledPolicies,
    members: Sequence[Member],
    look: Callable[[Member], LiveCluster],
    outputs: Callable[[], Mapping[str, Any]],
) -> None:
    for line in _not_enforced(members):
        pulumi.log.warn(line)
    if policies.verdicts:
        pulumi.log.info(f"what the policies of this stack allow:\n{report.table(policies.verdicts)}")
    before = frozenset(map(str, outputs().get(EXPORT) or ()))
    names = {policy.cluster for policy in policies.policies} | {title.partition(":")[0] for title in before}
    concerned = [member for member in members if member.name in names]
    live = _live(concerned, look)
    _show_newly_denied(policies, concerned, live)
    _show_differences(policies, live, before)


def _not_enforced(members: Sequence[Member]) -> Iterator[str]:
    """A line for each cluster whose agents do not enforce what policies say."""
    for member in members:
        cluster = _cluster_of(member)
        if cluster.mode is Mode.NEVER:
            yield f"{member.name}: enable-policy is never, so that its agents enforce no policy"
        elif cluster.agents.audit:
            yield f"{member.name}: policy-audit-mode is on: what policies deny is recorded, and not blocked"
        for kind, option in cluster.agents.ignored_kinds.items():
            yield f"{member.name}: agents do not read a {kind}: cilium-config has {option}"


def _live(members: Sequence[Member], look: Callable[[Member], LiveCluster]) -> dict[str, LiveCluster]:
    found = {}
    for member in members:
        try:
            found[member.name] = look(member)
        except ProgramError as error:
            pulumi.log.info(f"pods of {member.name} are named by labels, as they cannot be read: {error}")
    return found


def _show_newly_denied(
    policies: CompiledPolicies, members: Sequence[Member], live: Mapping[str, LiveCluster]
) -> None:
    clusters = [_cluster_of(member) for member in members]
    denied = newly_denied(policies.policies, clusters, live)
    if not denied:
        return
    lines = "\n".join([f"{_TITLE}:", *(f"  {each}" for each in denied)])
    # Where the pods are known, the next preview after an update no longer shows them.
    serious = any(each.pods or each.dns is Decision.DENIED for each in denied)
    (pulumi.log.warn if serious else pulumi.log.info)(lines)


def _show_differences(
    policies: CompiledPolicies, live: Mapping[str, LiveCluster], before: frozenset[str]
) -> None:
    """What the change of policies since the last update opens and closes between pods that run now."""
    running = list(live.values())
    removed = before - frozenset(exported(policies))
    after = [
        with_policies(
            each.cluster,
            policies.policies,
            {key_of(policy) for policy in each.cluster.policies if _title(policy) in removed},
        )
        for each in running
    ]
    found = differences(running, after)
    for opens, title, log in ((False, _CLOSES, pulumi.log.warn), (True, _OPENS, pulumi.log.info)):
        if lines := found.lines(opens=opens, most=_MOST_LINES):
            log("\n".join([f"{title}:", *(f"  {line}" for line in lines)]))
    if found.left_out:
        pulumi.log.info(f"{found.left_out} more flows may change and are not judged: they are too many")
