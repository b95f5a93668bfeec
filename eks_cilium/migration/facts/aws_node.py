"""The DaemonSet aws-node: on how many nodes it runs, and what its environment switches on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eks_cilium.cluster.names import NAMESPACE
from eks_cilium.migration.facts.model import AwsNode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eks_cilium.cluster.objects import Object
    from eks_cilium.cluster.reading import ReadingApi

EXCLUSIONS = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"
_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/daemonsets/aws-node"
_ENFORCING = "--enable-network-policy=true"


def read(api: ReadingApi) -> AwsNode | None:
    """What it is like now; None where there is none."""
    daemon_set = api.get(_PATH)
    if daemon_set is None:
        return None
    status, pod = daemon_set.get("status", {}), daemon_set["spec"]["template"]["spec"]
    environment = _environment(pod)
    arguments = [one for each in pod["containers"] for one in each.get("args") or ()]
    return AwsNode(
        desired=status.get("desiredNumberScheduled", 0),
        ready=status.get("numberReady", 0),
        custom_network=environment.get("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG") == "true",
        version=_version(pod["containers"]),
        external_snat=environment.get("AWS_VPC_K8S_CNI_EXTERNALSNAT") == "true",
        snat_exclusions=exclusions(environment.get(EXCLUSIONS, "")),
        early_demux=environment.get("DISABLE_TCP_EARLY_DEMUX") != "true",
        enforces_policies=_ENFORCING in arguments,
    )


def exclusions(text: str) -> tuple[str, ...]:
    """The networks in a value of that variable."""
    return tuple(part for one in text.split(",") if (part := one.strip()))


def _environment(pod: Mapping[str, Any]) -> Mapping[str, str]:
    containers = [*(pod.get("initContainers") or ()), *pod["containers"]]
    return {one["name"]: one.get("value", "") for each in containers for one in each.get("env") or ()}


def _version(containers: list[Object]) -> str:
    """From a tag such as v1.20.5-eksbuild.1; empty for an image that is known by its digest alone."""
    image = next((one.get("image", "") for one in containers if one.get("name") == "aws-node"), "")
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    return str(tag.removeprefix("v").partition("-")[0])
