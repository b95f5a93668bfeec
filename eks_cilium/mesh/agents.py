"""Reads how Cilium and the AWS VPC CNI of a cluster are configured, from their objects in Kubernetes.

`eks_cilium.mesh.reading` calls it for every cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.mesh import API_SERVER, NAMESPACE, TYPE
from eks_cilium.cluster.cilium_release import version_or_image
from eks_cilium.cluster.pod_addresses import configured
from eks_cilium.mesh.endpoint import balancer_of, host_names
from eks_cilium.mesh.model import Agents, MeshService, Snat, Tunnel
from eks_cilium.policy.verdict.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.reading import ReadingApi

_CONTROLLER = "app.kubernetes.io/name=aws-load-balancer-controller"


def agents(api: ReadingApi) -> Agents | None:
    """Cilium's configuration; None where Cilium is not installed."""
    config = (api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config") or {}).get("data") or {}
    daemon_set = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/cilium")
    if daemon_set is None or not config:
        return None
    addresses = configured(config)
    return Agents(
        version=version_or_image(daemon_set),
        cluster_name=config.get("cluster-name", "default"),
        cluster_id=int(config.get("cluster-id") or 0),
        ipam=addresses.ipam,
        tunnel=Tunnel(addresses.protocol, addresses.port) if addresses.protocol else None,
        chained=config.get("cni-chaining-mode", "none") == "aws-cni",
        masquerades=config.get("enable-ipv4-masquerade", "true") == "true",
        native_cidr=config.get("ipv4-native-routing-cidr") or config.get("native-routing-cidr") or "",
        masquerade_agent=config.get("enable-ip-masq-agent") == "true",
        wireguard=config.get("enable-wireguard") == "true",
        pools=addresses.cidrs,
        max_clusters=int(config.get("max-connected-clusters") or 255),
        ipv4=config.get("enable-ipv4", "true") == "true",
        mtu=int(config.get("mtu") or 0),
        policy_options={key: str(config[key]) for key in OPTIONS if key in config},
    )


def snat(api: ReadingApi) -> Snat | None:
    """The source address translation of the AWS VPC CNI; None where it is not installed."""
    daemon_set = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/aws-node")
    if daemon_set is None:
        return None
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    variables = {
        variable["name"]: variable.get("value") or ""
        for container in containers
        if container["name"] == "aws-node"
        for variable in container.get("env") or ()
    }
    excluded = variables.get("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "").replace(" ", "")
    return Snat(
        external=variables.get("AWS_VPC_K8S_CNI_EXTERNALSNAT", "").lower() == "true",
        excluded=tuple(filter(None, excluded.split(","))),
    )


def mesh_owner(api: ReadingApi) -> str | None:
    """The Helm release of the ClusterMesh API server; empty without a release, None without a server."""
    deployment = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{API_SERVER}")
    if deployment is None:
        return None
    annotations = deployment["metadata"].get("annotations") or {}
    return str(annotations.get("meta.helm.sh/release-name", ""))


def has_controller(api: ReadingApi) -> bool:
    """Whether the AWS Load Balancer Controller is installed, in any namespace."""
    return bool(api.list("/apis/apps/v1/deployments", labelSelector=_CONTROLLER))


def mesh_service(api: ReadingApi, aws: Callable[[str], Any]) -> MeshService | None:
    """The existing Service of the ClusterMesh API server, with its load balancer."""
    service = api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{API_SERVER}")
    if service is None:
        return None
    annotations = service["metadata"].get("annotations") or {}
    host = next(iter(host_names(service)), "")
    return MeshService(
        kind=annotations.get(TYPE, ""),
        load_balancer_class=(service.get("spec") or {}).get("loadBalancerClass") or "",
        host=host,
        balancer=balancer_of(aws("elbv2"), host) if host else None,
    )
