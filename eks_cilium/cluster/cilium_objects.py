"""Reads Cilium's policies and endpoints, and the pods they select, from a cluster. It changes nothing.

Called by `eks-cilium verdict`, which evaluates them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.errors import RefusedError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eks_cilium.clients.kubernetes import KubernetesApi, Object

_CONFIG = "/api/v1/namespaces/kube-system/configmaps/cilium-config"
_POLICIES = (
    ("CiliumNetworkPolicy", "cilium.io/v2", "/apis/cilium.io/v2/ciliumnetworkpolicies"),
    ("CiliumClusterwideNetworkPolicy", "cilium.io/v2", "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies"),
    ("NetworkPolicy", "networking.k8s.io/v1", "/apis/networking.k8s.io/v1/networkpolicies"),
)
# sigs.k8s.io/network-policy-api: the kind that agents read from 1.20 on, and the two it came from.
_OF_CLUSTERS = (
    (
        "ClusterNetworkPolicy",
        "policy.networking.k8s.io/v1alpha2",
        "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies",
    ),
    (
        "AdminNetworkPolicy",
        "policy.networking.k8s.io/v1alpha1",
        "/apis/policy.networking.k8s.io/v1alpha1/adminnetworkpolicies",
    ),
    (
        "BaselineAdminNetworkPolicy",
        "policy.networking.k8s.io/v1alpha1",
        "/apis/policy.networking.k8s.io/v1alpha1/baselineadminnetworkpolicies",
    ),
)
_SERVICES, _SLICES = "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"
# v2 from 1.16 on (Documentation/configuration/per-node-config.rst).
_NODE_CONFIGS = ("/apis/cilium.io/v2/ciliumnodeconfigs", "/apis/cilium.io/v2alpha1/ciliumnodeconfigs")
_FORBIDDEN = 403
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
    """Namespace, name, host network, ports, workload and the address of the node of each pod, as
    `{namespace, name, hostNetwork, ports, workload, nodeAddress}`.

    A pod of Cilium's agents also has `agent`, its image, whose tag is the release.
    """
    policies: tuple[Object, ...]
    groups: tuple[Object, ...] = ()
    """CiliumCIDRGroups, as `{name, labels, networks}`."""
    services: tuple[Object, ...] | None = None
    """Services, as `{namespace, name, labels, selector, addresses}`; None where no policy names any, or
    where they may not be read."""
    node_configs: tuple[Object, ...] = ()
    """CiliumNodeConfigs, which replace options of agents on some nodes, as `{name, defaults}`."""
    cluster_ips: tuple[tuple[str, str], ...] = ()
    """The virtual addresses of Services, each with the Service as `namespace/name`."""
    unread: tuple[str, ...] = ()
    """Kinds of objects that this identity may not read."""


def cilium_objects(api: KubernetesApi, where: str) -> CiliumObjects:
    """Read what a verdict needs. Raises UserError, which names `where`, where Cilium is not installed."""
    config = api.get(_CONFIG)
    if config is None:
        raise UserError(f"{where} has no ConfigMap kube-system/cilium-config: Cilium is not installed there")
    policies = tuple(policy for kind in _POLICIES for policy in _policies(api, *kind))
    optional = _Optional(api)
    more = [policy for kind in _OF_CLUSTERS for policy in optional.policies(*kind)]
    services = optional.services()
    named = any("toServices" in str(policy) for policy in policies)
    return CiliumObjects(
        config=config.get("data") or {},
        endpoints=tuple(api.each("/apis/cilium.io/v2/ciliumendpoints", _endpoint)),
        pods=tuple(api.each("/api/v1/pods", _pod)),
        policies=(*policies, *more),
        groups=next(filter(None, (tuple(api.each(path, _group)) for path in _GROUPS)), ()),
        services=optional.behind(services) if named else None,
        cluster_ips=tuple(_cluster_ips(services or ())),
        node_configs=optional.node_configs(),
        unread=tuple(kind for kind in optional.unread if named or kind != "Service"),
    )


class _Optional:
    """Reads what few clusters have. Verdicts do without where this identity has no right to it."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self.unread: list[str] = []

    def policies(self, kind: str, version: str, path: str) -> list[Object]:
        found = self._each(kind, path, _rules_and_name) or []
        return [{"apiVersion": version, "kind": kind, **item} for item in found]

    def node_configs(self) -> tuple[Object, ...]:
        found = (self._each("CiliumNodeConfig", path, _node_config) for path in _NODE_CONFIGS)
        return tuple(next(filter(None, found), ()))

    def services(self) -> list[Object] | None:
        return self._each("Service", _SERVICES, _service)

    def behind(self, services: list[Object] | None) -> tuple[Object, ...] | None:
        """The Services with the addresses of their endpoints."""
        slices = self._each("EndpointSlice", _SLICES, _slice) if services is not None else None
        if services is None or slices is None:
            return None
        addresses: dict[tuple[str, str], list[str]] = {}
        for each in slices:
            addresses.setdefault((each["namespace"], each["service"]), []).extend(each["addresses"])
        return tuple(
            {**each, "addresses": addresses.get((each["namespace"], each["name"]), [])} for each in services
        )

    def _each(self, kind: str, path: str, keep: Callable[[Object], Object]) -> list[Object] | None:
        try:
            return self._api.each(path, keep)
        except RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            if kind not in self.unread:
                self.unread.append(kind)
            return None


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
        "addresses": [
            pair["ipv4"]
            for pair in (status.get("networking") or {}).get("addressing") or ()
            if pair.get("ipv4")
        ],
    }


def _pod(item: Object) -> Object:
    spec = item.get("spec") or {}
    ports = [port for container in spec.get("containers") or () for port in container.get("ports") or ()]
    images = [c.get("image") for c in spec.get("containers") or () if c.get("name") == "cilium-agent"]
    agent: Object = {"agent": images[0]} if images else {}
    return {
        **_metadata(item),
        "hostNetwork": bool(spec.get("hostNetwork")),
        "ports": ports,
        "workload": _workload(item["metadata"]),
        "nodeAddress": (item.get("status") or {}).get("hostIP") or "",
        **agent,
    }


def _workload(metadata: Object) -> str:
    """The name of what owns a pod, a Deployment in place of its ReplicaSet; empty for a pod of its own."""
    owner = next((each for each in metadata.get("ownerReferences") or () if each.get("controller")), None)
    if owner is None:
        return ""
    made_from = (metadata.get("labels") or {}).get("pod-template-hash")
    name = str(owner["name"])
    return name.removesuffix(f"-{made_from}") if owner.get("kind") == "ReplicaSet" and made_from else name


def _service(item: Object) -> Object:
    return {
        **_metadata(item),
        "labels": item["metadata"].get("labels") or {},
        "selector": (item.get("spec") or {}).get("selector") or {},
        "clusterIPs": (item.get("spec") or {}).get("clusterIPs") or [],
    }


def _cluster_ips(services: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for each in services:
        for address in each["clusterIPs"]:
            if address != "None":  # a headless Service has no address of its own
                yield address, f"{each['namespace']}/{each['name']}"


def _slice(item: Object) -> Object:
    addresses = [address for each in item.get("endpoints") or () for address in each.get("addresses") or ()]
    name = (item["metadata"].get("labels") or {}).get("kubernetes.io/service-name", "")
    return {"namespace": item["metadata"].get("namespace"), "service": name, "addresses": addresses}


def _node_config(item: Object) -> Object:
    return {"name": item["metadata"]["name"], "defaults": (item.get("spec") or {}).get("defaults") or {}}


def _group(item: Object) -> Object:
    return {
        "name": item["metadata"]["name"],
        "labels": item["metadata"].get("labels") or {},
        "networks": (item.get("spec") or {}).get("externalCIDRs") or [],
    }
