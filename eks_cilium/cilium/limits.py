"""Features of Cilium that are limited, or do not work, while the AWS VPC CNI connects the pods.

The preview of mode `chaining` names those that a configuration or existing policies use. Sources: the note on
limits on the page "AWS VPC CNI plugin" of Cilium's documentation (cilium/cilium#12454, #15596), and the
requirements of each feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

L7 = "rules above layer 4 need Cilium's proxy, which is limited when chained (cilium/cilium#12454)"
_IPSEC = "IPsec is limited when chained (cilium/cilium#15596); cilium.encryption: wireguard is not"
_EGRESS = "the egress gateway needs Cilium's own masquerading, and the VPC CNI does it here"
_SERVICES = "it needs Cilium to serve Services, and kube-proxy does it here"

BY_VALUE: Mapping[str, str] = {
    "bandwidthManager.enabled": "Cilium's own tests of this chain run without it",
    "egressGateway.enabled": _EGRESS,
    "encryption.ipsec": _IPSEC,
    "envoyConfig.enabled": L7,
    "gatewayAPI.enabled": f"{L7}; {_SERVICES}",
    "ingressController.enabled": f"{L7}; {_SERVICES}",
    "ipMasqAgent.enabled": "the VPC CNI masquerades here, by AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
    "loadBalancer.l7.backend": L7,
    "localRedirectPolicies.enabled": _SERVICES,
    "localRedirectPolicy": _SERVICES,
    "nodeIPAM.enabled": _SERVICES,
}
"""Chart keys that enable a limited feature, and what limits it."""

BY_KIND: Mapping[str, str] = {
    "CiliumEgressGatewayPolicy": _EGRESS,
    "CiliumEnvoyConfig": L7,
    "CiliumClusterwideEnvoyConfig": L7,
    "CiliumLocalRedirectPolicy": _SERVICES,
}
"""Kinds of objects that only exist for a limited feature, and what limits it."""

_OFF: tuple[Any, ...] = (False, None, "", "disabled", {}, [])


@dataclass(frozen=True)
class Limited:
    """A use of a limited feature, and what limits it."""

    what: str
    """The key of the configuration, or kind and name of the object."""
    why: str


def limited_values(values: Mapping[str, Any]) -> Iterator[Limited]:
    """The limited features that a user's chart values enable."""
    for key, why in BY_VALUE.items():
        found: Any = values
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found not in _OFF:
            yield Limited(f"cilium.values.{key}", why)


def limited_policy(kind: str, policy: Mapping[str, Any]) -> Limited | None:
    """The limited feature that an object uses, above all rules of layer 7; None where it uses none."""
    metadata = policy["metadata"]
    name = "/".join(filter(None, (metadata.get("namespace", ""), metadata["name"])))
    if kind in BY_KIND:
        return Limited(f"{kind} {name}", BY_KIND[kind])
    specs = (policy.get("spec") or {}, *(policy.get("specs") or ()))
    return Limited(f"{kind} {name}", L7) if any(map(_has_layer_7, specs)) else None


def _has_layer_7(spec: Mapping[str, Any]) -> bool:
    rules = [rule for direction in ("ingress", "egress") for rule in spec.get(direction) or ()]
    return any(rule.get("toFQDNs") or _in_ports(rule.get("toPorts") or ()) for rule in rules)


def _in_ports(ports: Iterable[Mapping[str, Any]]) -> bool:
    parts = ("rules", "terminatingTLS", "originatingTLS", "serverNames", "listener")
    return any(port.get(part) for port in ports for part in parts)
