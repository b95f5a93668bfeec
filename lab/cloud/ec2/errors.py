"""AWS's refusals that moto lacks, with AWS's codes and wording."""

from moto.ec2.exceptions import EC2ClientError


def refusal(code: str, message: str) -> EC2ClientError:
    """Return an error that moto turns into EC2's response."""
    return EC2ClientError(code, message)


def dependency_violation(kind: str, identifier: str) -> EC2ClientError:
    """Return the refusal to delete a resource that is still used."""
    return refusal(
        "DependencyViolation", f"The {kind} '{identifier}' has dependencies and cannot be deleted."
    )


def invalid_filter(name: str) -> EC2ClientError:
    """Return the refusal of a filter that the call does not support."""
    return refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
