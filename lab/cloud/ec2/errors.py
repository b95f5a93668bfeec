"""AWS's own refusals that moto does not have, with AWS's codes and wording."""

from moto.ec2.exceptions import EC2ClientError


def refusal(code: str, message: str) -> EC2ClientError:
    """An error that moto turns into the response EC2 would give."""
    return EC2ClientError(code, message)


def dependency_violation(kind: str, identifier: str) -> EC2ClientError:
    """The refusal to delete what something else still uses."""
    return refusal(
        "DependencyViolation", f"The {kind} '{identifier}' has dependencies and cannot be deleted."
    )


def invalid_filter(name: str) -> EC2ClientError:
    """The refusal of a filter that the call does not have."""
    return refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
