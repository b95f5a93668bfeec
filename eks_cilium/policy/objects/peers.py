"""The peer selectors of a rule: where they stand, and what they say about cluster and namespace.

Read by the check of policies written by hand, and by the comparison of meanings in `policy.verdict`.
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
    """A selector of peers as it is written."""

    written: Mapping[str, Any]

    def keys(self) -> Iterator[tuple[str, str]]:
        """Source and key of each label it speaks of; no source where none is written."""
        labels = [*(self.written.get("matchLabels") or {})]
        labels += [one["key"] for one in self.written.get("matchExpressions") or ()]
        yield from map(source_and_key, labels)

    @property
    def names_cluster(self) -> bool:
        """Whether it says in which cluster."""
        return any(source in _SOURCES_OF_PODS and key == CLUSTER_LABEL for source, key in self.keys())

    @property
    def names_namespace(self) -> bool:
        """Whether it says in which namespace, by name or by the namespace's labels."""
        return any(
            source in _SOURCES_OF_PODS and (key == NAMESPACE_LABEL or key.startswith(f"{NAMESPACE_LABELS}."))
            for source, key in self.keys()
        )

    @property
    def is_reserved(self) -> bool:
        """Whether it speaks of Cilium's own identities such as `reserved:host`: those are in no cluster."""
        return any(source == "reserved" for source, _ in self.keys())


def source_and_key(label: str) -> tuple[str, str]:
    """`k8s:app` as `("k8s", "app")`; `$host` is an old spelling of `reserved:host`."""
    if label.startswith("$"):
        return "reserved", label[1:]
    source, colon, key = label.partition(":")
    return (source, key) if colon else ("", label)


def peer_selectors(rule: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], PeerSelector]]:
    """The selectors of peers in a rule of the right shape, each with the keys that lead to it."""
    for section, names in SECTIONS.items():
        for index, entry in enumerate(rule.get(section) or ()):
            for name in names:
                for place, selector in enumerate(entry.get(name) or ()):
                    yield (section, index, name, place), PeerSelector(selector or {})
