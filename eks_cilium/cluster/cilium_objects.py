"""Reads Cilium's policies and endpoints, and the pods they select, from a cluster. It changes nothing.

Called by `eks-cilium verdict`, which evaluates them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.errors import UserError

if TYPE_CHECKING:
    from eks_cilium.clients.kubernetes import KubernetesApi, Object

_CONFIG = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
_POLICIES = (
    ("CiliumNetworkPolicy", "cilium.io/v2", "/apis/cilium.io/v2/ciliumnetworkpolicies"),
    ("CiliumClusterwideNetworkPolicy", "cilium.io/v2", "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"),
    ("NetworkPolicy", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1/networkpolicies"),
)
# v2 from 1.18 on; up to 1.17 agents read v2alpha1.
_GROUPS = ("/apis/cilium.io/v2/ciliumcidrgroups", "/apis/cilium.io/v2alpha1/ciliumcidrgroups")
_KEPT_OF_METADATA = ("name", "namespace")


@dataclass(frozen=True)
class CiliumObjects:
    """What a verdict about one cluster depends on."""

    config: Object
    """Data of the ConfigMap `cilium-config`, which every agent reads."""
    endpoints: tuple[Object, ...]
    """CiliumEndpoints: one for each pod that Cilium manages."""
    pods: tuple[Object, ...]
    """Namespace, name, host network and ports of each pod, as `{namespace, name, hostNetwork, ports}`.

    A pod of Cilium's agents also has `agent`, its image, whose tag is the release.
    """
    policies: tuple[Object, ...]
    groups: tuple[Object, ...] = ()
    """CiliumCIDRGroups, as `{name, labels, networks}`."""


def cilium_objects(api: KubernetesApi, where: str) -> CiliumObjects:
    """Read what a verdict needs. Raises UserError, which names `where`, where Cilium is not installed."""
    config = api.get(_CONFIG)
    if config is None:
        raise UserError(f"{where} has no ConfigMap kube-system/cilium-config: Cilium is not installed there")
    return CiliumObjects(
        config=config.get("data") or {},
        endpoints=tuple(api.each("/apis/cilium.io/v2/ciliumendpoints", _endpoint)),
        pods=tuple(api.each("/api/v1/pods", _pod)),
        policies=tuple(policy for kind in _POLICIES for policy in _policies(api, *kind)),
        groups=next(filter(None, (tuple(api.each(path, _group)) for path in _GROUPS)), ()),
    )


def _policies(api: KubernetesApi, kind: str, version: str, path: str) -> list[Object]:
    # The items of a list carry neither kind nor apiVersion.
    found = api.each(path, _rules_and_name)
    return [{"apiVersion": version, "kind": kind, **item} for item in found]


def _rules_and_name(item: Object) -> Object:
    rules: Object = {key: item[key] for key in ("spec", "specs") if key in item}
    return {"metadata": _metadata(item), **rules}


def _metadata(item: Object) -> Object:
    return {key: value for key, value in item["metadata"].items() if key in _KEPT_OF_METADATA}


def _endpoint(item: Object) -> Object:
    status = item.get("status") or {}
    return {
        "metadata": _metadata(item),
        "labels": ((status.get("identity") or {}).get("labels")) or [],
        "namedPorts": status.get("named-ports") or [],
    }


def _pod(item: Object) -> Object:
    spec = item.get("spec") or {}
    ports = [port for container in spec.get("containers") or () for port in container.get("ports") or ()]
    images = [c.get("image") for c in spec.get("containers") or () if c.get("name") == "cilium-agent"]
    agent: Object = {"agent": images[0]} if images else {}
    return {**_metadata(item), "hostNetwork": bool(spec.get("hostNetwork")), "ports": ports, **agent}


def _group(item: Object) -> Object:
    return {
        "name": item["metadata"]["name"],
        "labels": item["metadata"].get("labels") or {},
        "networks": (item.get("spec") or {}).get("externalCIDRs") or [],
    }
