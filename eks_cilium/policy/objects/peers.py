"""Finds the peer selectors of a rule, and tells whether they name a cluster and a namespace.

Used by the check of policies and by `verdict.changes`, which lists what Cilium 1.19 reads differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.model import CLUSTER_LABEL, NAMESPACE_LABEL, NAMESPACE_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECTIONS = {
    "egress": ("toEndpoints", "toNodes"),
    "egressDeny": ("toEndpoints", "toNodes"),
    "ingress": ("fromEndpoints", "fromNodes"),
    "ingressDeny": ("fromEndpoints", "fromNodes"),
}
_SOURCES_OF_PODS = ("", "k8s", "any")


@dataclass(frozen=True)
class PeerSelector:
    """A peer selector as it is written in a policy."""

    written: Mapping[str, Any]

    def keys(self) -> Iterator[tuple[str, str]]:
        """Source and key of each label the selector names; the source is empty where none is written."""
        labels = [*(self.written.get("matchLabels") or {})]
        labels += [expression.get("key", "") for expression in self.written.get("matchExpressions") or ()]
        yield from map(source_and_key, map(str, labels))

    def demanded_keys(self) -> Iterator[tuple[str, str]]:
        """Source and key of each label that a pod must have to be selected."""
        labels = [*(self.written.get("matchLabels") or {})]
        labels += [
            expression["key"]
            for expression in self.written.get("matchExpressions") or ()
            if expression["operator"] in ("In", "Exists")
        ]
        yield from map(source_and_key, map(str, labels))

    @property
    def names_cluster(self) -> bool:
        """Whether the selector says in which cluster the pods are."""
        return any(source in _SOURCES_OF_PODS and key == CLUSTER_LABEL for source, key in self.keys())

    def clusters(self) -> Iterator[str]:
        """The clusters whose pods the selector means, as far as it names them."""
        labels = self.written.get("matchLabels") or {}
        listed = [(key, (value,)) for key, value in labels.items()]
        listed += [
            (expression["key"], tuple(expression.get("values") or ()))
            for expression in self.written.get("matchExpressions") or ()
            if expression["operator"] == "In"
        ]
        for label, values in listed:
            source, key = source_and_key(str(label))
            if source in _SOURCES_OF_PODS and key == CLUSTER_LABEL:
                yield from values

    @property
    def names_namespace(self) -> bool:
        """Whether the selector says in which namespace the pods are, by its name or by its labels."""
        return any(
            source in _SOURCES_OF_PODS and (key == NAMESPACE_LABEL or key.startswith(f"{NAMESPACE_LABELS}."))
            for source, key in self.keys()
        )

    @property
    def is_reserved(self) -> bool:
        """Whether the selector names a reserved identity such as `reserved:host`, which is in no cluster."""
        return any(source == "reserved" for source, _ in self.keys())


def source_and_key(label: str) -> tuple[str, str]:
    """Split `k8s:app` into `("k8s", "app")`; `$host` is an old spelling of `reserved:host`.

    As GetExtendedKeyFrom in pkg/labels/labels.go, a value after a `=` is dropped.
    """
    source, colon, key = label.partition(":")
    if label.startswith("$"):
        source, key = "reserved", label[1:]
    elif not colon:
        source, key = "", label
    return source, key.partition("=")[0]


def peer_selectors(rule: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], PeerSelector]]:
    """The peer selectors of a rule whose shape is right, each with the keys that lead to it."""
    for section, names in SECTIONS.items():
        for index, entry in enumerate(rule.get(section) or ()):
            for name in names:
                for place, selector in enumerate(entry.get(name) or ()):
                    yield (section, index, name, place), PeerSelector(selector or {})
