"""Identities and selectors as Cilium knows them: sets of labels, each with the source it comes from.

Whether a selector matches an identity is yes, no or unknown: labels of a namespace, for example, are not part
of a stack file. The sources are those of Cilium's pkg/labels; `any` in a selector stands for every source.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.identity_labels import is_identity_label
from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.objects.peers import source_and_key
from eks_cilium.policy.verdict.model import Address, Endpoint, Entity, Pod

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SERVICE_ACCOUNT_LABEL = "io.cilium.k8s.policy.serviceaccount"
NAMESPACE_NAME = "kubernetes.io/metadata.name"

ANY, KUBERNETES, RESERVED = "any", "k8s", "reserved"
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True)
class Answer:
    """An answer of yes, no or unknown."""

    truth: bool | None
    """None for unknown."""
    why: str = ""
    """What would have to be known; empty for yes and no."""


YES, NO = Answer(truth=True), Answer(truth=False)


def all_of(answers: Iterable[Answer]) -> Answer:
    """Yes if all answers are yes; one no outweighs any unknown."""
    found = list(answers)
    if any(answer.truth is False for answer in found):
        return NO
    return next((answer for answer in found if answer.truth is None), YES)


def any_of(answers: Iterable[Answer]) -> Answer:
    """Yes if at least one answer is yes; one yes outweighs any unknown."""
    found = list(answers)
    if any(answer.truth for answer in found):
        return YES
    return next((answer for answer in found if answer.truth is None), NO)


@dataclass(frozen=True)
class Identity:
    """The labels by which Cilium knows an endpoint, and the kinds of labels it may have beyond those."""

    labels: tuple[tuple[str, str, str], ...]
    """Source, key and value of each label."""
    unknown: tuple[tuple[str, str, str], ...] = ()
    """Source and first characters of the keys that are not known, and what they are in words."""

    def value(self, source: str, key: str) -> str | None:
        """The value of a label; None where the identity has no such label."""
        for its_source, its_key, value in self.labels:
            if key == its_key and source in (ANY, its_source):
                return value
        return None

    def by_label(self) -> dict[tuple[str, str], str]:
        """What `value` returns, for every pair of source and key that has a value."""
        found: dict[tuple[str, str], str] = {}
        for source, key, value in self.labels:
            found.setdefault((source, key), value)
            found.setdefault((ANY, key), value)
        return found

    def missing(self, source: str, key: str) -> str:
        """What would have to be known to say whether the label exists; empty where it certainly does not."""
        for its_source, beginning, words in self.unknown:
            asked = source == its_source or (source == ANY and its_source == KUBERNETES)
            if asked and key.startswith(beginning):
                return words
        return ""


def identity_of(endpoint: Endpoint) -> Identity:
    """The identity that an agent gives to an endpoint.

    Args:
        endpoint: A pod, an address outside of all clusters, or an entity.

    Returns:
        Its labels, and which labels of it are not known.
    """
    match endpoint:
        case Pod():
            return _pod(endpoint)
        case Address():
            world = ((RESERVED, "world", ""),)
            return Identity(world, (("cidr", "", ""), ("cidrgroup", "", ""), ("fqdn", "", "")))
        case Entity():
            return _entity(endpoint)


def _pod(pod: Pod) -> Identity:
    where = {CLUSTER_LABEL: pod.identity_cluster or pod.cluster, NAMESPACE_LABEL: pod.namespace}
    of_namespace = {NAMESPACE_NAME: pod.namespace, **(pod.namespace_labels or {})}
    keeps = pod.label_filter.keeps if pod.label_filter else is_identity_label
    written = {
        **pod.labels,
        **{f"{NAMESPACE_LABELS}.{key}": value for key, value in of_namespace.items()},
        **where,
    }
    labels = {key: value for key, value in written.items() if pod.has_identity or keeps(key)}
    unknown = []
    if pod.namespace_labels is None:
        words = f"the labels of namespace {pod.namespace} in {pod.cluster}"
        unknown.append((KUBERNETES, f"{NAMESPACE_LABELS}.", words))
    if pod.service_account is not None and (pod.has_identity or keeps(SERVICE_ACCOUNT_LABEL)):
        labels[SERVICE_ACCOUNT_LABEL] = pod.service_account
    elif SERVICE_ACCOUNT_LABEL not in labels and keeps(SERVICE_ACCOUNT_LABEL):
        unknown.append((KUBERNETES, SERVICE_ACCOUNT_LABEL, f"the service account of {pod}"))
    return Identity(tuple((KUBERNETES, key, value) for key, value in labels.items()), tuple(unknown))


def _entity(entity: Entity) -> Identity:
    names: tuple[str, ...] = (entity.name,)
    unknown: tuple[tuple[str, str, str], ...] = ()
    if entity.name == "kube-apiserver":
        # On EKS the API server runs on no node of the cluster, so its addresses belong to the world as well.
        names = ("kube-apiserver", "world")
        unknown = (("cidr", "", "the addresses of the API server"),)
    if entity.name in ("host", "remote-node"):
        unknown = (("node", "", "the labels of nodes"),)
    return Identity(tuple((RESERVED, name, "") for name in names), unknown)


@dataclass(frozen=True)
class Requirement:
    """A condition on one label, part of a selector."""

    source: str
    key: str
    operator: str
    values: tuple[str, ...] = ()
    added: str = ""
    """Why Cilium adds the condition; empty where the policy itself has it."""

    def matches(self, identity: Identity) -> Answer:
        """Whether an identity meets the condition."""
        value = identity.value(self.source, self.key)
        if value is None and (words := identity.missing(self.source, self.key)):
            return Answer(None, words)
        return YES if self.accepts(value) else NO

    def accepts(self, value: str | None) -> bool:
        """Whether a value of the label meets the condition. An absent label satisfies NotIn."""
        if self.operator == "In":
            return value is not None and value in self.values
        if self.operator == "NotIn":
            return value is None or value not in self.values
        return (value is not None) is (self.operator == "Exists")

    def __str__(self) -> str:
        name = self.key if self.source == ANY else f"{self.source}:{self.key}"
        if self.operator == "In" and len(self.values) == 1:
            return f"{name}={self.values[0]}"
        values = f" ({', '.join(self.values)})" if self.values else ""
        return f"{name} {self.operator}{values}"


@dataclass(frozen=True)
class Selector:
    """Conditions that all have to hold; without conditions everything is selected."""

    requirements: tuple[Requirement, ...] = ()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # Selectors are keys of many sets, and each is made of many strings.
        return hash(self.requirements)

    def matches(self, identity: Identity) -> Answer:
        """Whether the selector selects an identity."""
        return all_of(requirement.matches(identity) for requirement in self.requirements)

    def unmet(self, identity: Identity) -> tuple[Requirement, ...]:
        """The conditions that an identity certainly does not meet."""
        return tuple(each for each in self.requirements if each.matches(identity).truth is False)

    def has(self, *keys: tuple[str, str]) -> bool:
        """Whether a condition is about one of these pairs of source and key."""
        return any((each.source, each.key) in keys for each in self.requirements)

    def plus(self, *more: Requirement) -> Selector:
        """The same selector with more conditions."""
        return Selector((*self.requirements, *more))


def selector(written: Mapping[str, Any] | None, source: str = ANY) -> Selector:
    """Parse a selector of a policy.

    Args:
        written: The selector with `matchLabels` and `matchExpressions`.
        source: The source of labels that are written without one.

    Returns:
        The conditions of both parts.

    Raises:
        ValueError: An operator is none of Cilium's.
    """
    return Selector(tuple(_requirements(written or {}, source)))


def _requirements(written: Mapping[str, Any], default: str) -> Iterator[Requirement]:
    for label, value in (written.get("matchLabels") or {}).items():
        source, key = source_and_key(label)
        yield Requirement(source or default, key, "In", (value,))
    for expression in written.get("matchExpressions") or ():
        source, key = source_and_key(expression["key"])
        values = tuple(expression.get("values") or ())
        if expression["operator"] not in _OPERATORS:
            raise ValueError(f"Cilium has no selector operator {expression['operator']!r}")
        yield Requirement(source or default, key, expression["operator"], values)


@lru_cache(maxsize=4096)
def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Parse a network as policies write it: a single address is one, and host bits are ignored."""
    return ipaddress.ip_network(text, strict=False)
