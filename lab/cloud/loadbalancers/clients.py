"""The AWS clients of the controllers of Services, which call this same cloud with EKS's service role.

On AWS, a cluster's cloud controller uses the cluster's role, and the AWS Load Balancer Controller its own.
Here both are sessions of the service role with different session names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import botocore.config
from moto.sts.models import sts_backends

from lab.cloud.identity.identities import PARTITION

if TYPE_CHECKING:
    from lab.cloud.extension import Parts

_YEARS = 10 * 365 * 24 * 3600
_ROLE = "role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"


class Clients:
    """boto3 clients by controller, service and region."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._sessions: dict[str, boto3.session.Session] = {}
        self._clients: dict[tuple[str, str, str], Any] = {}

    def of(self, controller: str, service: str, region: str) -> Any:
        """Return a client of one service in one region for a controller."""
        key = (controller, service, region)
        if key not in self._clients:
            cloud = json.loads((self._parts.directory / "cloud.json").read_text(encoding="utf-8"))
            once = botocore.config.Config(retries={"total_max_attempts": 1})
            session = self._session(controller)
            self._clients[key] = session.client(service, region, endpoint_url=cloud["url"], config=once)
        return self._clients[key]

    def _session(self, controller: str) -> boto3.session.Session:
        if controller not in self._sessions:
            created = sts_backends[self._parts.account][PARTITION].assume_role(
                region_name=self._parts.region,
                role_session_name=controller,
                role_arn=f"arn:{PARTITION}:iam::{self._parts.account}:{_ROLE}",
                policy="",
                duration=_YEARS,
                external_id="",
            )
            self._sessions[controller] = boto3.session.Session(
                aws_access_key_id=created.access_key_id,
                aws_secret_access_key=created.secret_access_key,
                aws_session_token=created.session_token,
            )
        return self._sessions[controller]
