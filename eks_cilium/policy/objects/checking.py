"""Whether a policy written by hand is sound: by its definition, by the agents' rules, and across clusters.

An API server accepts objects that agents then refuse to enforce, with nothing but a condition in their
status. What is refused here is what Cilium's `Rule.Sanitize` refuses (pkg/policy/api/rule_validation.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium import crds
from eks_cilium.policy.objects import sanity
from eks_cilium.policy.objects.model import CLUSTER_LABEL, Policy
from eks_cilium.policy.objects.peers import peer_selectors

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a policy."""

    policy: Policy
    path: tuple[str | int, ...]
    value: Any
    allowed: str
    fix: str

    @property
    def key(self) -> str:
        """The path as one would write it: `spec.egress[0].toEndpoints[0]`."""
        return written(self.path)

    def __str__(self) -> str:
        """File, object and key on one line."""
        return f"{self.policy.origin}: {self.policy}: {self.key}"


def check(policy: Policy, version: str, *, any_cluster: bool = False) -> list[Finding]:
    """Everything wrong with a policy of Cilium's in that version; nothing for a sound one.

    `any_cluster` permits peer selectors that name no cluster, although they change their meaning with 1.19.
    """
    found = [*_metadata(policy), *_rules_exist(policy)]
    for path, rule in policy.rules():
        broken = [_violated(policy, one) for one in crds.violations(version, rule, path)]
        # The agents' own rules are about objects of the right shape.
        found += broken or [Finding(policy, *one) for one in sanity.refusals(policy.kind, rule, path)]
        if not broken and not any_cluster:
            found += _clusters_unnamed(policy, rule, path)
    return found


def written(path: tuple[str | int, ...]) -> str:
    """A path as one would write it."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _metadata(policy: Policy) -> Iterator[Finding]:
    metadata = policy.object.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield Finding(policy, ("metadata", "name"), None, "the name of the policy", "give it a name")
        return
    namespace = metadata.get("namespace")
    if policy.kind == crds.CLUSTERWIDE and namespace:
        allowed = "nothing: a clusterwide policy is in no namespace"
        yield Finding(policy, ("metadata", "namespace"), namespace, allowed, "remove it")
    if policy.kind == crds.NAMESPACED and not namespace:
        allowed = "the namespace whose pods it is about"
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
        yield Finding(policy, ("spec",), None, "spec or specs: without a rule it is nothing", "write a rule")


def _violated(policy: Policy, one: crds.Violation) -> Finding:
    near = f"; did you mean {one.nearest!r}?" if one.nearest else ""
    known = one.allowed.startswith("no such key")
    fix = f"remove it{near}" if known else f"change {written(one.path)}"
    return Finding(policy, one.path, one.value, one.allowed, fix)


def _clusters_unnamed(policy: Policy, rule: Any, above: tuple[str | int, ...]) -> Iterator[Finding]:
    """Peer selectors whose meaning changes with 1.19."""
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
