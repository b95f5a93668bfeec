"""What `toServices` means: the pods behind a Service, or the addresses of a Service without a selector.

Agents replace the Services by selectors and networks before they read the rule: `processRule` in
pkg/policy/k8s/service.go, up to 1.15 pkg/k8s/rule_translate.go. `toServices` of an entry that denies is never
replaced. What is left of an entry whose Services do not exist is an entry without peers.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.policy.objects.model import NAMESPACE_LABEL
from eks_cilium.policy.verdict.labels import ANY, KUBERNETES, Identity, selector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eks_cilium.policy.verdict.model import Service

# IsExternal in pkg/policy/k8s/service.go: up to 1.16 only Services without a selector count.
_FIRST_WITH_SELECTORS = (1, 17)


@dataclass(frozen=True)
class Meant:
    """What one item of `toServices` stands for."""

    selectors: tuple[Mapping[str, Any], ...]
    """Selectors of pods, as in `toEndpoints`."""
    addresses: tuple[str, ...]


def meant_by(item: Mapping[str, Any], services: Iterable[Service], minor: tuple[int, int]) -> Meant:
    """The selectors and addresses that agents of a minor release put in place of an item of `toServices`."""
    found = [service for service in services if _matches(item, service)]
    with_selector = [service for service in found if service.selector]
    selectors = tuple(map(_selector, with_selector)) if minor >= _FIRST_WITH_SELECTORS else ()
    addresses = tuple(address for service in found if not service.selector for address in service.addresses)
    return Meant(selectors, addresses)


def _selector(service: Service) -> dict[str, Any]:
    labels = {**service.selector, NAMESPACE_LABEL: service.namespace}
    return {"matchLabels": {f"{KUBERNETES}:{key}": value for key, value in labels.items()}}


def _matches(item: Mapping[str, Any], service: Service) -> bool:
    by_labels, by_name = item.get("k8sServiceSelector"), item.get("k8sService")
    if by_labels is not None:
        # The source of a key is ignored (labelsMatcher).
        identity = Identity(tuple((ANY, key, value) for key, value in service.labels.items()))
        wanted = selector(by_labels.get("selector"))
        requirements = (dataclasses.replace(each, source=ANY) for each in wanted.requirements)
        return _is_in(by_labels, service) and all(each.matches(identity).truth for each in requirements)
    if by_name is not None:
        return _is_in(by_name, service) and by_name.get("serviceName") == service.name
    return False


def _is_in(item: Mapping[str, Any], service: Service) -> bool:
    return (item.get("namespace") or "") in ("", service.namespace)
