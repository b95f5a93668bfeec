"""Checks a policy against its definition, against the agents' own rules, and for use across clusters.

An API server accepts objects that the agents then refuse to enforce; the only sign is a condition in the
object's status. `sanity` refuses the same objects before they are created.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import crds
from eks_cilium.kubernetes_names import is_dns_label, is_subdomain
from eks_cilium.policy.objects import sanity
from eks_cilium.policy.objects.agents import Agents
from eks_cilium.policy.objects.identity_labels import LabelFilter, label_filter
from eks_cilium.policy.objects.model import CLUSTER_LABEL, Policy
from eks_cilium.policy.objects.peers import PeerSelector, peer_selectors

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True)
class Finding:
    """One mistake in a policy: where it is, what is allowed there and how to fix it."""

    policy: Policy
    path: tuple[str | int, ...]
    """Keys and indexes from the object down to the value."""
    value: Any
    allowed: str
    fix: str

    @property
    def key(self) -> str:
        """The path as one text: `spec.egress[0].toEndpoints[0]`."""
        return path_text(self.path)

    def __str__(self) -> str:
        return f"{self.policy.origin}: {self.policy}: {self.key}"


def check(policy: Policy, version: str, *, any_cluster: bool = False, labels: str = "") -> list[Finding]:
    """Find every mistake in a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.

    Args:
        policy: The object and its cluster.
        version: Cilium release of the cluster, such as `1.19.7`. Its definition decides which fields exist.
        any_cluster: Whether peer selectors may name no cluster, although Cilium 1.19 reads those differently.
        labels: The agents' own patterns for labels that are part of identities (`labels` of cilium-config).

    Returns:
        Every mistake; an empty list for a sound policy.
    """
    found = [*_metadata(policy), *_rules_exist(policy)]
    for path, rule in policy.rules():
        violations = [_violation(policy, violation) for violation in crds.violations(version, rule, path)]
        # The agents' own rules assume that the shape is right.
        found += violations or _rejections(policy, rule, path, version)
        if not violations:
            found += _about_nobody(policy, rule, path, label_filter(version, labels))
        if not violations and not any_cluster:
            found += _clusters_unnamed(policy, rule, path)
    return found


def clusters_named(policy: Policy) -> set[str]:
    """The clusters that peer selectors of a policy name; none where its shape is not that of its kind."""
    try:
        return {
            str(cluster)
            for _, rule in policy.rules()
            for _, selector in peer_selectors(rule)
            for cluster in selector.clusters()
        }
    except (AttributeError, KeyError, TypeError):
        return set()


def unknown_clusters(policy: Policy, known: Collection[str]) -> Iterator[Finding]:
    """Peer selectors of a sound policy that name a cluster which is none of those that are known."""
    for path, rule in policy.rules():
        for inner, selector in peer_selectors(rule):
            for cluster in selector.clusters():
                if cluster not in known:
                    allowed = f"one of the clusters {', '.join(sorted(known))}: others have no pods here"
                    place = (*path, *inner)
                    yield Finding(policy, place, {CLUSTER_LABEL: cluster}, allowed, "write the name of one")


def path_text(path: tuple[str | int, ...]) -> str:
    """A path of keys and indexes as one text: `spec.egress[0].toEndpoints[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _rejections(policy: Policy, rule: Any, path: tuple[str | int, ...], version: str) -> list[Finding]:
    refused = sanity.rejections(policy.kind, rule, path, Agents(version), strict=True)
    return [Finding(policy, *rejection) for rejection in refused]


def _metadata(policy: Policy) -> Iterator[Finding]:
    metadata = policy.object.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield Finding(policy, ("metadata", "name"), None, "the name of the policy", "give it a name")
        return
    if not is_subdomain(metadata["name"]):
        allowed = "lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit"
        yield Finding(policy, ("metadata", "name"), metadata["name"], allowed, "rename it")
    namespace = metadata.get("namespace")
    if namespace and (not isinstance(namespace, str) or not is_dns_label(namespace)):
        allowed = "at most 63 lower-case letters, digits and dashes"
        yield Finding(policy, ("metadata", "namespace"), namespace, allowed, "write the name of a namespace")
    if policy.kind == crds.CLUSTERWIDE and namespace:
        allowed = "nothing: a clusterwide policy is in no namespace"
        yield Finding(policy, ("metadata", "namespace"), namespace, allowed, "remove it")
    if policy.kind == crds.NAMESPACED and not namespace:
        allowed = "the namespace of the pods the policy selects"
        yield Finding(policy, ("metadata", "namespace"), namespace, allowed, "write it, also for `default`")


def _rules_exist(policy: Policy) -> Iterator[Finding]:
    for key in policy.object:
        if key not in ("apiVersion", "kind", "metadata", "spec", "specs", "status"):
            allowed = "no such key; known here: apiVersion, kind, metadata, spec, specs"
            yield Finding(policy, (key,), policy.object[key], allowed, "remove it")
    specs = policy.object.get("specs")
    if specs is not None and not isinstance(specs, list):
        yield Finding(policy, ("specs",), specs, "a list of rules", "write a list, or `spec`")
    elif not list(policy.rules()):
        allowed = "spec or specs: a policy without a rule has no effect"
        yield Finding(policy, ("spec",), None, allowed, "write a rule")


def _violation(policy: Policy, violation: crds.Violation) -> Finding:
    if violation.allowed.startswith("no such key"):
        rename = f"rename it to {violation.nearest!r}" if violation.nearest else "remove it"
        return Finding(policy, violation.path, violation.value, violation.allowed, rename)
    fix = f"change {path_text(violation.path)}"
    return Finding(policy, violation.path, violation.value, violation.allowed, fix)


def _about_nobody(
    policy: Policy, rule: Any, above: tuple[str | int, ...], kept: LabelFilter
) -> Iterator[Finding]:
    """Selectors of pods by labels that no identity has: such a selector selects no pod at all."""
    subject = PeerSelector(rule.get("endpointSelector") or {})
    for path, selector in ((("endpointSelector",), subject), *peer_selectors(rule)):
        if path[-2:-1] in (("toNodes",), ("fromNodes",)):
            continue
        for source, key in selector.demanded_keys():
            if source in ("", "any", "k8s") and not kept.keeps(key):
                allowed = (
                    "a label that Cilium makes part of identities; without it, the selector selects no pod"
                )
                yield Finding(policy, (*above, *path), key, allowed, "select the pods by another label")


def _clusters_unnamed(policy: Policy, rule: Any, above: tuple[str | int, ...]) -> Iterator[Finding]:
    """Peer selectors whose meaning changes with Cilium 1.19 (cilium/cilium#36194)."""
    for path, selector in peer_selectors(rule):
        if not selector.names_cluster and not selector.is_reserved:
            allowed = (
                f"a selector with {CLUSTER_LABEL}: without it, it means pods of any cluster up to Cilium "
                "1.18, and only those of its own cluster from 1.19 on"
            )
            fix = (
                f"write `{CLUSTER_LABEL}: {policy.cluster}` (or the other cluster's name), or an expression "
                f"{CLUSTER_LABEL} Exists for pods of every cluster"
            )
            yield Finding(policy, (*above, *path), selector.written, allowed, fix)
