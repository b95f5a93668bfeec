"""Auto Scaling's refusals, with AWS's codes; the messages are AWS's own wording where it is known."""

from __future__ import annotations

from lab.cloud.requests.errors import AwsError


class AutoScalingError(AwsError):
    """A call that Auto Scaling refuses."""


class ValidationError(AutoScalingError):
    """The parameters are invalid, or do not fit the state of the group."""


class AlreadyExistsError(AutoScalingError):
    code = "AlreadyExists"


class ResourceInUseError(AutoScalingError):
    code = "ResourceInUse"


class ScalingActivityInProgressError(AutoScalingError):
    code = "ScalingActivityInProgress"


class InstanceRefreshInProgressError(AutoScalingError):
    code = "InstanceRefreshInProgress"


class ActiveInstanceRefreshNotFoundError(AutoScalingError):
    code = "ActiveInstanceRefreshNotFound"


class InvalidNextTokenError(AutoScalingError):
    code = "InvalidNextToken"


class UnsupportedOperationError(AutoScalingError):
    """An operation that AWS does not offer to new accounts."""

    code = "UnsupportedOperation"


def group_not_found(name: str) -> ValidationError:
    return ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


def instance_not_found(instance: str) -> ValidationError:
    return ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance}")


def sizes_do_not_fit(group: str, sizes: tuple[int, int, int], action: str) -> ValidationError:
    """Return the refusal to detach, attach or set aside instances because of the group's bounds."""
    smallest, largest, desired = sizes
    return ValidationError(
        f"AutoScalingGroup {group} has min-size={smallest}, max-size={largest}, and desired-size={desired}. "
        f"To {action}, please update the AutoScalingGroup sizes appropriately."
    )
