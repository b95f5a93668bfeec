"""The errors of everything that talks to the outside world: AWS, the Kubernetes API, files, commands.

    ProgramError
    ├── UserError               the user can fix it: configuration, credentials, permissions, the cluster
    │   ├── RefusedError        the server understood the request and rejected it
    │   │   └── AwsRefusedError         AWS did
    │   │       └── AwsNotFoundError    what the request names does not exist
    │   ├── AwsSetupError       no request could be made: credentials, region or profile
    │   └── NotReadyError       the cluster was not ready in time; names what is missing
    ├── TransientError          connection lost, throttled, server error: was retried, may work later
    │   ├── AwsUnavailableError         the same of AWS
    │   └── CredentialsExpiredError     credentials that were good are no longer; fresh ones may come
    │       └── AwsCredentialsExpiredError  AWS says so, or they could not be refreshed
    └── UnexpectedAnswerError   an answer this program does not understand: a bug here, or a change there

`settings.ConfigurationError` is a UserError as well; it is defined with the configuration.
`runtime.errors.StoppedError` is the UserError of a migration that stopped before its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eks_cilium.troubleshooting import Topic

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "AwsAnswer",
    "AwsCredentialsExpiredError",
    "AwsError",
    "AwsNotFoundError",
    "AwsRefusedError",
    "AwsSetupError",
    "AwsUnavailableError",
    "CredentialsExpiredError",
    "NotReadyError",
    "ProgramError",
    "RefusedError",
    "TransientError",
    "UnexpectedAnswerError",
    "UserError",
]

_BAD_REQUEST = 400


class ProgramError(Exception):
    """Base of every error this program raises on purpose. Its message is written for the user.

    Attributes:
        topic: Where docs/troubleshooting.md explains it; None where the message says all there is.
    """

    topic: Topic | None = None


class UserError(ProgramError):
    """The user can fix the cause; the message says what to change. Running again without it fails again."""


class RefusedError(UserError):
    """The server understood the request and rejected it; the same request is rejected again.

    Attributes:
        status: HTTP status of the answer.
    """

    topic: Topic | None = Topic.API_SERVER_REFUSED

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NotReadyError(UserError):
    """The cluster was not ready in time. Fix what is missing, then run `pulumi up` again.

    Attributes:
        missing: What was not ready at the end, one sentence each.
    """

    topic: Topic | None = Topic.AGENTS_NOT_READY

    def __init__(self, seconds: float, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        lines = "".join(f"\n  - {line}" for line in self.missing)
        super().__init__(
            f"Cilium is not ready on every node after {seconds:.0f} s:{lines}\n"
            "Nothing is lost: fix what is listed, then run `pulumi up` again; it continues from here."
        )


class TransientError(ProgramError):
    """The cause may pass without anybody's doing. The request was retried already: run again later."""

    topic: Topic | None = Topic.API_SERVER_UNAVAILABLE


class CredentialsExpiredError(TransientError):
    """Credentials that identified the user are not good any more. What asks again finds fresh ones."""

    topic: Topic | None = Topic.CREDENTIALS_EXPIRED


class UnexpectedAnswerError(ProgramError):
    """An answer this program does not understand. A developer has to look at it: stack traces are kept."""

    topic: Topic | None = Topic.UNEXPECTED_ANSWER


@dataclass(frozen=True, slots=True)
class AwsAnswer:
    """What is known of a failed call of AWS."""

    action: str
    """Service and operation, as in `eks:DescribeCluster`; most IAM permissions have the same name."""
    code: str
    """AWS's error code, as in `AccessDeniedException`; the name of botocore's error when AWS said nothing."""
    message: str
    """AWS's own words."""
    request_id: str = ""
    """AWS's support asks for it. Empty when AWS said nothing."""
    status: int = _BAD_REQUEST
    """HTTP status."""


class AwsError(ProgramError):
    """A call of AWS failed; catch it to decide by `code`, whatever kind of failure it is.

    Attributes:
        answer: What is known of the call.
    """

    answer: AwsAnswer

    @property
    def code(self) -> str:
        """AWS's error code, as in `ResourceInUseException`."""
        return self.answer.code

    @property
    def reason(self) -> str:
        """AWS's own words, without code and request id."""
        return self.answer.message


class AwsRefusedError(AwsError, RefusedError):
    """AWS rejected the request. The user can fix permissions, credentials, or what the message names."""

    topic: Topic | None = Topic.AWS_REFUSED

    def __init__(self, message: str, answer: AwsAnswer) -> None:
        RefusedError.__init__(self, message, status=answer.status)
        self.answer = answer


class AwsNotFoundError(AwsRefusedError):
    """What the request names does not exist in this account and region."""

    topic: Topic | None = Topic.AWS_NOT_FOUND


class AwsSetupError(AwsError, UserError):
    """AWS was not asked: credentials, region or profile are missing or wrong. The user can fix it."""

    topic: Topic | None = Topic.AWS_SETUP

    def __init__(self, message: str, answer: AwsAnswer) -> None:
        super().__init__(message)
        self.answer = answer


class AwsUnavailableError(AwsError, TransientError):
    """AWS could not be reached, throttled every attempt, or failed itself. Run again later."""

    topic: Topic | None = Topic.AWS_UNAVAILABLE

    def __init__(self, message: str, answer: AwsAnswer) -> None:
        super().__init__(message)
        self.answer = answer


class AwsCredentialsExpiredError(AwsError, CredentialsExpiredError):
    """AWS says that the credentials have expired, or they could not be refreshed. Log in again."""

    topic: Topic | None = Topic.CREDENTIALS_EXPIRED

    def __init__(self, message: str, answer: AwsAnswer) -> None:
        super().__init__(message)
        self.answer = answer
