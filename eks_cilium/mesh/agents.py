"""Reads the Cilium of one cluster, from the objects its release made, and the AWS VPC CNI beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eks_cilium.cilium.mesh import API_SERVER, NAMESPACE
from eks_cilium.mesh.endpoint import balancer_of, host_names
from eks_cilium.mesh.model import Agents, Snat

if TYPE_CHECKING:
    from collections.abc import Callable

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

_CONTROLLER = "app.kubernetes.io/name=aws-load-balancer-controller"
_VERSION = re.compile(r":v?(\d+\.\d+\.\d+)")


def agents(api: ReadingApi) -> Agents | None:
    """Cilium as it is configured; None where it is not installed."""
    config = (api.get(f"/api/v1/namespaces/{NAMESPACE}/configmaps/cilium-config") or {}).get("data") or {}
    daemon_set = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/cilium")
    if daemon_set is None or not config:
        return None
    return Agents(
        version=_version(daemon_set),
        cluster_name=config.get("cluster-name", "default"),
        cluster_id=int(config.get("cluster-id") or 0),
        ipam=config.get("ipam", ""),
        native_routing=config.get("routing-mode") == "native" or config.get("tunnel") == "disabled",
        chained=config.get("cni-chaining-mode", "none") == "aws-cni",
        masquerades=config.get("enable-ipv4-masquerade", "true") == "true",
        native_cidr=config.get("ipv4-native-routing-cidr") or config.get("native-routing-cidr") or "",
        masquerade_agent=config.get("enable-ip-masq-agent") == "true",
        wireguard=config.get("enable-wireguard") == "true",
    )


def _version(daemon_set: Object) -> str:
    """The agents' version, from the tag of their image."""
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    image = next((one["image"] for one in containers if one["name"] == "cilium-agent"), "")
    found = _VERSION.search(image)
    return found[1] if found else image


def snat(api: ReadingApi) -> Snat | None:
    """What the AWS VPC CNI does to packets; None where there is none."""
    daemon_set = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/aws-node")
    if daemon_set is None:
        return None
    containers = daemon_set["spec"]["template"]["spec"]["containers"]
    variables = {
        one["name"]: one.get("value") or ""
        for container in containers
        if container["name"] == "aws-node"
        for one in container.get("env") or ()
    }
    excluded = variables.get("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "").replace(" ", "")
    return Snat(
        external=variables.get("AWS_VPC_K8S_CNI_EXTERNALSNAT", "").lower() == "true",
        excluded=tuple(one for one in excluded.split(",") if one),
    )


def mesh_owner(api: ReadingApi) -> str | None:
    """The Helm release of a ClusterMesh API server; None where there is none."""
    deployment = api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{API_SERVER}")
    if deployment is None:
        return None
    annotations = deployment["metadata"].get("annotations") or {}
    return str(annotations.get("meta.helm.sh/release-name", ""))


def has_controller(api: ReadingApi) -> bool:
    """Whether the AWS Load Balancer Controller runs, wherever it was installed."""
    return bool(api.list("/apis/apps/v1/deployments", labelSelector=_CONTROLLER))


def mesh_scheme(api: ReadingApi, aws: Callable[[str], Any]) -> str:
    """Scheme of the load balancer that is there already, empty while there is none."""
    service = api.get(f"/api/v1/namespaces/{NAMESPACE}/services/{API_SERVER}")
    for host in host_names(service or {}):
        balancer = balancer_of(aws("elbv2"), host)
        return balancer.scheme if balancer else ""
    return ""
