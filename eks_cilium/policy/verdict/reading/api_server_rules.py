"""What an API server refuses in a NetworkPolicy although agents would read it.

Verdicts of files ask this: such a policy never reaches the agents. Follows `ValidateNetworkPolicySpec` in
Kubernetes' pkg/apis/networking/validation/validation.go (1.36). Definitions of Cilium's own kinds have other
rules (`eks_cilium.cilium.crds`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.kubernetes_names import is_label_key
from eks_cilium.policy.objects.checking import path_text
from eks_cilium.policy.verdict.reading.spec import SELECTORS, peers_of, ports_of, selectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PORTS = range(1, 65536)
_TYPES = ("Ingress", "Egress")


def refusals(spec: Mapping[str, Any]) -> Iterator[str]:
    """Each mistake in the decoded spec of a NetworkPolicy, as one text: path, value, rule."""
    for path, selector in selectors_of(spec):
        yield from _keys(selector or {}, path_text(path))
    for path, peer in peers_of(spec):
        yield from _peer(peer, path_text(path))
    for path, port in ports_of(spec):
        yield from _port(port, path_text(path))
    for index, name in enumerate(spec.get("policyTypes") or ()):
        if name not in _TYPES:
            yield f"spec.policyTypes[{index}] is {name}, allowed: {', '.join(_TYPES)}"


def _peer(peer: Mapping[str, Any], path: str) -> Iterator[str]:
    given = [name for name in SELECTORS if peer.get(name) is not None]
    block = peer.get("ipBlock") is not None
    if not given and not block:
        yield f"{path} is {dict(peer)}, allowed: a peer with podSelector, namespaceSelector or ipBlock"
    if given and block:
        yield f"{path} has ipBlock and {given[0]}, allowed: ipBlock alone"


def _keys(selector: Mapping[str, Any], path: str) -> Iterator[str]:
    keys = [*(selector.get("matchLabels") or ())]
    keys += [expression["key"] for expression in selector.get("matchExpressions") or ()]
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
