"""The objects of an add-on in a cluster: configured, applied, watched, removed."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import yaml

from lab.cloud.eks.kubernetes_api import KubernetesError

if TYPE_CHECKING:
    from lab.cloud.eks.addons.catalogue import AddonKind
    from lab.cloud.eks.kubernetes_api import KubernetesApi, Object
    from lab.cloud.eks.records.model import Cluster

_DNS_HOST = 10
_CONFLICT = 409
_POD_FIELDS = ("affinity", "tolerations", "nodeSelector", "topologySpreadConstraints", "priorityClassName")


def objects(kind: AddonKind, cluster: Cluster, version: str, values: dict[str, Any]) -> list[Object]:
    """Return the objects of an add-on in this version and configuration."""
    services = ipaddress.ip_network(cluster.network["serviceIpv4Cidr"])
    manifests = kind.manifests(
        {
            "registry": f"602401143452.dkr.ecr.{cluster.region}.amazonaws.com",
            "version": version,
            "cluster": cluster.name,
            "vpc": cluster.vpc["vpcId"],
            "dns_ip": str(services[_DNS_HOST]),
        }
    )
    by_name = {(item["kind"], item["metadata"]["name"]): item for item in manifests}
    _configure_workload(by_name[kind.workload], values)
    _configure_others(by_name, values)
    dropped = set()
    if not values.get("podDisruptionBudget", {}).get("enabled", True):
        dropped.add("PodDisruptionBudget")
    if not values.get("defaultStorageClass", {}).get("enabled", False):
        dropped.add("StorageClass")
    return [item for item in manifests if item["kind"] not in dropped]


def _configure_workload(workload: Object, values: dict[str, Any]) -> None:
    template = workload["spec"]["template"]
    pod = template["spec"]
    container = pod["containers"][0]
    for name in _POD_FIELDS:
        if values.get(name) is not None:
            pod[name] = values[name]
    for name in ("replicaCount", "replicas"):
        if name in values:
            workload["spec"]["replicas"] = values[name]
    if "resources" in values:
        container["resources"] = values["resources"]
    template["metadata"].setdefault("labels", {}).update(values.get("podLabels", {}))
    if values.get("podAnnotations"):
        template["metadata"]["annotations"] = values["podAnnotations"]
    _merge_environment(container, values.get("env", {}))
    if "init" in values:
        _merge_environment(pod["initContainers"][0], values["init"].get("env", {}))


def _merge_environment(container: Object, wanted: dict[str, Any]) -> None:
    if not wanted:
        return
    texts = {name: value if isinstance(value, str) else str(value).lower() for name, value in wanted.items()}
    kept = [variable for variable in container.get("env", []) if variable["name"] not in texts]
    container["env"] = kept + [{"name": name, "value": value} for name, value in texts.items()]


def _configure_others(by_name: dict[tuple[str, str], Object], values: dict[str, Any]) -> None:
    if "corefile" in values:
        by_name["ConfigMap", "coredns"]["data"]["Corefile"] = values["corefile"]
    budget = {k: v for k, v in values.get("podDisruptionBudget", {}).items() if k != "enabled"}
    if budget:
        spec = by_name["PodDisruptionBudget", "coredns"]["spec"]
        spec.pop("maxUnavailable")
        spec.update(budget)
    if "mode" in values:
        data = by_name["ConfigMap", "kube-proxy-config"]["data"]
        data["config"] = yaml.safe_dump({**yaml.safe_load(data["config"]), "mode": values["mode"]})
    if "enableNetworkPolicy" in values:
        on = values["enableNetworkPolicy"]
        by_name["ConfigMap", "amazon-vpc-cni"]["data"]["enable-network-policy-controller"] = on
        agent = by_name["DaemonSet", "aws-node"]["spec"]["template"]["spec"]["containers"][1]
        agent["args"][1] = f"--enable-network-policy={on}"
    if "enableWindowsIpam" in values:
        by_name["ConfigMap", "amazon-vpc-cni"]["data"]["enable-windows-ipam"] = values["enableWindowsIpam"]


def install(api: KubernetesApi, wanted: list[Object], *, conflicts: str) -> None:
    """Apply the objects.

    A field with another owner is a conflict, unless EKS overwrites it (`OVERWRITE`). With `PRESERVE` an
    object with such a field is left as it is; EKS leaves only the field.
    """
    for item in wanted:
        try:
            api.apply(item, force=conflicts == "OVERWRITE")
        except KubernetesError as error:
            if conflicts != "PRESERVE" or error.status != _CONFLICT:
                raise


def remove(api: KubernetesApi, installed: list[Object]) -> None:
    """Delete the objects in reverse order."""
    for item in reversed(installed):
        api.delete(item["kind"], item["metadata"]["name"], item["metadata"].get("namespace"))


def is_available(api: KubernetesApi, kind: AddonKind) -> bool:
    """Return whether the add-on's workload has all its pods available."""
    workload = api.get(*kind.workload, "kube-system")
    if workload is None:
        return False
    status = workload.get("status", {})
    if status.get("observedGeneration") != workload["metadata"]["generation"]:
        return False
    if kind.workload[0] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return bool(status.get("numberAvailable", 0) >= wanted)
    return bool(status.get("availableReplicas", 0) >= workload["spec"]["replicas"])
