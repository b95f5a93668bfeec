"""Auto Scaling's refusals, with AWS's codes; the messages are AWS's own wording where it is known."""

from __future__ import annotations


class AutoScalingError(Exception):
    """A call that Auto Scaling refuses."""

    code = "ValidationError"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationError(AutoScalingError):
    """The call asks for what cannot be."""


class AlreadyExistsError(AutoScalingError):
    """A group of that name exists."""

    code = "AlreadyExists"


class ResourceInUseError(AutoScalingError):
    """The group still has instances."""

    code = "ResourceInUse"


class ScalingActivityInProgressError(AutoScalingError):
    """The group still changes its size."""

    code = "ScalingActivityInProgress"


class InstanceRefreshInProgressError(AutoScalingError):
    """One refresh at a time."""

    code = "InstanceRefreshInProgress"


class ActiveInstanceRefreshNotFoundError(AutoScalingError):
    """There is no refresh to cancel."""

    code = "ActiveInstanceRefreshNotFound"


class InvalidNextTokenError(AutoScalingError):
    """A page that was never offered."""

    code = "InvalidNextToken"


class UnsupportedOperationError(AutoScalingError):
    """What AWS does not offer to new accounts either."""

    code = "UnsupportedOperation"


def group_not_found(name: str) -> ValidationError:
    """The refusal of a call about a group that is not there."""
    return ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")


def instance_not_found(instance: str) -> ValidationError:
    """The refusal of a call about an instance that no group manages."""
    return ValidationError(f"Instance Id not found - No managed instance found for instance ID: {instance}")


def sizes_do_not_fit(group: str, sizes: tuple[int, int, int], what: str) -> ValidationError:
    """The refusal to detach, attach or set aside instances when the bounds forbid the new size."""
    smallest, largest, desired = sizes
    return ValidationError(
        f"AutoScalingGroup {group} has min-size={smallest}, max-size={largest}, and desired-size={desired}. "
        f"To {what}, please update the AutoScalingGroup sizes appropriately."
    )
