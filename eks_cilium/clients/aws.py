"""AWS sessions and the tokens EKS takes as proof of identity.

Where the AWS APIs are is decided by the standard variables and files; nothing here knows of any particular
place.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTER_HEADER = "x-k8s-aws-id"
_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - the public prefix of every EKS token
_URL_LIFE_SECONDS = 60
_RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})


@dataclass(frozen=True)
class Credentials:
    """Whose credentials to use, where. The credentials themselves never leave boto3."""

    region: str
    profile: str | None = None

    def session(self) -> boto3.Session:
        """A session with them."""
        return boto3.Session(profile_name=self.profile, region_name=self.region)


def default_region(profile: str | None) -> str | None:
    """The region of a profile, or that of the environment."""
    return boto3.Session(profile_name=profile).region_name


def client(credentials: Credentials, service: str) -> Any:
    """A client of one AWS service that sits out throttling."""
    return credentials.session().client(service, config=_RETRIES)


def ec2(credentials: Credentials) -> Any:
    """An EC2 client that sits out throttling."""
    return client(credentials, "ec2")


def eks_token(credentials: Credentials, cluster_name: str) -> str:
    """A token for one cluster: a presigned request for the caller's identity, bound to the cluster's name."""
    sts = credentials.session().client("sts")
    events = sts.meta.events
    events.register("provide-client-params.sts.GetCallerIdentity", _take_cluster_name)
    events.register("before-sign.sts.GetCallerIdentity", _add_cluster_header)
    url = sts.generate_presigned_url(
        "get_caller_identity",
        Params={"ClusterName": cluster_name},
        ExpiresIn=_URL_LIFE_SECONDS,
        HttpMethod="GET",
    )
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def eks_tokens(credentials: Credentials, cluster_name: str) -> Callable[[], str]:
    """A source of fresh tokens for one cluster."""
    return lambda: eks_token(credentials, cluster_name)


def _take_cluster_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Move our own parameter out of the way of botocore's validation."""
    if "ClusterName" in params:
        context["cluster_name"] = params.pop("ClusterName")


def _add_cluster_header(request: Any, **_: Any) -> None:
    if "cluster_name" in request.context:
        request.headers[CLUSTER_HEADER] = request.context["cluster_name"]
