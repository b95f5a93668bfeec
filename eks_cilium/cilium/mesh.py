"""What joins a cluster to a mesh: a second release of Cilium's chart, its certificates, its load balancer.

The release `cilium` belongs to the stack or tool that installed the cluster. The mesh is therefore a release
of its own beside it, of the same chart and version, with everything off except the ClusterMesh API server and
the list of the other clusters. Agents find both in Secrets that they mount where they exist. No object is in
both releases. `components.mesh.cluster_mesh` installs it; a test renders every version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.values import Leaf, merged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eks_cilium.cilium.versions import Release

NAMESPACE = "kube-system"
RELEASE_NAME = "cilium-clustermesh"
API_SERVER = "clustermesh-apiserver"
"""Name of the Deployment and of the Service."""

DOMAIN = "mesh.cilium.io"
"""Default of chart key `clustermesh.config.domain`; server certificates of a mesh are for `*.mesh.cilium.io`.
"""

ETCD_PORT = 2379
_MOST_CLUSTERS = 255
HIGHEST_ID = 127
"""The id is part of the packet mark, whose bit 0x80 belongs to AWS (cilium/cilium#21330)."""

CERTIFICATES_ANNOTATION = "eks-cilium/certificates"
"""On pods of the API server: etcd reads its authorities at start, so new certificates need new pods."""

_ON_NO_NODE = {"eks-cilium/no-node": "true"}

# The first, third and fourth are read by the AWS Load Balancer Controller, the second by Kubernetes' own.
SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"
INTERNAL = "service.beta.kubernetes.io/aws-load-balancer-internal"
TYPE = "service.beta.kubernetes.io/aws-load-balancer-type"
_OF_KUBERNETES = "nlb"
"""The type of a Network Load Balancer that Kubernetes' own controller creates."""
TARGET_TYPE = "service.beta.kubernetes.io/aws-load-balancer-nlb-target-type"
SUBNETS = "service.beta.kubernetes.io/aws-load-balancer-subnets"
"""Read by both. Without it Kubernetes' own takes a subnet of every zone of the VPC, also where no node is and
no route leads (cloud-provider-aws, `findELBSubnets`)."""
SOURCE_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"


@dataclass(frozen=True)
class Certificate:
    """A certificate of a cluster's ClusterMesh: its names, and the Secret that holds it."""

    secret: str
    common_name: str
    """The user's name in etcd."""
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


def host_name(cluster: str) -> str:
    """The DNS name at which the other clusters reach a cluster's ClusterMesh API server."""
    return f"{cluster}.{DOMAIN}"


def certificates(release: Release, cluster: str) -> dict[str, Certificate]:
    """The certificates of a cluster by their names in the chart.

    Common names are those of the chart's own certificates, because etcd's users have these names.
    """
    found = {
        "server": Certificate(
            f"{API_SERVER}-server-cert",
            f"{API_SERVER}.cilium.io",
            (f"{API_SERVER}.cilium.io", f"*.{DOMAIN}", f"{API_SERVER}.{NAMESPACE}.svc"),
            ("127.0.0.1", "::1"),
        ),
        "admin": Certificate(f"{API_SERVER}-admin-cert", _admin(release, cluster)),
        "remote": Certificate(f"{API_SERVER}-remote-cert", "remote"),
    }
    if release.kvstoremesh:
        found["local"] = Certificate(f"{API_SERVER}-local-cert", f"local-{cluster}")
    return found


def _admin(release: Release, cluster: str) -> str:
    """The administrator of etcd: `root` in the start script of 1.12, later named after the cluster."""
    return "root" if release.version.startswith("1.12.") else f"admin-{cluster}"


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its key, base64 of PEM, as the chart's values take them."""

    certificate: Leaf
    key: Leaf


@dataclass(frozen=True)
class MeshMember:
    """The inputs of the values of a cluster's mesh release."""

    release: Release
    cluster_name: str
    cluster_id: int
    remotes: Sequence[str]
    """Names of the other clusters."""
    annotations: Mapping[str, str]
    """Annotations of the Service, see `load_balancer_annotations`."""
    authority: Leaf
    """Certificates of the trusted authorities, base64 of PEM."""
    fingerprint: Leaf
    """A hash of the certificates, which changes with them."""
    key_pairs: Mapping[str, KeyPair]
    """By their names in the chart; only used where the chart creates the Secrets."""
    replicas: int = 1
    max_clusters: int = 255
    """That of the cluster's own release: agents and API server divide identities alike."""


def mesh_values(member: MeshMember) -> dict[str, Any]:
    """The values of a cluster's mesh release."""
    values: dict[str, Any] = {}
    for part in (_all_off(member.release), _identity(member), _clustermesh(member), _certificates(member)):
        values = merged(values, part)
    return values


def load_balancer_annotations(
    *, controller: bool, sources: Sequence[str], subnets: Sequence[str], pods_have_vpc_addresses: bool = True
) -> dict[str, str]:
    """Annotations for an internal Network Load Balancer that accepts only `sources`, which are CIDRs.

    `subnets` are ids, one of each zone.

    `controller` says whether the AWS Load Balancer Controller runs. Kubernetes' own controller reads other
    annotations, so those of both are always set: without its own it would create an internet-facing Classic
    Load Balancer. Its targets are pods, or instances where no load balancer reaches a pod's address.
    """
    target = "ip" if pods_have_vpc_addresses else "instance"
    kind = {TYPE: "external", TARGET_TYPE: target} if controller else {TYPE: _OF_KUBERNETES}
    places = {SOURCE_RANGES: ",".join(sources), SUBNETS: ",".join(subnets)}
    return {**kind, SCHEME: "internal", INTERNAL: "true", **places}


def _all_off(release: Release) -> dict[str, Any]:
    """Values that disable everything the cluster's own release installs.

    From 1.16 on the chart writes ConfigMap `cilium-config` wherever the API server is enabled, unless
    `preflight.enabled` is set (first line of its templates/cilium-configmap.yaml): the pre-flight check of an
    upgrade is installed beside a running Cilium as well. With that key the chart also creates a DaemonSet,
    here for a node label that no node has, and an unused ClusterRole.
    """
    values: dict[str, Any] = {
        "agent": False,
        "operator": {"enabled": False},
        "hubble": {"enabled": False},
    }
    if release.envoy_is_a_daemon_set:
        values["envoy"] = {"enabled": False}
    if release.mesh_writes_the_config:
        values["preflight"] = {"enabled": True, "validateCNPs": False, "nodeSelector": dict(_ON_NO_NODE)}
        values["serviceAccounts"] = {"preflight": {"create": False}}
    return values


def _identity(member: MeshMember) -> dict[str, Any]:
    return {"cluster": {"name": member.cluster_name, "id": member.cluster_id}}


def _clustermesh(member: MeshMember) -> dict[str, Any]:
    release = member.release
    tls: dict[str, Any] = {"auto": {"enabled": False}}
    if not release.mesh_certificates_are_values and not release.mesh_clusters_are_a_map:
        tls["enableSecrets"] = False  # 1.20 removed the key together with the Secrets that it enables
    if release.mesh_users:
        tls["authMode"] = "migration"  # both a shared user, for clusters up to 1.18, and one for each
    return {
        "clustermesh": {
            "useAPIServer": True,
            **_room(member),
            "config": {"enabled": True, "domain": DOMAIN, "clusters": _clusters(member)},
            "apiserver": {
                "replicas": member.replicas,
                "service": _service(member),
                "podAnnotations": {CERTIFICATES_ANNOTATION: member.fingerprint},
                "tls": tls,
            },
        }
    }


def _service(member: MeshMember) -> dict[str, Any]:
    """The Service. With several replicas the charts from 1.16 on ask for session affinity (`HAOnly`).

    Kubernetes' own controller refuses it for every load balancer: "unsupported load balancer affinity"
    (cloud-provider-aws, `EnsureLoadBalancer`; cilium/cilium#32646).
    """
    service: dict[str, Any] = {"type": "LoadBalancer", "annotations": dict(member.annotations)}
    if member.release.kvstoremesh and member.annotations.get(TYPE) == _OF_KUBERNETES:
        service["enableSessionAffinity"] = "Never"
    return service


def _room(member: MeshMember) -> dict[str, Any]:
    """Only where it differs from the chart's default; 1.12 has no such key."""
    return {} if member.max_clusters == _MOST_CLUSTERS else {"maxConnectedClusters": member.max_clusters}


def _clusters(member: MeshMember) -> Any:
    remotes = {
        name: {"address": host_name(name), "port": ETCD_PORT, **_own_certificate(member)}
        for name in member.remotes
    }
    if member.release.mesh_clusters_are_a_map:
        return remotes
    return [{"name": name, **remote} for name, remote in remotes.items()]


def _own_certificate(member: MeshMember) -> dict[str, Any]:
    """The certificate in the entry of each cluster, which 1.12 needs; later charts use one Secret for all."""
    if not member.release.version.startswith("1.12."):
        return {}
    pair = member.key_pairs["remote"]
    return {"tls": {"cert": pair.certificate, "key": pair.key}}


def _certificates(member: MeshMember) -> dict[str, Any]:
    """The certificates, where the chart creates the Secrets. The authority's key is in no cluster."""
    if not member.release.mesh_certificates_are_values:
        return {}
    tls: dict[str, Any] = {
        name: {"cert": pair.certificate, "key": pair.key} for name, pair in member.key_pairs.items()
    }
    if member.release.version.startswith("1.12."):
        tls["ca"] = {"cert": member.authority}
        return {"clustermesh": {"apiserver": {"tls": tls}}}
    return {"clustermesh": {"apiserver": {"tls": tls}}, "tls": {"ca": {"cert": member.authority}}}
