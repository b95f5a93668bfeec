"""Reads Cilium's policies and endpoints, and the pods they select, from a cluster. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.cluster.cilium_objects import items
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
_ENDPOINTS, _PODS = "/apis/cilium.io/v2/ciliumendpoints", "/api/v1/pods"
_SERVICES, _SLICES = "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices"
# v2 from 1.16 on (Documentation/configuration/per-node-config.rst).
_NODE_CONFIGS = ("/apis/cilium.io/v2/ciliumnodeconfigs", "/apis/cilium.io/v2alpha1/ciliumnodeconfigs")
_FORBIDDEN = 403
# v2 from 1.18 on; up to 1.17 agents read v2alpha1.
_GROUPS = ("/apis/cilium.io/v2/ciliumcidrgroups", "/apis/cilium.io/v2alpha1/ciliumcidrgroups")


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
    malformed: tuple[str, ...] = ()
    """Objects that do not have the shape of their kind, each with the reason, and that are left out."""


def cilium_objects(api: KubernetesApi, where: str) -> CiliumObjects:
    """Read what a verdict needs. Raises UserError, which names `where`, where Cilium is not installed."""
    config = _config(api, where)
    reader = _Reader(api)
    policies = tuple(policy for kind in _POLICIES for policy in reader.policies(*kind))
    more = [policy for kind in _OF_CLUSTERS for policy in reader.policies(*kind, optional=True)]
    services = reader.services()
    named = any("toServices" in str(policy) for policy in policies)
    return CiliumObjects(
        config=config,
        endpoints=tuple(reader.each("CiliumEndpoint", _ENDPOINTS, items.endpoint)),
        pods=tuple(reader.each("Pod", _PODS, items.pod)),
        policies=(*policies, *more),
        groups=reader.groups(),
        services=reader.behind(services) if named else None,
        cluster_ips=tuple(_cluster_ips(services or ())),
        node_configs=reader.node_configs(),
        unread=tuple(kind for kind in reader.unread if named or kind != "Service"),
        malformed=tuple(dict.fromkeys(reader.malformed)),
    )


def _config(api: KubernetesApi, where: str) -> Object:
    found = api.get(_CONFIG)
    if found is None:
        raise UserError(f"{where} has no ConfigMap kube-system/cilium-config: Cilium is not installed there")
    try:
        return items.data(found)
    except items.ShapeError as error:
        raise UserError(f"ConfigMap kube-system/cilium-config of {where} cannot be read: {error}") from error


class _Reader:
    """Reads collections, and remembers what could not be read of them."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self.unread: list[str] = []
        self.malformed: list[str] = []

    def policies(self, kind: str, version: str, path: str, *, optional: bool = False) -> list[Object]:
        read = self._optional if optional else self.each
        # The items of a list carry neither kind nor apiVersion.
        found = read(kind, path, items.rules_and_name) or []
        return [{"apiVersion": version, "kind": kind, **item} for item in found]

    def groups(self) -> tuple[Object, ...]:
        found = (self.each("CiliumCIDRGroup", path, items.group) for path in _GROUPS)
        return tuple(next(filter(None, found), ()))

    def node_configs(self) -> tuple[Object, ...]:
        found = (self._optional("CiliumNodeConfig", path, items.node_config) for path in _NODE_CONFIGS)
        return tuple(next(filter(None, found), ()))

    def services(self) -> list[Object] | None:
        return self._optional("Service", _SERVICES, items.service)

    def behind(self, services: list[Object] | None) -> tuple[Object, ...] | None:
        """The Services with the addresses of their endpoints."""
        slices = (
            self._optional("EndpointSlice", _SLICES, items.endpoint_slice) if services is not None else None
        )
        if services is None or slices is None:
            return None
        addresses: dict[tuple[str, str], list[str]] = {}
        for each in slices:
            addresses.setdefault((each["namespace"], each["service"]), []).extend(each["addresses"])
        return tuple(
            {**each, "addresses": addresses.get((each["namespace"], each["name"]), [])} for each in services
        )

    def each(self, kind: str, path: str, keep: Callable[[Object], Object]) -> list[Object]:
        """What is kept of each object, without those that are not of the shape of their kind."""

        def kept(item: Object) -> Object | None:
            try:
                return keep(item)
            except items.ShapeError as error:
                self.malformed.append(f"{kind} {items.name_of(item)}: {error}")
                return None

        return [found for found in self._api.each(path, kept) if found is not None]

    def _optional(self, kind: str, path: str, keep: Callable[[Object], Object]) -> list[Object] | None:
        """The same of what few clusters have. Verdicts do without where this identity has no right to it."""
        try:
            return self.each(kind, path, keep)
        except RefusedError as error:
            if error.status != _FORBIDDEN:
                raise
            if kind not in self.unread:
                self.unread.append(kind)
            return None


def _cluster_ips(services: Iterable[Object]) -> Iterator[tuple[str, str]]:
    for each in services:
        for address in each["clusterIPs"]:
            if address != "None":  # a headless Service has no address of its own
                yield address, f"{each['namespace']}/{each['name']}"
