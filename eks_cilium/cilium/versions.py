"""The version table: what differs between the minor versions of Cilium that this program serves.

Every patch of a minor in the table is served, so that security fixes can be taken: a patch changes no key
that this program sets. A minor that is not in the table is refused, because its chart would accept wrong keys
silently: most removed keys are ignored, and `routingMode` on 1.12 even falls back to an overlay.
`eks_cilium.cilium.values` turns an entry into Helm values; `eks_cilium.settings` refuses combinations by it.
CONTRIBUTING.md says how a new release is brought in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Release:
    """One Cilium release and the spelling its chart understands."""

    version: str
    """Version of the chart and of Cilium; they are always equal."""

    # Documentation/network/kubernetes/requirements.rst and compatibility.rst of each release. The two differ
    # for 1.19 (1.31 to 1.34, and 1.32 to 1.35); both count.
    oldest_kubernetes: tuple[int, int]
    """Oldest Kubernetes minor the release is tested with. Cilium does not support older ones."""

    newest_kubernetes: tuple[int, int]
    """Newest tested minor. Newer ones rely on Kubernetes' backward compatibility: a warning, not an error."""

    native_routing: tuple[str, str]
    """Key and value that switch the overlay off. `tunnel` fails the render from 1.15 on."""

    # templates/cilium-configmap.yaml: `tunnel` up to 1.14, `routingMode` and `tunnelProtocol` since.
    overlay_is_one_key: bool
    """Whether `tunnel` switches the overlay on and names its protocol at once."""

    kube_proxy_replacement: str
    """Value of `kubeProxyReplacement` with which Cilium replaces kube-proxy fully."""

    no_kube_proxy_replacement: str
    """Value of `kubeProxyReplacement` with which kube-proxy keeps serving Services."""

    filters_are_lists: bool
    """Whether `eni.subnetIDsFilter` is a list; 1.12 takes one string of ids with spaces between."""

    envoy_is_a_daemon_set: bool
    """Whether Envoy can run in a DaemonSet beside the agents, which has an affinity of its own."""

    # Page "AWS VPC CNI plugin" of the documentation.
    chained_with_endpoint_routes: bool
    """Whether chaining to the VPC CNI needs `endpointRoutes.enabled`; documented up to 1.14."""

    # Chart key `cni.enableRouteMTUForCNIChaining`.
    chained_routes_have_mtu: bool
    """Whether routes of chained pods can get the smaller MTU that encryption leaves (since 1.16)."""

    # templates/hubble/tls-cronjob/job.yaml: a hook `post-install,post-upgrade` up to 1.18.
    certificates_need_a_hook: bool
    """Whether the Job that creates Hubble's certificates is a Helm hook, for whose end Helm waits."""

    kvstoremesh: bool
    """Whether agents ask their own ClusterMesh API server, which alone connects to the other clusters."""

    mesh_certificates_are_values: bool
    """Whether the chart creates the Secrets of the ClusterMesh API server from values."""

    mesh_writes_the_config: bool
    """Whether the ClusterMesh API server alone makes the chart write ConfigMap `cilium-config` as well."""

    # Chart key `clustermesh.apiserver.tls.authMode`.
    mesh_users: bool
    """Whether the ClusterMesh API server has a user for each cluster besides the one they all share."""

    mesh_clusters_are_a_map: bool
    """Whether `clustermesh.config.clusters` is a map of names; before 1.19 a map fails the render."""

    debug_command: str
    """The agent's own command, run in its pod."""


# Each release is the one before it with its changes.
_1_12 = Release(
    version="1.12.4",
    oldest_kubernetes=(1, 16),
    newest_kubernetes=(1, 24),
    native_routing=("tunnel", "disabled"),
    overlay_is_one_key=True,
    kube_proxy_replacement="strict",
    no_kube_proxy_replacement="disabled",
    filters_are_lists=False,
    envoy_is_a_daemon_set=False,
    chained_with_endpoint_routes=True,
    chained_routes_have_mtu=False,
    certificates_need_a_hook=True,
    kvstoremesh=False,
    mesh_certificates_are_values=True,
    mesh_writes_the_config=False,
    mesh_users=False,
    mesh_clusters_are_a_map=False,
    debug_command="cilium",
)
_1_15 = replace(
    _1_12,
    version="1.15.19",
    oldest_kubernetes=(1, 26),
    newest_kubernetes=(1, 29),
    native_routing=("routingMode", "native"),
    overlay_is_one_key=False,
    kube_proxy_replacement="true",
    no_kube_proxy_replacement="false",
    filters_are_lists=True,
    envoy_is_a_daemon_set=True,
    chained_with_endpoint_routes=False,
    debug_command="cilium-dbg",
)
_1_16 = replace(
    _1_15,
    version="1.16.19",
    oldest_kubernetes=(1, 27),
    newest_kubernetes=(1, 30),
    chained_routes_have_mtu=True,
    kvstoremesh=True,
    mesh_certificates_are_values=False,
    mesh_writes_the_config=True,
)
_1_17 = replace(_1_16, version="1.17.15", oldest_kubernetes=(1, 29), newest_kubernetes=(1, 32))
_1_18 = replace(_1_17, version="1.18.11", oldest_kubernetes=(1, 30), newest_kubernetes=(1, 33))
_1_19 = replace(
    _1_18,
    version="1.19.7",
    oldest_kubernetes=(1, 31),
    newest_kubernetes=(1, 35),
    mesh_users=True,
    certificates_need_a_hook=False,
)
_1_20 = replace(
    _1_19,
    version="1.20.2",
    oldest_kubernetes=(1, 33),
    newest_kubernetes=(1, 36),
    mesh_clusters_are_a_map=True,
)

_TABLE = (_1_12, _1_15, _1_16, _1_17, _1_18, _1_19, _1_20)

TRIED = tuple(release.version for release in _TABLE)
"""The patch of each minor that the tests render and install, oldest first."""

SERVED = "1.12.x, or 1.15.x to 1.20.x"
"""The versions that are served, for messages."""

OLDEST_SUPPORTED = (1, 18)
"""Oldest minor that Cilium's community maintains: the newest three (SECURITY.md, `Supported Versions`)."""

_PATCH = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def minor(version: str) -> tuple[int, int]:
    """The minor of a version: (1, 19) for 1.19.6."""
    major, minor_version, *_ = version.split(".")
    return int(major), int(minor_version)


def minor_text(version: str) -> str:
    """The same as text: 1.19 for 1.19.6."""
    return ".".join(map(str, minor(version)))


_BY_MINOR: Mapping[tuple[int, int], Release] = MappingProxyType(
    {minor(release.version): release for release in _TABLE}
)


def has_minor(of: tuple[int, int]) -> bool:
    """Whether the table has this minor."""
    return of in _BY_MINOR


def is_served(version: str) -> bool:
    """Whether this is a patch version of a minor in the table."""
    return bool(_PATCH.fullmatch(version)) and minor(version) in _BY_MINOR


def release_of(version: str) -> Release:
    """The entry of a version's minor, with this very version. Raises ValueError where it is not served."""
    if not is_served(version):
        raise ValueError(f"Cilium {version} is not served: {SERVED}")
    return replace(_BY_MINOR[minor(version)], version=version)


def tried(version: str) -> str:
    """The patch of the same minor that the tests use; `version` has to be served."""
    return _BY_MINOR[minor(version)].version
