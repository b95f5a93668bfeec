"""The DaemonSet aws-node: on how many nodes it runs, and what its environment switches on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.facts.network.model import AwsNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

EXCLUSIONS = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"
_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/aws-node"
_ENI_CONFIGS = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs"
_ENFORCING = "--enable-network-policy=true"


def read(api: ReadingApi) -> AwsNode | None:
    """The DaemonSet as it is now; None where the cluster has none."""
    daemon_set = api.get(_PATH)
    if daemon_set is None:
        return None
    status, pod = daemon_set.get("status", {}), daemon_set["spec"]["template"]["spec"]
    environment = _environment(pod)
    arguments = [argument for container in pod["containers"] for argument in container.get("args") or ()]
    return AwsNode(
        desired=status.get("desiredNumberScheduled", 0),
        ready=status.get("numberReady", 0),
        custom_network=environment.get("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG") == "true",
        pod_subnets=tuple(sorted({subnet for subnet in api.each(_ENI_CONFIGS, _subnet) if subnet})),
        prefixes=environment.get("ENABLE_PREFIX_DELEGATION") == "true",
        version=_version(pod["containers"]),
        external_snat=environment.get("AWS_VPC_K8S_CNI_EXTERNALSNAT") == "true",
        snat_exclusions=exclusions(environment.get(EXCLUSIONS, "")),
        early_demux=environment.get("DISABLE_TCP_EARLY_DEMUX") != "true",
        enforces_policies=_ENFORCING in arguments,
    )


def exclusions(text: str) -> tuple[str, ...]:
    """The networks in a value of the environment variable `EXCLUSIONS`."""
    return tuple(network for part in text.split(",") if (network := part.strip()))


def _subnet(eni_config: Object) -> str:
    return str((eni_config.get("spec") or {}).get("subnet") or "")


def _environment(pod: Mapping[str, Any]) -> Mapping[str, str]:
    containers = [*(pod.get("initContainers") or ()), *pod["containers"]]
    return {
        variable["name"]: variable.get("value", "")
        for container in containers
        for variable in container.get("env") or ()
    }


def _version(containers: list[Object]) -> str:
    """`1.20.5` from the tag v1.20.5-eksbuild.1; empty for an image that is given by its digest alone."""
    image = next(
        (container.get("image", "") for container in containers if container.get("name") == "aws-node"), ""
    )
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return str(tag.removeprefix("v").partition("-")[0])
