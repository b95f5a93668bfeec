"""The smallest change that turns a verdict into its opposite: one object more, or a rule that has to go.

What is added means this flow and no other: a policy of its own, so that no policy of another owner has to be
edited and no other pod is affected.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import crds
from eks_cilium.policy.objects import Policy
from eks_cilium.policy.objects.pods import Pods, peer_selector, subject_selector
from eks_cilium.policy.verdict.model import Address, Decision, Entity, Mode, Pod
from eks_cilium.policy.verdict.ports import ICMP
from eks_cilium.policy.why.model import Change
from eks_cilium.policy.why.naming import naming_labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eks_cilium.policy.verdict.model import Cluster, DirectionVerdict, Endpoint, Port, Verdict

_MOST_PORTS = 40
"""As many ports as an entry may list (pkg/policy/api, maxPorts)."""
_LONGEST_NAME = 63


def changes_to_allow(verdict: Verdict, clusters: Mapping[str, Cluster]) -> tuple[Change, ...]:
    """What has to change for a denied flow to be allowed: a change for each side that denies it."""
    found: list[Change] = []
    for direction, subject, side in _sides(verdict):
        if side.decision is not Decision.DENIED:
            continue
        if side.reason == "denied":
            found += (
                Change(
                    f"take the flow out of {rule}: a rule that denies wins over every rule that allows",
                    subject.cluster,
                )
                for rule in side.rules
            )
        else:
            found.append(_allow(verdict, direction, subject, clusters[subject.cluster]))
    return tuple(found)


def changes_to_deny(verdict: Verdict, clusters: Mapping[str, Cluster]) -> tuple[Change, ...]:
    """What has to change for an allowed flow to be denied, in the cluster that is reached if that can be."""
    sides = list(_sides(verdict))
    if not sides:
        return ()
    direction, subject, _ = sides[-1]
    cluster = clusters[subject.cluster]
    if cluster.mode is Mode.NEVER:
        says = f"set policyEnforcementMode of Cilium's chart in {cluster.name}: `never` enforces no policy"
        return (Change(says, cluster.name),)
    if cluster.agents.audit:
        says = f"set policyAuditMode: false in Cilium's chart in {cluster.name}: audit mode blocks nothing"
        return (Change(says, cluster.name),)
    return (_deny(verdict, direction, subject, cluster),)


def _sides(verdict: Verdict) -> Iterator[tuple[str, Pod, DirectionVerdict]]:
    flow = verdict.flow
    if isinstance(flow.source, Pod):
        yield "egress", flow.source, verdict.egress
    if isinstance(flow.destination, Pod):
        yield "ingress", flow.destination, verdict.ingress


def _allow(verdict: Verdict, direction: str, subject: Pod, cluster: Cluster) -> Change:
    policy = _policy("allow", verdict, direction, subject, cluster)
    if policy is None:
        return _by_hand(f"allow it on {direction}", verdict, cluster)
    return Change(
        f"add to {cluster.name}, which allows this flow on {direction} and no other", cluster.name, policy
    )


def _deny(verdict: Verdict, direction: str, subject: Pod, cluster: Cluster) -> Change:
    policy = _policy("deny", verdict, direction, subject, cluster)
    if policy is None:
        return _by_hand(f"deny it on {direction}", verdict, cluster)
    says = f"add to {cluster.name}, which denies this flow on {direction} and no other"
    if "enableDefaultDeny" not in policy.object["spec"]:
        says = (
            f"add to {cluster.name}; Cilium {cluster.agents.version} then also denies every {direction} "
            "of the pod that no policy allows"
        )
    return Change(says, cluster.name, policy)


def _by_hand(what: str, verdict: Verdict, cluster: Cluster) -> Change:
    port = verdict.flow.port
    return Change(f"{what}: Cilium {cluster.agents.version} cannot say {port} in one entry", cluster.name)


def _policy(verb: str, verdict: Verdict, direction: str, subject: Pod, cluster: Cluster) -> Policy | None:
    """A policy that means the flow alone; None where the release has no words for its ports."""
    flow = verdict.flow
    egress = direction == "egress"
    peer = flow.destination if egress else flow.source
    ports = _ports(flow.port, cluster.agents.version)
    if ports is None:
        return None
    section = f"{direction}Deny" if verb == "deny" else direction
    entry = {**_peer(peer, "to" if egress else "from"), **ports}
    spec: dict[str, Any] = {"endpointSelector": subject_selector(naming_labels(subject)), section: [entry]}
    if verb == "deny" and crds.knows(cluster.agents.version, "enableDefaultDeny"):
        spec["enableDefaultDeny"] = {direction: False}
    # The two sides of a flow may be in one namespace, where the names of policies differ.
    ends = f"{verb}-{_name(flow.source)}-to-{_name(flow.destination)}"
    taken = {each.name for each in cluster.policies if each.namespace == subject.namespace}
    name = next(name for name in _names(ends, direction) if name not in taken)
    written = {
        "apiVersion": crds.API_VERSION,
        "kind": crds.NAMESPACED,
        "metadata": {"name": name, "namespace": subject.namespace},
        "spec": spec,
    }
    return Policy(cluster.name, written, "a proposal")


def _names(ends: str, direction: str) -> Iterator[str]:
    """Names for a policy, the shortest first."""
    for number in count(1):
        suffix = f"-{direction}" if number == 1 else f"-{direction}-{number}"
        yield ends[: _LONGEST_NAME - len(suffix)].rstrip("-.") + suffix


def _peer(peer: Endpoint, word: str) -> dict[str, Any]:
    match peer:
        case Pod():
            cluster = peer.identity_cluster or peer.cluster
            return {f"{word}Endpoints": [peer_selector(Pods(cluster, peer.namespace, naming_labels(peer)))]}
        case Address():
            return {f"{word}CIDR": [f"{peer.address}/32"]}
        case Entity():
            return {f"{word}Entities": [peer.name]}


def _ports(port: Port, version: str) -> dict[str, Any] | None:
    """The key `toPorts` for a port or a range, or `icmps`; empty for every port."""
    if port.protocol == "ANY":
        return {}
    first, last = port.number, max(port.number, port.last)
    if port.protocol == ICMP:
        return {"icmps": [{"fields": [{"family": "IPv4", "type": first}]}]} if first == last else None
    if first == last:
        return _entry_of([{"port": str(first), "protocol": port.protocol}])
    if crds.knows(version, "endPort"):
        return _entry_of([{"port": str(first), "endPort": last, "protocol": port.protocol}])
    if last - first < _MOST_PORTS:
        numbers = range(first, last + 1)
        return _entry_of([{"port": str(number), "protocol": port.protocol} for number in numbers])
    return None


def _entry_of(ports: list[dict[str, Any]]) -> dict[str, Any]:
    return {"toPorts": [{"ports": ports}]}


def _name(endpoint: Endpoint) -> str:
    text = str(endpoint)
    if isinstance(endpoint, Pod):
        labels = naming_labels(endpoint)
        text = next(iter(labels.values()), "") or f"pods-of-{endpoint.namespace}"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "pods"
