"""Label selectors, with the semantics of Kubernetes. Budgets and node affinities are matched with these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Requirement:
    """One expression of a selector: In, NotIn, Exists, DoesNotExist, and for nodes Gt and Lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy it. A missing key satisfies NotIn, as it does in Kubernetes."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "Gt" | "Lt":
                return _compares(value, self.operator, self.values)
        raise ValueError(f"Kubernetes has no selector operator {self.operator!r}")


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that all have to hold. Without any it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels satisfy every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def selector(written: Mapping[str, Any] | None) -> Selector | None:
    """A selector from an object. None where the object has none, which matches nothing at all."""
    if written is None:
        return None
    labels = (Requirement(key, "In", (value,)) for key, value in (written.get("matchLabels") or {}).items())
    return Selector((*labels, *requirements(written.get("matchExpressions"))))


def labels_in_request(written: Mapping[str, Any] | None) -> str:
    """The labels of a selector, as the parameter `labelSelector` of a request; empty where it has none.

    It selects what the selector does and perhaps more: expressions are left out. The selector of a
    ReplicationController is a map of labels itself.
    """
    found = written or {}
    has_parts = not found.keys().isdisjoint({"matchLabels", "matchExpressions"})
    labels = (found.get("matchLabels") if has_parts else found) or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def requirements(written: Any) -> tuple[Requirement, ...]:
    """The expressions of a selector or of a node selector term."""
    return tuple(
        Requirement(entry["key"], entry["operator"], tuple(entry.get("values") or ()))
        for entry in written or ()
    )


def _compares(value: str | None, operator: str, values: tuple[str, ...]) -> bool:
    try:
        ours, theirs = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return ours > theirs if operator == "Gt" else ours < theirs
