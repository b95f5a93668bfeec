"""AWS sessions, clients whose errors are this program's, and the tokens that EKS takes as proof of identity.

The standard variables and files of AWS (AWS_PROFILE, AWS_ENDPOINT_URL, ~/.aws/config ...) decide who asks and
where; no address is written here.
"""

from __future__ import annotations

import base64
import os
import threading
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from eks_cilium.clients.aws_errors import translated
from eks_cilium.errors import AwsCredentialsExpiredError, AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CLUSTER_HEADER = "x-k8s-aws-id"
_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105 - the public prefix of every EKS token
# What `aws eks get-token` uses. EKS accepts the token for 15 minutes all the same.
_URL_LIFE_SECONDS = 60
_FIXED_METHODS = frozenset({"env", "explicit"})
_RETRIES = Config(retries={"mode": "standard", "max_attempts": 8})


class _Models(Loader):
    """The models of AWS's services, parsed once in a process: that of EC2 alone takes a fifth of a second.

    A session has a loader of its own otherwise (botocore/session.py, `_register_data_loader`).
    """

    @property
    def search_paths(self) -> list[str]:
        # Each session of boto3 appends the folder of its resources, which are not used here.
        return [*super().search_paths]


class _TranslatesErrors:
    """A base of boto3's client classes: every operation passes through it, also those of paginators."""

    meta: Any
    of_session: boto3.Session
    expired: Callable[[], None]

    def _make_api_call(self, operation_name: str, api_params: Mapping[str, Any]) -> Any:
        action = f"{self.meta.service_model.service_name}:{operation_name}"
        try:
            with translated(action, is_renewable=lambda: _is_renewable(self.of_session)):
                # botocore's own client class follows in the order of bases.
                return super()._make_api_call(operation_name, api_params)  # type: ignore[misc]
        except AwsCredentialsExpiredError:
            self.expired()
            raise


@dataclass(frozen=True)
class Credentials:
    """Which credentials to use, in which region. The secrets themselves never leave boto3."""

    region: str
    """Name of the AWS region, as in `eu-central-1`."""
    profile: str | None = None
    """Profile of the AWS configuration files; None for the default chain of boto3."""

    def session(self, expired: Callable[[], None] = lambda: None) -> boto3.Session:
        """A boto3 session with these credentials; `expired` as in `translating`.

        Raises:
            AwsSetupError: the profile does not exist.
        """
        with translated("AWS profile"):
            inner = botocore.session.Session(profile=self.profile)
            inner.register_component("data_loader", _models(inner.get_config_variable("data_path")))
            session = boto3.Session(
                profile_name=self.profile, region_name=self.region, botocore_session=inner
            )
            return translating(session, expired)


@cache
def _models(folders: str | None) -> _Models:
    """The models of a process, with those in the folders that AWS_DATA_PATH or a profile adds."""
    extra = [os.path.expanduser(os.path.expandvars(each)) for each in (folders or "").split(os.pathsep)]
    return _Models(extra_search_paths=[each for each in extra if each])


def translating(session: boto3.Session, expired: Callable[[], None] = lambda: None) -> boto3.Session:
    """The session, whose clients raise errors of `eks_cilium.errors` from now on.

    `expired` is called each time before AwsCredentialsExpiredError is raised.
    The hook is the one that boto3 documents for extending clients:
    boto3.amazonaws.com/v1/documentation/api/latest/guide/events.html, `creating-client-class`.
    """
    named = {"of_session": session, "expired": staticmethod(expired)}
    base = type("TranslatesErrors", (_TranslatesErrors,), named)
    session.events.register("creating-client-class", partial(_add_translation, base))
    return session


def _add_translation(base: type, base_classes: list[type], **_: Any) -> None:
    base_classes.insert(0, base)


def _is_renewable(session: boto3.Session) -> bool:
    """Whether credentials may be followed by fresh ones in this process, which cannot change its environment.

    Those of roles, SSO, processes and web identities are refreshed by botocore; keys in files are read again
    by a new session. Source: botocore/credentials.py, `METHOD` of each provider.
    """
    found = session.get_credentials()
    return found is None or found.method not in _FIXED_METHODS


def default_region(profile: str | None) -> str | None:
    """The region of a profile, else that of the environment; None where neither names one.

    Raises:
        AwsSetupError: the profile does not exist.
    """
    with translated("AWS profile"):
        return boto3.Session(profile_name=profile).region_name


ClientOf: TypeAlias = "Callable[[Credentials, str], Any]"
"""Makes a boto3 client for credentials and a service, as `client` does; tests pass another."""


def client(credentials: Credentials, service: str, expired: Callable[[], None] = lambda: None) -> Any:
    """A boto3 client of one AWS service, as in `eks`; `expired` as in `translating`.

    Throttled and failed requests are sent up to eight times. What fails then is raised by the operation that
    was called, as `eks_cilium.clients.aws_errors.translated` lists.

    Raises:
        AwsSetupError: credentials, region or profile are missing or wrong.
    """
    session = credentials.session(expired)
    with translated(f"AWS client for {service}"):
        return session.client(service, config=_RETRIES)


class AwsClients:
    """The clients of one run, by service; made anew when their credentials have expired.

    A client keeps the credentials it was made with; where those are keys in a file, it never sees fresh ones.
    Safe to use from several threads.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._are_expired = False

    def __call__(self, service: str) -> Any:
        """The client of a service, as in `eks`."""
        with self._lock:
            if self._are_expired and self._has_credentials():
                self._clients.clear()
                self._are_expired = False
            if service not in self._clients:
                self._clients[service] = client(self._credentials, service, self._expired)
            return self._clients[service]

    def _expired(self) -> None:
        self._are_expired = True

    def _has_credentials(self) -> bool:
        """Whether a new session finds any. A file may just be written, a metadata service be away."""
        try:
            with translated("AWS credentials"):
                return self._credentials.session().get_credentials() is not None
        except AwsError:
            return False


def ec2(credentials: Credentials) -> Any:
    """An EC2 client; see `client`."""
    return client(credentials, "ec2")


def eks_token(credentials: Credentials, cluster_name: str) -> str:
    """A bearer token for the Kubernetes API of one EKS cluster; valid for 15 minutes.

    It is a presigned request for the caller's identity, bound to the cluster's name, as `aws eks get-token`
    makes it. Signing needs no network unless the credentials have to be refreshed first.

    Raises:
        AwsSetupError: there are no credentials, or they could not be refreshed.
        AwsUnavailableError: the service that refreshes them did not answer.
    """
    session = credentials.session()
    with translated("sts:GetCallerIdentity"):
        sts = session.client("sts")
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
    """A function that returns a fresh token for one cluster; it raises what `eks_token` raises."""
    return lambda: eks_token(credentials, cluster_name)


def _take_cluster_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """Move our own parameter out of the way of botocore's validation."""
    if "ClusterName" in params:
        context["cluster_name"] = params.pop("ClusterName")


def _add_cluster_header(request: Any, **_: Any) -> None:
    if "cluster_name" in request.context:
        request.headers[CLUSTER_HEADER] = request.context["cluster_name"]
