"""What EKS accepts as a node group's settings, and its refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.exceptions

from lab.cloud.eks.errors import InvalidParameterError, InvalidRequestError, NotEmulatedError
from lab.cloud.eks.nodegroups import ec2_resources

if TYPE_CHECKING:
    from lab.cloud.eks.aws_clients import AwsClients
    from lab.cloud.eks.protocol import Call

DEFAULT_SCALING = {"minSize": 1, "maxSize": 2, "desiredSize": 2}
_RESERVED_LABELS = ("kubernetes.io/", "k8s.io/", "eks.amazonaws.com/")
_MOST_TAINTS = 50
_MOST_UNAVAILABLE = 100
_ACCELERATED = {"NVIDIA": ("g", "p"), "GPU": ("g", "p"), "NEURON": ("inf", "trn")}


def scaling(wanted: dict[str, int], current: dict[str, int]) -> dict[str, int]:
    """Return the sizes after a request that may name only some of them."""
    after = current | wanted
    low, high, desired = after["minSize"], after["maxSize"], after["desiredSize"]
    if high < 1 or low < 0:
        message = f"maxSize must be at least 1 and minSize at least 0, not {high} and {low}"
        raise InvalidParameterError(message)
    if low > high:
        message = f"Minimum capacity {low} can't be greater than maximum size {high}"
        raise InvalidParameterError(message)
    if low > desired:
        message = f"Minimum capacity {low} can't be greater than desired size {desired}"
        raise InvalidParameterError(message)
    if desired > high:
        message = f"desired capacity {desired} can't be greater than max size {high}"
        raise InvalidParameterError(message)
    return after


def update_config(wanted: dict[str, Any] | None) -> dict[str, Any]:
    """Return how many nodes an update may make unavailable at once."""
    if not wanted:
        return {"maxUnavailable": 1}
    # docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupUpdateConfig.html
    given = [wanted[name] for name in ("maxUnavailable", "maxUnavailablePercentage") if name in wanted]
    if len(given) != 1:
        message = "Exactly one of maxUnavailable and maxUnavailablePercentage must be set"
        raise InvalidParameterError(message)
    if not 1 <= given[0] <= _MOST_UNAVAILABLE:
        message = f"maxUnavailable and maxUnavailablePercentage must be between 1 and {_MOST_UNAVAILABLE}"
        raise InvalidParameterError(message)
    return dict(wanted)


def repair_config(wanted: dict[str, Any] | None) -> dict[str, Any]:
    """Return how unhealthy nodes are repaired; API_NodeRepairConfig.html names what excludes what."""
    if not wanted:
        return {"enabled": False}
    for what in ("maxUnhealthyNodeThreshold", "maxParallelNodesRepaired"):
        if f"{what}Count" in wanted and f"{what}Percentage" in wanted:
            message = f"{what}Count and {what}Percentage cannot both be set"
            raise InvalidParameterError(message)
    members = ("nodeMonitoringCondition", "nodeUnhealthyReason", "minRepairWaitTimeMins", "repairAction")
    for override in wanted.get("nodeRepairConfigOverrides", []):
        if any(override.get(member) is None for member in members):
            message = f"nodeRepairConfigOverrides must have all of {', '.join(members)}"
            raise InvalidParameterError(message)
    return dict(wanted)


def check_instance_types(ami_type: str, instance_types: list[str]) -> None:
    """Refuse instances without the accelerator whose driver the image has.

    Source: docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html.
    """
    series = next((series for mark, series in _ACCELERATED.items() if mark in ami_type), None)
    for kind in instance_types if series else ():
        if not kind.startswith(series or ()) or kind.startswith("g4ad"):
            message = f"[{kind}] is not a valid instance type for requested amiType {ami_type}"
            raise InvalidParameterError(message)


def check_labels(labels: dict[str, str]) -> None:
    """Refuse labels that belong to Kubernetes or EKS."""
    for key in labels:
        if key.startswith(_RESERVED_LABELS):
            message = f"Label cannot contain reserved prefixes [{', '.join(_RESERVED_LABELS)}]: {key}"
            raise InvalidParameterError(message)


def check_taints(taints: list[dict[str, str]]) -> None:
    """Refuse taints without key or effect, the same taint twice, and too many."""
    seen = [(taint.get("key"), taint.get("effect")) for taint in taints]
    if any(not key or not effect for key, effect in seen):
        message = "A taint needs a key and an effect"
        raise InvalidParameterError(message)
    if len(set(seen)) != len(seen):
        message = "Taints with the same key and effect are not allowed"
        raise InvalidParameterError(message)
    if len(taints) > _MOST_TAINTS:
        message = f"A node group can have at most {_MOST_TAINTS} taints"
        raise InvalidParameterError(message)


def refuse_unsupported(call: Call) -> None:
    """Refuse the parts of node groups that the lab does not emulate."""
    if call.get("warmPoolConfig"):
        message = "the lab does not emulate warmPoolConfig of EKS node groups"
        raise NotEmulatedError(message)
    if call.get("remoteAccess"):
        message = "the lab does not emulate remoteAccess of EKS node groups"
        raise NotEmulatedError(message)


def launch_template(aws: AwsClients, call: Call) -> tuple[dict[str, str] | None, dict[str, Any]]:
    """Return the caller's launch template and its data, checked against the rest of the call."""
    wanted = call.get("launchTemplate")
    if not wanted:
        return None, {}
    if ("id" in wanted) == ("name" in wanted):
        message = "You must specify either the launch template ID or the launch template name, but not both."
        raise InvalidParameterError(message)
    try:
        shown, data = ec2_resources.caller_template(aws, wanted)
    except (botocore.exceptions.ClientError, IndexError) as error:
        message = f"Launch template {wanted.get('id') or wanted.get('name')} could not be found: {error}"
        raise InvalidParameterError(message) from error
    _check_template(call, data)
    return shown, data


def _check_template(call: Call, data: dict[str, Any]) -> None:
    if call.get("diskSize"):
        message = "Disk size must be specified within the launch template."
        raise InvalidParameterError(message)
    if data.get("InstanceType") and call.get("instanceTypes"):
        message = "Cannot specify instance types in launch template and API request"
        raise InvalidRequestError(message)
    if data.get("IamInstanceProfile"):
        message = "Instance profile cannot be specified in the launch template of a node group"
        raise InvalidParameterError(message)
    if not data.get("ImageId"):
        return
    if call.get("amiType", "CUSTOM") != "CUSTOM":
        message = (
            "You cannot specify an AMI Type other than CUSTOM, "
            "when specifying an image id in your launch template."
        )
        raise InvalidParameterError(message)
    if call.get("version") or call.get("releaseVersion"):
        message = "You cannot specify the field kubernetes version or release version when using custom AMIs."
        raise InvalidParameterError(message)
