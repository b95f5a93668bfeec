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


def was_deleted(kind: str, identifier: str, code: str) -> EC2ClientError:
    """Return the refusal of a resource that does not exist, or not any more."""
    return refusal(code, f"{kind} {identifier} was deleted or does not exist.")


def invalid_filter(name: str) -> EC2ClientError:
    """Return the refusal of a filter that the call does not support."""
    return refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
