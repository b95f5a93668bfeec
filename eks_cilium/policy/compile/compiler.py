"""The compiler: from the sources of a stack's policies to objects, problems and verdicts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from eks_cilium.cilium import crds
from eks_cilium.policy.compile.model import CompiledPolicies, PolicyProblem
from eks_cilium.policy.objects import (
    CLUSTER_LABEL,
    UnreadablePolicyError,
    check,
    deny_by_default,
    parse_policies,
    policy_pair,
)
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.objects.checking import path_text, unknown_clusters
from eks_cilium.policy.verdict import (
    Cluster,
    Decision,
    Evaluator,
    Flow,
    Pod,
    failed_assertion,
    selector_scope_of,
)
from eks_cilium.policy.verdict.ranges import EVERY_PORT, as_port, verdicts_on

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from eks_cilium.policy.compile.model import Assertion, KeyPath, PolicyFile, PolicySources, ReadFile
    from eks_cilium.policy.objects import Intent, Pods, Policy
    from eks_cilium.policy.verdict import Endpoint, Verdict
    from eks_cilium.policy.verdict.assertions import Expected

_ByFlow: TypeAlias = "Mapping[Hashable, tuple[Verdict, ...]]"


@dataclass(frozen=True)
class _Object:
    """An object and the key it comes from."""

    key: KeyPath
    policy: Policy
    file: PolicyFile | None = None


def compile_policies(
    sources: PolicySources, clusters: Mapping[str, str | Cluster], read_file: ReadFile
) -> CompiledPolicies:
    """Read, generate and check every object of a stack's policies, and evaluate flows.

    Flows are evaluated only if every object is sound: a verdict by some of the policies would mislead.

    Args:
        sources: Intents, default denies, files and assertions. Every cluster they name is one of `clusters`.
        clusters: Each cluster with the options of its agents, or their release alone, such as `1.19.7`, by
            their names in Cilium. They decide which fields a policy may have, what selectors mean,
            and whether it is enforced. Policies of a cluster do not matter.
        read_file: Returns the text of a file. It is called once for each file.

    Returns:
        The objects, in the order of their sources; every problem; the verdicts on every different flow of the
        intents and assertions.

    Raises:
        KeyError: The sources name a cluster that is not in `clusters`.
    """
    known = {name: _cluster_of(name, given) for name, given in clusters.items()}
    versions = {name: cluster.agents.version for name, cluster in known.items()}
    files, unreadable = _read_files(sources.files, read_file)
    compiled = CompiledPolicies(
        intents=tuple(map(policy_pair, sources.intents)),
        default_deny=tuple(map(deny_by_default, sources.default_deny)),
        files=files,
    )
    objects = list(_objects(compiled, sources))
    newer = [
        *_unknown_ranges(sources.intents, versions),
        *_unknown_default_denies(sources.intents, known),
    ]
    # The definition lacks these fields as well, which would be the same problem in other words.
    checked = [item for item in objects if item.key not in {problem.path[:2] for problem in newer}]
    problems = [*newer, *unreadable, *_clashing_names(objects), *_unsound_objects(checked, known)]
    if problems:
        return dataclasses.replace(compiled, problems=tuple(problems))
    verdicts = _verdicts(sources, compiled.policies, known)
    return dataclasses.replace(
        compiled,
        verdicts=tuple(verdict for parts in verdicts.values() for verdict in parts),
        problems=tuple(_failed_assertions(sources, verdicts)),
    )


def _cluster_of(name: str, given: str | Cluster) -> Cluster:
    if isinstance(given, Cluster):
        return given
    return Cluster(name, selector_scope_of(given), agents=Agents(given))


def _read_files(
    files: Sequence[PolicyFile], read_file: ReadFile
) -> tuple[tuple[tuple[Policy, ...], ...], list[PolicyProblem]]:
    parsed: list[tuple[Policy, ...]] = []
    problems = []
    for index, file in enumerate(files):
        try:
            parsed.append(tuple(_policies_of(file, read_file)))
        except UnreadablePolicyError as error:
            parsed.append(())
            allowed = f"a YAML file of Cilium's policies: {error}"
            key = ("files", index, "path")
            problems.append(PolicyProblem(key, file.path, allowed, instead="policies/cluster-1.yaml"))
    return tuple(parsed), problems


def _policies_of(file: PolicyFile, read_file: ReadFile) -> list[Policy]:
    try:
        text = read_file(file.path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UnreadablePolicyError(f"cannot read {file.path}: {reason}") from error
    return parse_policies(text, cluster=file.cluster, origin=file.path)


def _objects(compiled: CompiledPolicies, sources: PolicySources) -> Iterator[_Object]:
    for index, pair in enumerate(compiled.intents):
        yield from (_Object(("intents", index), policy) for policy in pair)
    for index, policy in enumerate(compiled.default_deny):
        yield _Object(("defaultDeny", index), policy)
    for index, (file, policies) in enumerate(zip(sources.files, compiled.files, strict=True)):
        yield from (_Object(("files", index, "path"), policy, file) for policy in policies)


def _unknown_ranges(intents: Iterable[Intent], clusters: Mapping[str, str]) -> Iterator[PolicyProblem]:
    """Ranges of ports that the agents of one of the two clusters do not know."""
    for index, intent in enumerate(intents):
        names = sorted({intent.source.cluster, intent.destination.cluster})
        for place, ports in enumerate(intent.destination.ports):
            for name in names:
                version = clusters[name]
                if ports.is_range and not crds.knows(version, "endPort"):
                    key = ("intents", index, "to", "ports", place)
                    allowed = (
                        f"single ports: Cilium {version} of {name} knows no ranges, which came with 1.16"
                    )
                    single = f"{ports.first}/{ports.protocol}"
                    yield PolicyProblem(key, str(ports), allowed, instead=single)


def _unknown_default_denies(
    intents: Iterable[Intent], clusters: Mapping[str, Cluster]
) -> Iterator[PolicyProblem]:
    """Intents that only allow, in a cluster whose agents have every policy deny by default."""
    for index, intent in enumerate(intents):
        denies = intent.enable_default_deny
        sides = (
            ("egress", denies.egress, intent.source.cluster),
            ("ingress", denies.ingress, intent.destination.cluster),
        )
        for direction, enabled, name in sides:
            if not enabled and (why := _why_every_policy_denies(clusters[name])):
                key = ("intents", index, "enableDefaultDeny", direction)
                yield PolicyProblem(key, enabled, f"true: {why}", instead=True)


def _why_every_policy_denies(cluster: Cluster) -> str:
    """Why agents take no notice of enableDefaultDeny; empty where they do."""
    version = cluster.agents.version
    if not crds.knows(version, "enableDefaultDeny"):
        return f"Cilium {version} of {cluster.name} knows no enableDefaultDeny, which came with 1.16"
    if not cluster.agents.non_default_deny:
        return f"cilium-config of {cluster.name} has enable-non-default-deny-policies: false"
    return ""


def _clashing_names(objects: Iterable[_Object]) -> Iterator[PolicyProblem]:
    """Objects of one kind, namespace and name in a cluster: the last one would overwrite the others."""
    seen: dict[tuple[str, str, str, str], _Object] = {}
    for item in objects:
        policy = item.policy
        first = seen.setdefault((policy.cluster, policy.kind, policy.namespace, policy.name), item)
        if first is not item:
            other = path_text(("policies", *first.key))
            allowed = f"a name of its own: {other} creates {policy} in {policy.cluster} as well"
            yield PolicyProblem(item.key, policy.name, allowed, "rename one of the two, or remove one")


def _unsound_objects(objects: Iterable[_Object], clusters: Mapping[str, Cluster]) -> Iterator[PolicyProblem]:
    # An API server drops unknown keys and accepts what agents reject, both without an error.
    for item in objects:
        policy, agents = item.policy, clusters[item.policy.cluster].agents
        any_cluster = item.file is not None and item.file.any_cluster
        found = check(policy, agents.version, any_cluster=any_cluster, labels=agents.labels)
        if not found and not any_cluster:
            found = list(unknown_clusters(policy, clusters))
        for finding in found:
            about_clusters = CLUSTER_LABEL in finding.allowed or CLUSTER_LABEL in str(finding.value)
            permitted = item.file is not None and about_clusters
            yield PolicyProblem(
                item.key,
                {str(policy): finding.value},
                f"at {finding.key}: {finding.allowed} (Cilium {agents.version})",
                f"in {policy.origin}: {finding.fix}",
                permit=(*item.key[:2], "anyCluster") if permitted else None,
            )


def _verdicts(sources: PolicySources, policies: Sequence[Policy], clusters: Mapping[str, Cluster]) -> _ByFlow:
    """The verdicts on every different flow; several where the answer is not the same for all of its ports."""
    evaluator = Evaluator(
        dataclasses.replace(cluster, policies=tuple(policy for policy in policies if policy.cluster == name))
        for name, cluster in clusters.items()
    )
    found: dict[Hashable, tuple[Verdict, ...]] = {}
    for flow in _flows(sources):
        key = _key(flow)
        if key not in found:
            found[key] = tuple(verdicts_on(evaluator, _with_identities(flow, clusters)))
    return found


def _with_identities(flow: Flow, clusters: Mapping[str, Cluster]) -> Flow:
    """The flow between pods of whose labels only those count that the agents of their clusters keep."""

    def with_identity(endpoint: Endpoint) -> Endpoint:
        if not isinstance(endpoint, Pod):
            return endpoint
        return dataclasses.replace(endpoint, label_filter=clusters[endpoint.cluster].agents.label_filter)

    return Flow(with_identity(flow.source), with_identity(flow.destination), flow.port)


def _key(flow: Flow) -> Hashable:
    """The flow without the titles of its port, which may be asked for in other words."""
    port = flow.port
    return repr(flow.source), repr(flow.destination), port.number, port.last, port.protocol


def _flows(sources: PolicySources) -> Iterator[Flow]:
    for intent in sources.intents:
        source, destination = _pod(intent.source), _pod(intent.destination)
        for ports in intent.destination.ports:
            yield Flow(source, destination, as_port(ports))
        if not intent.destination.ports:
            yield Flow(source, destination, EVERY_PORT)
    for assertion in (*sources.must_allow, *sources.must_deny):
        yield assertion.flow


def _pod(pods: Pods) -> Pod:
    return Pod(pods.cluster, pods.namespace, pods.labels)


def _failed_assertions(sources: PolicySources, verdicts: _ByFlow) -> Iterator[PolicyProblem]:
    for index, assertion in enumerate(sources.must_allow):
        allowed = "only what the policies allow"
        yield from _failed(("mustAllow", index), assertion, verdicts, Decision.ALLOWED, allowed)
    for index, assertion in enumerate(sources.must_deny):
        allowed = "only what the policies deny"
        yield from _failed(("mustDeny", index), assertion, verdicts, Decision.DENIED, allowed)


def _failed(
    key: KeyPath, assertion: Assertion, verdicts: _ByFlow, expected: Expected, allowed: str
) -> Iterator[PolicyProblem]:
    """One problem for an assertion that does not hold, with every part of its ports where it does not."""
    parts = verdicts[_key(assertion.flow)]
    if len(parts) == 1:
        # An intent may have led to the same flow under another title of the port.
        parts = (dataclasses.replace(parts[0], flow=assertion.flow),)
    failed = [found for part in parts if (found := failed_assertion(part, expected))]
    if failed:
        words = ", ".join(f"{each.verdict.flow} is {each.found}" for each in failed)
        fixes = "; ".join(dict.fromkeys(each.fix for each in failed))
        yield PolicyProblem(key, assertion.written, f"{allowed}; but {words}", fixes)
