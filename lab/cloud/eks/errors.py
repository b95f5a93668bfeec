"""The errors EKS answers with, by the names its API model gives them.

Raised by the operations, written on the wire by `lab.cloud.eks.protocol`.
"""

from __future__ import annotations


class EksError(Exception):
    """An answer of EKS other than success: what the caller of the API did wrong."""

    code = "ClientException"
    status = 400

    def __init__(self, message: str, **members: str) -> None:
        super().__init__(message)
        self.message = message
        self.members = members


class InvalidParameterError(EksError):
    """A parameter that EKS does not accept."""

    code = "InvalidParameterException"


class InvalidRequestError(EksError):
    """A request that does not fit the state of the resource."""

    code = "InvalidRequestException"


class ResourceInUseError(EksError):
    """A resource that exists already, or that others still need."""

    code = "ResourceInUseException"
    status = 409


class ResourceNotFoundError(EksError):
    """A resource that does not exist."""

    code = "ResourceNotFoundException"
    status = 404


class NotPlayedError(EksError):
    """A call or a feature of EKS that the lab does not play; recorded as a fault of the lab."""

    code = "NotImplemented"
    status = 501
