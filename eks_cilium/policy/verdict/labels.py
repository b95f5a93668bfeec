"""Identities and selectors as Cilium knows them: labels with the source they come from.

A selector's answer is yes, no, or that it depends on something nobody here knows. The sources are those of
Cilium's pkg/labels; `any` in a selector is any source at all.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS
from eks_cilium.policy.objects.peers import source_and_key
from eks_cilium.policy.verdict.model import Address, Endpoint, Entity, Pod

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SERVICE_ACCOUNT_LABEL = "io.cilium.k8s.policy.serviceaccount"
NAMESPACE_NAME = "kubernetes.io/metadata.name"

ANY, KUBERNETES, RESERVED = "any", "k8s", "reserved"


@dataclass(frozen=True)
class Answer:
    """Yes, no, or neither: then `why` says what is not known."""

    truth: bool | None
    why: str = ""


YES, NO = Answer(truth=True), Answer(truth=False)


def both(answers: Iterable[Answer]) -> Answer:
    """Yes if all are; a no outweighs what is not known."""
    found = list(answers)
    if any(one.truth is False for one in found):
        return NO
    return next((one for one in found if one.truth is None), YES)


def either(answers: Iterable[Answer]) -> Answer:
    """Yes if one is; a yes outweighs what is not known."""
    found = list(answers)
    if any(one.truth for one in found):
        return YES
    return next((one for one in found if one.truth is None), NO)


@dataclass(frozen=True)
class Identity:
    """The labels Cilium tells an end by, and of which sources and keys it may have more that nobody knows."""

    labels: tuple[tuple[str, str, str], ...]
    """Source, key and value."""
    unknown: tuple[tuple[str, str, str], ...] = ()
    """Source, beginning of a key, and what it is in words."""

    def value(self, source: str, key: str) -> str | None:
        """Value of a label; None where there is none."""
        for its_source, its_key, value in self.labels:
            if key == its_key and source in (ANY, its_source):
                return value
        return None

    def missing(self, source: str, key: str) -> str:
        """What would have to be known to say that a label is not there; nothing where it surely is not."""
        for its_source, beginning, words in self.unknown:
            asked = source == its_source or (source == ANY and its_source == KUBERNETES)
            if asked and key.startswith(beginning):
                return words
        return ""


def identity(end: Endpoint) -> Identity:
    """The identity an agent would give to an end."""
    match end:
        case Pod():
            return _pod(end)
        case Address():
            world = ((RESERVED, "world", ""),)
            return Identity(world, (("cidr", "", ""), ("cidrgroup", "", ""), ("fqdn", "", "")))
        case Entity():
            return _entity(end)


def _pod(pod: Pod) -> Identity:
    where = {CLUSTER_LABEL: pod.cluster, NAMESPACE_LABEL: pod.namespace}
    of_namespace = {NAMESPACE_NAME: pod.namespace, **(pod.namespace_labels or {})}
    labels = {
        **{
            key: value for key, value in pod.labels.items() if pod.has_identity or tells_identities_apart(key)
        },
        **{f"{NAMESPACE_LABELS}.{key}": value for key, value in of_namespace.items()},
        **where,
    }
    unknown = []
    if pod.namespace_labels is None:
        words = f"the labels of namespace {pod.namespace} in {pod.cluster}"
        unknown.append((KUBERNETES, f"{NAMESPACE_LABELS}.", words))
    if pod.service_account is not None:
        labels[SERVICE_ACCOUNT_LABEL] = pod.service_account
    elif SERVICE_ACCOUNT_LABEL not in labels:
        unknown.append((KUBERNETES, SERVICE_ACCOUNT_LABEL, f"the service account of {pod}"))
    return Identity(tuple((KUBERNETES, key, value) for key, value in labels.items()), tuple(unknown))


def _entity(entity: Entity) -> Identity:
    names: tuple[str, ...] = (entity.name,)
    unknown: tuple[tuple[str, str, str], ...] = ()
    if entity.name == "kube-apiserver":
        # On EKS it runs on no node of the cluster, so that its addresses are also of the world.
        names = ("kube-apiserver", "world")
        unknown = (("cidr", "", "the addresses of the API server"),)
    if entity.name in ("host", "remote-node"):
        unknown = (("node", "", "the labels of nodes"),)
    return Identity(tuple((RESERVED, name, "") for name in names), unknown)


_INCLUDED = (
    r"io\.kubernetes\.pod\.namespace",
    r"io\.cilium\.k8s\.namespace\.labels",
    r"app\.kubernetes\.io",
    r"io\.cilium\.k8s\.policy\.cluster",
    r"io\.cilium\.k8s\.policy\.serviceaccount",
)
_IGNORED = (
    r"io\.kubernetes",
    r"kubernetes\.io",
    r"statefulset\.kubernetes\.io/pod-name",
    r"apps\.kubernetes\.io/pod-index",
    r"batch\.kubernetes\.io/job-completion-index",
    r"batch\.kubernetes\.io/controller-uid",
    r".*beta\.kubernetes\.io",
    r"k8s\.io",
    r"pod-template-generation",
    r"pod-template-hash",
    r"controller-revision-hash",
    r"controller-uid",
    r"annotation.*",
    r"etcd_node",
    r"topology\.kubernetes\.io",
)


@cache
def tells_identities_apart(key: str) -> bool:
    """Whether a pod's label is part of its identity, by Cilium's default; else no policy sees it.

    As in Cilium's pkg/labelsfilter: the longest pattern that includes it has to be longer than the shortest
    one that ignores it.
    """
    included = [match.end() for pattern in _INCLUDED if (match := re.match(pattern, key))]
    ignored = [match.end() for pattern in _IGNORED if (match := re.match(pattern, key))]
    return not ignored or max(included, default=0) > min(ignored)


@dataclass(frozen=True)
class Requirement:
    """One condition of a selector."""

    source: str
    key: str
    operator: str
    values: tuple[str, ...] = ()
    added: str = ""
    """Why Cilium adds it, where nobody wrote it."""

    def answer(self, who: Identity) -> Answer:
        """Whether an identity meets it. An absent key satisfies NotIn, as it does in Kubernetes."""
        value = who.value(self.source, self.key)
        if value is None and (words := who.missing(self.source, self.key)):
            return Answer(None, words)
        match self.operator:
            case "In":
                return Answer(value is not None and value in self.values)
            case "NotIn":
                return Answer(value is None or value not in self.values)
            case "Exists":
                return Answer(value is not None)
            case "DoesNotExist":
                return Answer(value is None)
        raise ValueError(f"Cilium has no selector operator {self.operator!r}")

    def __str__(self) -> str:
        name = self.key if self.source == ANY else f"{self.source}:{self.key}"
        if self.operator == "In" and len(self.values) == 1:
            return f"{name}={self.values[0]}"
        values = f" ({', '.join(self.values)})" if self.values else ""
        return f"{name} {self.operator}{values}"


@dataclass(frozen=True)
class Selector:
    """Requirements that all have to hold. Without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def answer(self, who: Identity) -> Answer:
        """Whether it selects an identity."""
        return both(one.answer(who) for one in self.requirements)

    def unmet(self, who: Identity) -> tuple[Requirement, ...]:
        """What keeps it from selecting an identity."""
        return tuple(one for one in self.requirements if one.answer(who).truth is False)

    def has(self, *keys: tuple[str, str]) -> bool:
        """Whether a requirement is about one of these sources and keys."""
        return any((one.source, one.key) in keys for one in self.requirements)

    def plus(self, *more: Requirement) -> Selector:
        """The same with more requirements."""
        return Selector((*self.requirements, *more))


def selector(written: Mapping[str, Any] | None, source: str = ANY) -> Selector:
    """A selector as it stands in a policy; labels without a source get the given one."""
    return Selector(tuple(_requirements(written or {}, source)))


def _requirements(written: Mapping[str, Any], default: str) -> Iterator[Requirement]:
    for label, value in (written.get("matchLabels") or {}).items():
        source, key = source_and_key(label)
        yield Requirement(source or default, key, "In", (value,))
    for one in written.get("matchExpressions") or ():
        source, key = source_and_key(one["key"])
        yield Requirement(source or default, key, one["operator"], tuple(one.get("values") or ()))


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A network as policies write it: an address alone is one, host bits do not matter."""
    return ipaddress.ip_network(text, strict=False)
