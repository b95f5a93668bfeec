"""The AWS API for one provider instance: credentials, region, default tags and the translation of errors.

Endpoints and credentials are configured as for any AWS client (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID,
profiles).
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

from lab.providers.errors import RefusedError, UnavailableError
from lab.providers.resource import Operation

MAY_PASS_LATER = frozenset(
    {"Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable", "InternalFailure"}
)
NOT_FOUND = frozenset(
    {
        "NoSuchEntity",
        "NoSuchHostedZone",
        "NotFoundException",
        "ParameterNotFound",
        "ResourceNotFoundException",
    }
)
# Transit gateways and their route tables report `IncorrectState`.
IN_USE = frozenset({"DependencyViolation", "DeleteConflict", "ResourceInUse", "IncorrectState"})
PATIENCE_FOR_DEPENDENTS = 120.0


class Cloud:
    """Clients of one session in one region; `within` returns the same session in another region."""

    def __init__(self, session: boto3.Session, region: str, default_tags: Mapping[str, str]) -> None:
        self._session = session
        self.region = region
        self.default_tags = dict(default_tags)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def within(self, region: Any) -> "Cloud":
        # A resource may name a region other than that of its provider.
        if not isinstance(region, str) or region == self.region:
            return self
        return Cloud(self._session, region, self.default_tags)

    def client(self, service: str) -> Any:
        # Created once per service: creating a client is slow and not thread-safe.
        with self._lock:
            if service not in self._clients:
                config = botocore.config.Config(retries={"mode": "standard", "max_attempts": 4})
                self._clients[service] = self._session.client(service, self.region, config=config)
            return self._clients[service]

    @property
    def ec2(self) -> Any:
        return self.client("ec2")

    @property
    def iam(self) -> Any:
        return self.client("iam")

    @property
    def eks(self) -> Any:
        return self.client("eks")

    @cached_property
    def identity(self) -> dict[str, str]:
        """The owner of the credentials: Account, Arn, UserId."""
        return dict(self.client("sts").get_caller_identity())

    @property
    def account(self) -> str:
        return self.identity["Account"]

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`, depending on the region."""
        return str(self._session.get_partition_for_region(self.region))

    def arn(self, service: str, rest: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def pages(self, service: str, action: str, key: str, **arguments: Any) -> list[Any]:
        client = self.client(service)
        if not client.can_paginate(action):
            return list(getattr(client, action)(**arguments)[key])
        pages = client.get_paginator(action).paginate(**arguments)
        return [item for page in pages for item in page[key]]


def error_code(error: botocore.exceptions.ClientError) -> str:
    """The error code of AWS, such as `InvalidVpcRange`."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def is_not_found(error: botocore.exceptions.ClientError) -> bool:
    code = error_code(error)
    return code in NOT_FOUND or code.endswith(("NotFound", "NotFoundException"))


def find(call: Callable[..., Any], **arguments: Any) -> Any:
    """The answer of a describe call, or None if the resource does not exist."""
    try:
        return call(**arguments)
    except botocore.exceptions.ClientError as error:
        if is_not_found(error):
            return None
        raise


def remove(call: Callable[..., Any], **arguments: Any) -> None:
    """Call a delete; a resource that does not exist counts as deleted."""
    find(call, **arguments)


def remove_when_free(operation: Operation, call: Callable[..., Any], **arguments: Any) -> None:
    # Other resources that still use it may be about to be deleted, so the call is repeated.
    started = operation.clock()
    while True:
        try:
            return remove(call, **arguments)
        except botocore.exceptions.ClientError as error:
            passed = operation.clock() - started
            in_use = error_code(error) in IN_USE
            if not in_use or passed >= (operation.timeout or PATIENCE_FOR_DEPENDENTS):
                raise
            operation.progress(f"still in use: {error_code(error)} ({passed:.0f}s)")
            operation.sleep(2.0)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Translate the errors of boto3 into one line that starts with the error code of AWS."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        code, message = error_code(error), error.response.get("Error", {}).get("Message", "")
        kind = UnavailableError if code in MAY_PASS_LATER else RefusedError
        raise kind(f"{code}: {message}".replace("\n", " ")) from error
    except botocore.exceptions.HTTPClientError as error:
        raise UnavailableError(f"the AWS endpoint does not answer: {error}") from error
    except botocore.exceptions.BotoCoreError as error:
        raise RefusedError(" ".join(str(error).split())) from error
