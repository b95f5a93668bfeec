"""What an API server refuses in a NetworkPolicy although agents would read it.

Verdicts of files ask this: such a policy never reaches the agents. Follows `ValidateNetworkPolicySpec` in
Kubernetes' pkg/apis/networking/validation/validation.go (1.36). Definitions of Cilium's own kinds have other
rules (`eks_cilium.cilium.crds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.kubernetes_names import is_label_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PORTS = range(1, 65536)
_TYPES = ("Ingress", "Egress")
_SELECTORS = ("podSelector", "namespaceSelector")


def refusals(spec: Mapping[str, Any]) -> Iterator[str]:
    """Each mistake in the decoded spec of a NetworkPolicy, as one text: path, value, rule."""
    yield from _keys(spec.get("podSelector"), "spec.podSelector")
    for section, word in (("ingress", "from"), ("egress", "to")):
        for index, entry in enumerate(spec.get(section) or ()):
            above = f"spec.{section}[{index}]"
            for place, peer in enumerate(entry.get(word) or ()):
                yield from _peer(peer, f"{above}.{word}[{place}]")
            for place, port in enumerate(entry.get("ports") or ()):
                yield from _port(port, f"{above}.ports[{place}]")
    for index, name in enumerate(spec.get("policyTypes") or ()):
        if name not in _TYPES:
            yield f"spec.policyTypes[{index}] is {name}, allowed: {', '.join(_TYPES)}"


def _peer(peer: Mapping[str, Any], path: str) -> Iterator[str]:
    selectors = [name for name in _SELECTORS if peer.get(name) is not None]
    block = peer.get("ipBlock") is not None
    if not selectors and not block:
        yield f"{path} is {dict(peer)}, allowed: a peer with podSelector, namespaceSelector or ipBlock"
    if selectors and block:
        yield f"{path} has ipBlock and {selectors[0]}, allowed: ipBlock alone"
    for name in selectors:
        yield from _keys(peer[name], f"{path}.{name}")


def _keys(selector: Any, path: str) -> Iterator[str]:
    written = selector or {}
    keys = [*(written.get("matchLabels") or ())]
    keys += [expression["key"] for expression in written.get("matchExpressions") or ()]
    for key in keys:
        if not is_label_key(key):
            allowed = "a label's key such as app, without a source such as k8s:"
            yield f"{path} has the key {key}, allowed: {allowed}"


def _port(port: Mapping[str, Any], path: str) -> Iterator[str]:
    number, last = port.get("port"), port.get("endPort")
    if isinstance(number, int) and number not in _PORTS:
        yield f"{path}.port is {number}, allowed: 1 to {_PORTS[-1]}"
    if last is None:
        return
    if not isinstance(number, int):
        yield f"{path}.endPort is {last}, allowed: nothing where port is no number"
    elif last not in _PORTS or last < number:
        yield f"{path}.endPort is {last}, allowed: {number} to {_PORTS[-1]}"
