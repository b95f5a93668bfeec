"""EKS's error responses, named as in its API model.

The operations raise them; `lab.cloud.eks.protocol` turns them into HTTP responses.
"""

from __future__ import annotations

from lab.cloud.requests.errors import AwsError


class EksError(AwsError):
    """A call that EKS refuses."""

    code = "ClientException"


class InvalidParameterError(EksError):
    code = "InvalidParameterException"


class InvalidRequestError(EksError):
    """A request that does not fit the state of the resource."""

    code = "InvalidRequestException"


class ResourceInUseError(EksError):
    """A resource that exists already, or that others still need."""

    code = "ResourceInUseException"
    status = 409


class UnsupportedZoneError(EksError):
    code = "UnsupportedAvailabilityZoneException"


class ResourceNotFoundError(EksError):
    code = "ResourceNotFoundException"
    status = 404


class NotEmulatedError(EksError):
    """A call or a feature of EKS that the lab does not emulate; recorded as a fault of the lab."""

    code = "NotImplemented"
    status = 501
