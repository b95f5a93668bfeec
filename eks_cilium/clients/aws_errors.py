"""Errors of boto3, translated into those of `eks_cilium.errors`.

Every client of `eks_cilium.clients.aws` uses it, so nothing else in the program catches botocore's errors.
A message names the action, AWS's code and words, the request id, and what the user can do.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore import exceptions
from botocore.parsers import ResponseParserError

from eks_cilium.errors import (
    AwsAnswer,
    AwsCredentialsExpiredError,
    AwsNotFoundError,
    AwsRefusedError,
    AwsSetupError,
    AwsUnavailableError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eks_cilium.errors import ProgramError

# What botocore itself retries. A code that still arrives here outlasted all attempts.
# Source: botocore/retries/standard.py, TransientRetryableChecker and ThrottledRetryableChecker (1.44).
_TRANSIENT_CODES = frozenset({"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"})
_THROTTLED_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "EC2ThrottledException",
    }
)
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500

# Codes that every service can answer with. Sources: "Error codes for the Amazon EC2 API"
# (docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html) and the pages "Common Errors" of the
# references of Auto Scaling, EKS and IAM. Services spell the same error differently.
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "NotAuthorized"}
)
# EC2 answers RequestExpired for temporary credentials that have expired, and also for a wrong clock.
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_CLOCK = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_ACCOUNT = frozenset({"Blocked", "OptInRequired", "PendingVerification", "SubscriptionRequiredException"})
# EKS and Auto Scaling; IAM; Route 53. EC2's codes all end alike: InvalidInstanceID.NotFound.
_NOT_FOUND = frozenset(
    {"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NoSuchHostedZone"}
)

# BotoCoreErrors raised before or instead of an answer. What is in none of these lists is the user's setup.
_NO_CONNECTION = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.MetadataRetrievalError,
    exceptions.CapacityNotAvailableError,
)
_OUR_BUGS = (
    exceptions.ParamValidationError,
    exceptions.MissingParametersError,
    exceptions.OperationNotPageableError,
    exceptions.PaginationError,
    exceptions.UnknownClientMethodError,
    exceptions.UnknownServiceError,
    exceptions.StubResponseError,
)
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.RefreshWithMFAUnsupportedError,
)
_NOT_REFRESHED = (
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.NoAuthTokenError,
    exceptions.SSOError,
    exceptions.LoginError,
)
_NO_REGION = (
    exceptions.NoRegionError,
    exceptions.InvalidRegionError,
    exceptions.UnknownRegionError,
    exceptions.UnknownEndpointError,
    exceptions.ServiceNotInRegionError,
    exceptions.EndpointResolutionError,
)

_LOG_IN = (
    "Get fresh AWS credentials (`aws sso login`, or the keys of the CI job), check them with "
    "`aws sts get-caller-identity`, and run again."
)
_FIXED = (
    "They come from environment variables, which a running process cannot renew. Set fresh ones and run "
    "again, or use a profile, a credential process or a web identity, which are read anew."
)
_WRONG_CLOCK = "The clock of this machine differs from AWS's by more than 15 minutes: set it, and run again."
_WHOLE_SETUP = "Check AWS_PROFILE, AWS_REGION and ~/.aws/config with `aws configure list`."
_NETWORK = "Check the region, the network, VPN and proxy, and AWS_ENDPOINT_URL if it is set; then run again."
_PERMITTED_ACTION = re.compile(r"perform: ([a-z0-9-]+:\w+)")


@contextmanager
def translated(action: str, *, is_renewable: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Raise errors of boto3 inside the block as errors of this program.

    Args:
        action: What the block does, for the message: service and operation, as in `eks:DescribeCluster`.
        is_renewable: Whether credentials that have expired may be followed by fresh ones in this process.

    Raises:
        AwsCredentialsExpiredError: the credentials have expired or could not be refreshed.
        AwsRefusedError: AWS rejected the request; AwsNotFoundError when what it names does not exist.
        AwsSetupError: credentials, region or profile are missing or wrong.
        AwsUnavailableError: no connection, throttled, or AWS failed; all attempts are used up.
        UnexpectedAnswerError: the request or the answer does not fit the service's model.
    """
    try:
        yield
    except (exceptions.ClientError, exceptions.BotoCoreError, ResponseParserError) as error:
        found = translation(error, action)
        if isinstance(found, AwsCredentialsExpiredError) and not is_renewable():
            words = str(found).replace(_LOG_IN, _FIXED)
            raise AwsRefusedError(words, found.answer) from error
        raise found from error


def translation(error: Exception, action: str) -> ProgramError:
    """The error of this program that means the same as one of boto3; `action` as in `translated`."""
    if isinstance(error, exceptions.ClientError):
        return _answered(error, action)
    if isinstance(error, (*_OUR_BUGS, ResponseParserError)):
        return UnexpectedAnswerError(f"{action}: {type(error).__name__}: {error}")
    answer = AwsAnswer(action, type(error).__name__, str(error).rstrip("."))
    if isinstance(error, _NO_CONNECTION):
        return AwsUnavailableError(f"{action}: no answer from AWS: {answer.message}. {_NETWORK}", answer)
    if isinstance(error, _NOT_REFRESHED):
        return AwsCredentialsExpiredError(f"{action}: {answer.message}. {_LOG_IN}", answer)
    return AwsSetupError(f"{action}: {answer.message}. {_setup_hint(error)}", answer)


def _answered(error: exceptions.ClientError, action: str) -> ProgramError:
    details, about = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    answer = AwsAnswer(
        action=action,
        code=str(details.get("Code", "Unknown")),
        message=str(details.get("Message", "")),
        request_id=str(about.get("RequestId", "")),
        status=int(about.get("HTTPStatusCode", 400)),
    )
    if _is_transient(answer):
        attempts = int(about.get("RetryAttempts", 0)) + 1
        return AwsUnavailableError(
            f"{action} failed {attempts} times, last with {_quoted(answer)} Run again later.", answer
        )
    words = f"AWS refused {action} with {_quoted(answer)} {_hint(answer)}".rstrip()
    if answer.code in _EXPIRED:
        return AwsCredentialsExpiredError(words, answer)
    return (AwsNotFoundError if _is_not_found(answer.code) else AwsRefusedError)(words, answer)


def _is_transient(answer: AwsAnswer) -> bool:
    # botocore retries 500, 502, 503 and 504 by status alone; no other 5xx is documented for AWS.
    return (
        answer.code in _TRANSIENT_CODES | _THROTTLED_CODES
        or answer.status >= _SERVER_ERROR
        or answer.status == _TOO_MANY_REQUESTS
    )


def _is_not_found(code: str) -> bool:
    return code in _NOT_FOUND or code.endswith(".NotFound")


def _quoted(answer: AwsAnswer) -> str:
    request = f" (request id {answer.request_id})" if answer.request_id else ""
    words = f": {answer.message.rstrip('.')}" if answer.message else ""
    return f"{answer.code}{words}{request}."


def _hint(answer: AwsAnswer) -> str:
    if answer.code in _DENIED:
        # AWS names the permission where it differs from the operation.
        found = _PERMITTED_ACTION.search(answer.message)
        permission = found[1] if found else answer.action
        return f"Permit {permission} in the IAM policy of this identity, and in policies that limit it."
    if answer.code in _EXPIRED & _CLOCK:
        return f"{_LOG_IN} Where they are fresh: {_WRONG_CLOCK}"
    if answer.code in _EXPIRED | _CREDENTIALS:
        return _LOG_IN
    if answer.code in _CLOCK:
        return _WRONG_CLOCK
    if answer.code in _ACCOUNT:
        return "The AWS account cannot use this service yet: see its page in the console, or AWS Support."
    return ""


def _setup_hint(error: Exception) -> str:
    if isinstance(error, _NO_CREDENTIALS):
        return _LOG_IN
    if isinstance(error, _NO_REGION):
        return "Set the region in the configuration, in AWS_REGION, or in the AWS profile."
    if isinstance(error, exceptions.ProfileNotFound):
        return "`aws configure list-profiles` shows the profiles there are."
    return _WHOLE_SETUP
