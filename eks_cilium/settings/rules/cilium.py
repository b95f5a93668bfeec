"""Rules about Cilium in a new cluster: versions, masquerading, kube-proxy."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from eks_cilium.cilium.masquerade import ImageFamily, interface_pattern
from eks_cilium.cilium.native_routing import WIDEST, outside
from eks_cilium.cilium.versions import release_of
from eks_cilium.settings.instance_types import is_metal, is_nitro
from eks_cilium.settings.problems import UNSET, Problem, remove_command, set_fix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eks_cilium.settings.model import NewClusterBaseSettings, NewClusterSettings
    from eks_cilium.settings.model.cilium import EniCilium

NATIVE_PATH = ("cilium", "nativeRoutingCidr")

_FAMILY_NAMES: dict[ImageFamily, str] = {"al2023": "AL2023", "al2": "AL2", "bottlerocket": "Bottlerocket"}


def kubernetes_is_not_too_old(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    # Cilium supports no Kubernetes older than the oldest it is tested with; newer ones usually work.
    release = release_of(settings.cilium.version)
    minor = tuple(map(int, settings.cluster.kubernetes_version.split(".")))
    if minor < release.oldest_kubernetes:
        path = ("cluster", "kubernetesVersion")
        oldest = ".".join(map(str, release.oldest_kubernetes))
        allowed = f"{oldest} or newer with Cilium {release.version}, or an older Cilium"
        yield Problem(path, settings.cluster.kubernetes_version, allowed, set_fix(path, oldest))


def services_are_served_once(settings: NewClusterSettings) -> Iterator[Problem]:
    # Cilium or kube-proxy: both would translate the same packets.
    path = ("kubeProxy", "version")
    if settings.cilium.kube_proxy_replacement and settings.kube_proxy is not None:
        allowed = "nothing while cilium.kubeProxyReplacement is true"
        yield Problem(
            ("kubeProxy",), settings.kube_proxy.model_dump(), allowed, remove_command(("kubeProxy",))
        )
    if not settings.cilium.kube_proxy_replacement and settings.kube_proxy is None:
        allowed = "a version of the kube-proxy add-on, as Cilium does not replace kube-proxy"
        example = f"v{settings.cluster.kubernetes_version}.0-eksbuild.2"
        yield Problem(path, UNSET, allowed, set_fix(path, example))


def kube_proxy_fits_the_cluster(settings: NewClusterBaseSettings) -> Iterator[Problem]:
    version, path = settings.cluster.kubernetes_version, ("kubeProxy", "version")
    if settings.kube_proxy is not None and not settings.kube_proxy.version.startswith(f"v{version}."):
        allowed = f"a build for Kubernetes {version}"
        yield Problem(path, settings.kube_proxy.version, allowed, set_fix(path, f"v{version}.0-eksbuild.2"))


def masquerade_fits_the_subnets(settings: NewClusterSettings) -> Iterator[Problem]:
    # An internet gateway translates only addresses of nodes.
    if settings.cilium.ipam != "eni":
        return  # all pods are masqueraded there, see `settings.rules.overlay`
    public = [name for name, group in settings.node_groups.items() if group.subnets == "public"]
    path = ("cilium", "masquerade")
    if settings.cilium.masquerade == "off" and public:
        allowed = f"auto or on: the internet gateway drops pod addresses of {', '.join(public)}"
        yield Problem(path, "off", allowed, set_fix(path, "auto"))


def masquerade_interfaces_exist(settings: NewClusterSettings) -> Iterator[Problem]:
    # A pattern that matches no interface disables masquerading without an error.
    if settings.cilium.ipam != "eni":
        return
    given, path = settings.cilium.egress_masquerade_interfaces, ("cilium", "egressMasqueradeInterfaces")
    families = sorted({group.image_family for group in settings.node_groups.values()})
    if not _masquerades(settings):
        if given is not None:
            yield Problem(path, given, "nothing while pods are not masqueraded", remove_command(path))
        return
    if len({interface_pattern(family) for family in families}) > 1:
        names = ", ".join(_FAMILY_NAMES[family] for family in families)
        name, first = next(iter(settings.node_groups.items()))
        place = ("nodeGroups", name, "amiType")
        pattern = interface_pattern(first.image_family)
        others = (
            group.ami_type
            for group in settings.node_groups.values()
            if interface_pattern(group.image_family) != pattern
        )
        allowed = (
            f"one family in all groups while masquerading is on (found {names}): "
            "their interfaces have different names and Cilium takes one list for the cluster"
        )
        yield Problem(place, first.ami_type, allowed, set_fix(place, next(others)))
        return
    kinds = (kind for group in settings.node_groups.values() for kind in group.instance_types)
    wanted = interface_pattern(families[0], metal=any(map(is_metal, kinds)))
    if given is not None and not all(part.startswith(wanted.rstrip("+")) for part in given.split(",")):
        allowed = f"{wanted}: the interfaces of {_FAMILY_NAMES[families[0]]} begin with {wanted.rstrip('+')}"
        yield Problem(path, given, allowed, set_fix(path, wanted))


def native_network_holds_the_vpc(settings: NewClusterSettings) -> Iterator[Problem]:
    if settings.cilium.ipam != "eni":
        return
    given, path = settings.cilium.native_routing_cidr, NATIVE_PATH
    if given is not None and not _masquerades(settings):
        yield Problem(path, given, "nothing while pods are not masqueraded", remove_command(path))
        return
    yield from native_network_is_narrow(settings.cilium)
    vpc = settings.network.cidr
    if settings.network.pods_apart:
        return  # pods have other networks of the VPC: see `settings.rules.new_cluster.pod_subnets`
    if given is not None and vpc is not None and outside(given, [vpc]):
        yield Problem(path, given, f"a network that holds the VPC's, {vpc}", set_fix(path, vpc))


def native_network_is_narrow(wanted: EniCilium) -> Iterator[Problem]:
    # Packets to the internet would keep pods' addresses, and the internet gateway drops those.
    given = wanted.native_routing_cidr
    if given is not None and ipaddress.IPv4Network(given).prefixlen < WIDEST:
        allowed = f"a network of /{WIDEST} or narrower: pods reach the internet with their node's address"
        yield Problem(NATIVE_PATH, given, allowed, set_fix(NATIVE_PATH, "10.0.0.0/8"))


def prefixes_need_nitro(settings: NewClusterSettings) -> Iterator[Problem]:
    # Other instances take no prefixes, and their pods would get no addresses.
    if not settings.cilium.prefix_delegation or settings.cilium.ipam != "eni":
        return
    for name, group in settings.node_groups.items():
        for index, kind in enumerate(group.instance_types):
            if not is_nitro(kind):
                path = ("nodeGroups", name, "instanceTypes", index)
                allowed = "a Nitro instance type while cilium.prefixDelegation is true"
                yield Problem(path, kind, allowed, set_fix(path, "m7i.large"))


def _masquerades(settings: NewClusterSettings) -> bool:
    wanted = settings.cilium.masquerade_wanted
    if wanted is None:
        return any(group.subnets == "public" for group in settings.node_groups.values())
    return wanted


FOR_KUBERNETES = (kubernetes_is_not_too_old, kube_proxy_fits_the_cluster)
"""The rules for every new cluster, whichever CNI it has."""

RULES = (
    *FOR_KUBERNETES,
    services_are_served_once,
    masquerade_fits_the_subnets,
    masquerade_interfaces_exist,
    native_network_holds_the_vpc,
    prefixes_need_nitro,
)
