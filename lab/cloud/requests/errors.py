"""The base of the errors that the lab's own services answer with."""

from __future__ import annotations


class AwsError(Exception):
    """An error response of AWS: its code, its HTTP status and, in `members`, further members of its body."""

    code = "ValidationError"
    status = 400

    def __init__(self, message: str, **members: str) -> None:
        super().__init__(message)
        self.message = message
        self.members = members
