"""The AWS clients of EKS, which call the other services with EKS's service role.

EKS creates security groups, launch templates and Auto Scaling groups in its customer's account through the
ordinary APIs, so that the call log shows its calls under its own principal.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
import botocore.exceptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.cloud.identity.identities import Credentials

NOT_FOUND = frozenset(
    {"InvalidGroup.NotFound", "InvalidLaunchTemplateId.NotFound", "InvalidGroupId.NotFound", "NoSuchEntity"}
)


class AwsClients:
    """Clients of one region, created on first use."""

    def __init__(
        self, region: str, endpoint: Callable[[], str], credentials: Callable[[], Credentials]
    ) -> None:
        self._region = region
        self._endpoint = endpoint
        self._credentials = credentials
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def ec2(self) -> Any:
        return self._client("ec2")

    @property
    def autoscaling(self) -> Any:
        return self._client("autoscaling")

    @property
    def iam(self) -> Any:
        return self._client("iam")

    @property
    def logs(self) -> Any:
        return self._client("logs")

    @property
    def kms(self) -> Any:
        return self._client("kms")

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._create(service)
            return self._clients[service]

    def _create(self, service: str) -> Any:
        known = self._credentials()
        session = boto3.session.Session(
            aws_access_key_id=known.access_key_id,
            aws_secret_access_key=known.secret_access_key,
            aws_session_token=known.session_token,
            region_name=self._region,
        )
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=30)
        return session.client(service, endpoint_url=self._endpoint(), config=config)


def error_code(error: botocore.exceptions.ClientError) -> str:
    return str(error.response["Error"]["Code"])


def ignoring_absence(action: Callable[[], Any]) -> None:
    """Delete something; ignore that it does not exist or is still used by others."""
    try:
        action()
    except botocore.exceptions.ClientError as error:
        if error_code(error) not in NOT_FOUND | {"DependencyViolation", "ValidationError"}:
            raise
